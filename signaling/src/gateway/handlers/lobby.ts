import { lobbyAdmitSchema, lobbyDenySchema } from '@parley/protocol'
import { z } from 'zod'
import { demand } from '../../access/powers.ts'
import { SignalingError } from '../../errors.ts'
import type { Handlers, MeetingSocket, Meetings } from '../types.ts'

/** Those before the door, and who lets them in. */
export function lobbyHandlers({
  deps,
  seats,
  doorkeeper,
}: Meetings): Handlers<'lobby:knock' | 'lobby:admit' | 'lobby:deny'> {
  async function answer(socket: MeetingSocket, id: string, admitted: boolean): Promise<null> {
    const { key, participant } = seats.of(socket)
    demand(await doorkeeper.roleOf(key, participant.id), 'admit')
    if (!(await doorkeeper.answer(key, id, admitted)))
      throw new SignalingError('not-found', 'nobody of that id waits (any more)')
    deps.log.info({ ...key, participant: id, by: participant.id, admitted }, 'knock answered')
    return null
  }
  return {
    'lobby:knock': {
      schema: z.strictObject({}),
      async handle(socket) {
        if (!seats.find(socket.id)) await doorkeeper.knock(socket)
        return null
      },
    },
    'lobby:admit': {
      schema: lobbyAdmitSchema,
      handle: (socket, { id }) => answer(socket, id, true),
    },
    'lobby:deny': {
      schema: lobbyDenySchema,
      handle: (socket, { id }) => answer(socket, id, false),
    },
  }
}

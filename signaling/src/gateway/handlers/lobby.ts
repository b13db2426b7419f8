import { lobbyAdmitSchema, lobbyDenySchema } from '@parley/protocol'
import { z } from 'zod'
import { SignalingError } from '../../errors.ts'
import type { Handlers, Meetings } from '../types.ts'

/** Those before the door, and who lets them in. */
export function lobbyHandlers({
  seats,
}: Meetings): Handlers<'lobby:knock' | 'lobby:admit' | 'lobby:deny'> {
  return {
    'lobby:knock': {
      schema: z.strictObject({}),
      async handle() {
        throw new SignalingError('invalid', 'the door is open; send room:join')
      },
    },
    'lobby:admit': {
      schema: lobbyAdmitSchema,
      async handle(socket) {
        seats.of(socket)
        throw new SignalingError('not-found', 'nobody of that id waits')
      },
    },
    'lobby:deny': {
      schema: lobbyDenySchema,
      async handle(socket) {
        seats.of(socket)
        throw new SignalingError('not-found', 'nobody of that id waits')
      },
    },
  }
}

import {
  moderationMuteSchema,
  moderationRemoveSchema,
  type Role,
  roomLockSchema,
} from '@parley/protocol'
import { z } from 'zod'
import { type Action, demand, may } from '../../access/powers.ts'
import { SignalingError } from '../../errors.ts'
import { channel, leaveChannels } from '../channels.ts'
import type { Handlers, LocalSeat, MeetingSocket, Meetings } from '../types.ts'

/** What hosts and admins do for the peace of a room. */
export function moderationHandlers({
  deps,
  seats,
  doorkeeper,
  tell,
  dismiss,
}: Meetings): Handlers<'moderation:mute' | 'moderation:remove' | 'room:lock' | 'room:end'> {
  const { io, rooms, sfu, log } = deps

  /** The seat of who does it, and everybody's role. @throws {SignalingError} `forbidden`, `not-found` */
  async function authorize(socket: MeetingSocket, action: Action, target?: string) {
    const seat = seats.of(socket)
    const roles = await doorkeeper.rolesIn(seat.key)
    const actor = roles.get(seat.participant.id) ?? 'guest'
    // In this order, so that whoever may not does not learn who is there.
    demand(actor, action)
    if (target !== undefined) demand(actor, action, roleOf(roles, target))
    return { seat, actor, roles }
  }

  /** Asks the page, which obeys at once; and on the SFU makes it so. */
  async function mute({ key, participant, sfu: onSfu }: LocalSeat, id: string, kind: MuteKind) {
    tell(key, id).emit('moderation:mute', { kind, by: participant.id })
    if (onSfu) await sfu.mute(key, id, kind)
  }

  return {
    'moderation:mute': {
      schema: moderationMuteSchema,
      async handle(socket, { id, kind }) {
        const { seat, actor, roles } = await authorize(socket, 'mute', id)
        const self = seat.participant.id
        const ids =
          id === undefined
            ? [...roles].flatMap(([other, role]) =>
                other !== self && may(actor, 'mute', role) ? [other] : [],
              )
            : [id]
        const muted = await Promise.allSettled(ids.map((one) => mute(seat, one, kind)))
        for (const one of muted)
          if (one.status === 'rejected')
            log.warn({ ...seat.key, problem: String(one.reason) }, 'not muted on the SFU')
        log.info({ ...seat.key, by: self, muted: ids.length, kind }, 'participants muted')
        return null
      },
    },

    'moderation:remove': {
      schema: moderationRemoveSchema,
      async handle(socket, { id }) {
        const { seat } = await authorize(socket, 'remove', id)
        const { key, participant } = seat
        if (id === participant.id)
          throw new SignalingError('invalid', 'moderation:remove: id: leave with room:leave')
        if (!(await rooms.door.remove(key, id))) throw notThere()
        doorkeeper.showOut(key, id)
        seats.announceLeft(key, [id])
        if (seat.sfu) dismiss(key, id)
        log.info({ ...key, participant: id, by: participant.id }, 'participant removed')
        return null
      },
    },

    'room:lock': {
      schema: roomLockSchema,
      async handle(socket, { locked }) {
        const { seat } = await authorize(socket, 'lock')
        const { key, participant } = seat
        if (!(await doorkeeper.setLocked(key, locked))) return null
        io.to(channel(key)).emit('room:locked', { locked })
        if (!locked) doorkeeper.retry(key)
        log.info({ ...key, by: participant.id, locked }, 'room locked')
        return null
      },
    },

    'room:end': {
      schema: z.strictObject({}),
      async handle(socket) {
        const { seat, roles } = await authorize(socket, 'end')
        const { key, participant } = seat
        await rooms.door.end(key)
        if (seat.sfu) for (const id of roles.keys()) dismiss(key, id)
        seats.release(socket.id)
        await leaveChannels(socket, key, participant.id)
        doorkeeper.close(key)
        socket.emit('room:ended')
        // Whoever has ended it hears that it is done before the socket goes.
        setImmediate(() => socket.disconnect(true))
        log.info({ ...key, by: participant.id, participants: roles.size }, 'meeting ended')
        return null
      },
    },
  }
}

type MuteKind = z.infer<typeof moderationMuteSchema>['kind']

function roleOf(roles: ReadonlyMap<string, Role>, id: string): Role {
  const role = roles.get(id)
  if (!role) throw notThere()
  return role
}

function notThere(): SignalingError {
  return new SignalingError('not-found', 'that participant is not in the room')
}

import type { Participant } from '@parley/protocol'
import type { JoinClaims } from '../join-token.ts'
import type { Came } from '../rooms/room-door.ts'
import type { RoomKey } from '../rooms/room-store.ts'
import { channel } from './channels.ts'
import { toError } from './refusals.ts'
import type { LocalSeats } from './seats.ts'
import type { GatewayDeps } from './types.ts'

/** Of whom a seat is held that has no socket yet. */
const prefix = 'request:'

/** Whether a seat's session is that of a request, and no socket's. */
export const isEarly = (session: string) => session.startsWith(prefix)

/** Of who has such a seat, as everybody has heard. */
export const earlyMedia = { audio: false, video: false }

/**
 * Takes seats on the SFU for those who ask for one with their token, and have no socket yet. All hear of them as of
 * anybody, so that nobody listens unseen; where no socket comes, it is as with one that was lost, and they go after the
 * grace period.
 *
 * @param crown finds a host where there is none
 * @returns the token for the SFU; undefined where `room:join` has to say what holds, also where this fails. Never rejects
 */
export function earlySeats(
  deps: Pick<
    GatewayDeps,
    'io' | 'rooms' | 'sfu' | 'clock' | 'meshMax' | 'roomMax' | 'graceMs' | 'log'
  >,
  seats: Pick<LocalSeats, 'announceJoined' | 'announceLeft' | 'sweepLater'>,
  crown: (key: RoomKey, came: Came) => void,
) {
  const { io, rooms, sfu, clock, meshMax, roomMax, graceMs, log } = deps

  async function seat(key: RoomKey, claims: JoinClaims): Promise<string | undefined> {
    const { participant: id, account, name, role } = claims
    const participant: Participant = { id, name, media: earlyMedia, joinedAt: clock.now(), role }
    const session = `${prefix}${id}`
    const outcome = await rooms.join(
      key,
      { participant, session },
      { total: roomMax, mesh: meshMax },
    )
    seats.announceLeft(key, outcome.expired)
    if (outcome.kind !== 'joined') return undefined
    if (!outcome.sfu) {
      // Direct links begin over a socket.
      await rooms.leave(key, id, session)
      seats.announceLeft(key, [id])
      return undefined
    }
    const everybody = io.to(channel(key))
    if (outcome.moved) {
      log.info({ ...key }, 'room moved to the SFU')
      everybody.emit('room:media', { mode: 'sfu' })
    }
    const { recording } = outcome
    if (recording.recording) everybody.emit('recording:state', recording)
    seats.announceJoined(key, outcome.self)
    crown(key, { id, account })
    const [given] = await Promise.all([
      sfu.media({ ...key, participant: id, name }),
      // As of a lost socket, also where there is no token. Those here, whose seats are looked after with the room, may all
      // have left by then.
      rooms.detach(key, id, session, graceMs).finally(() => seats.sweepLater(key)),
    ])
    return given.mode === 'sfu' ? given.token : undefined
  }

  return async function takeSeat(claims: JoinClaims): Promise<string | undefined> {
    const { participant, tenant, room } = claims
    const key = { tenant, room }
    try {
      return await seat(key, claims)
    } catch (error) {
      // They have their token, and may have spent their invitation on it.
      log.warn({ ...key, participant, code: toError(error, log).code }, 'no seat before the socket')
      return undefined
    }
  }
}

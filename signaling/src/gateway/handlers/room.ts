import { isDeepStrictEqual } from 'node:util'
import { type Participant, roomJoinSchema } from '@parley/protocol'
import { z } from 'zod'
import { isTurnedAway, SignalingError } from '../../errors.ts'
import { sfuNotReady } from '../../sfu.ts'
import { channel, leaveChannels, peerChannel } from '../channels.ts'
import { earlyMedia, isEarly } from '../early-seat.ts'
import type { Handlers, LocalSeat, Meetings } from '../types.ts'

/** Taking a seat, and giving it up. */
export function roomHandlers({
  deps,
  seats,
  doorkeeper,
  mediaOf,
  resumeToken,
}: Meetings): Handlers<'room:join' | 'room:leave'> {
  const { rooms, turn, clock, log } = deps

  /** Without a key for the SFU yet a room holds a mesh; whoever is too many is told to wait. */
  const limitOf = () => (deps.sfu.ready() ? deps.roomMax : deps.meshMax)

  const turnFor = async (who: Parameters<typeof turn.iceServers>[0]) => turn.iceServers(who)

  function roomFull(total: number): SignalingError {
    if (deps.sfu.engine !== 'None' && !deps.sfu.ready()) return sfuNotReady()
    return new SignalingError('room-full', `the room holds ${total} people; it is full`)
  }

  return {
    'room:join': {
      schema: roomJoinSchema,
      async handle(socket, { media, agrees = false }) {
        const { metrics } = deps
        const { participant: id, name, role, tenant, room, sfu = false } = socket.data.claims
        const key = { tenant, room }
        const failed = (refused: unknown): never => {
          if (!isTurnedAway(refused)) metrics().joinAttempted()
          throw refused
        }
        await doorkeeper.admit(socket.data.claims).catch(failed)
        const total = limitOf()
        const iceServers = await turnFor({ ...key, participant: id }).catch(failed)
        const participant: Participant = { id, name, media, joinedAt: clock.now(), role }
        // In the Socket.IO room first: whoever joins after the snapshot is taken is announced here.
        await socket.join([channel(key), peerChannel(key, id)])
        const outcome = await rooms
          .join(
            key,
            { participant, session: socket.id },
            { total, mesh: deps.meshMax, sfu: sfu && deps.sfu.engine !== 'None', agrees },
          )
          .catch(async (refused) => {
            await leaveChannels(socket, key, id)
            return failed(refused)
          })
        seats.announceLeft(key, outcome.expired)
        // Who is asked first whether they want to be recorded has not failed to join.
        if (outcome.kind !== 'recorded') metrics().joinAttempted()
        if (outcome.kind === 'full') {
          await leaveChannels(socket, key, id)
          throw roomFull(total)
        }
        if (outcome.kind === 'recorded') {
          await leaveChannels(socket, key, id)
          throw new SignalingError(
            'recorded',
            'the meeting is recorded: join with `agrees`, or not at all',
          )
        }
        const seat: LocalSeat = {
          key,
          socket,
          participant: outcome.self,
          session: socket.id,
          sfu: outcome.sfu,
          cameBack: outcome.cameBack,
        }
        seats.hold(seat)
        const early = outcome.replaced !== undefined && isEarly(outcome.replaced)
        if (outcome.replaced && !early) seats.replace(outcome.replaced)
        // Before they hear of the newcomer, whom they need not try to reach directly then.
        if (outcome.moved) {
          log.info({ ...key }, 'room moved to the SFU')
          socket.to(channel(key)).emit('room:media', { mode: 'sfu' })
        }
        // Before who records hears of the newcomer, who has said yes.
        const { recording } = outcome
        if (recording.recording && !outcome.returned)
          socket.to(channel(key)).emit('recording:state', recording)
        const { self, ...seen } = await doorkeeper.welcome(seat, outcome.participants)
        if (!outcome.returned) seats.announceJoined(key, self, socket.id)
        else if (!early || !isDeepStrictEqual(media, earlyMedia))
          socket.to(channel(key)).emit('participant:media', { id, media })
        metrics().joinSucceeded()
        log.info({ ...key, participant: id, returned: outcome.returned }, 'participant joined')
        return {
          self: id,
          room: key.room,
          iceServers,
          maxParticipants: total,
          media: await mediaOf(seat),
          ...seen,
          ...(recording.recording && { recording }),
          resume: await resumeToken(seat),
        }
      },
    },

    'room:leave': {
      schema: z.strictObject({}),
      async handle(socket) {
        const seat = seats.of(socket)
        const { key, participant } = seat
        seats.release(socket.id)
        await leaveChannels(socket, key, participant.id)
        if (await rooms.leave(key, participant.id, seat.session)) {
          seats.announceLeft(key, [participant.id])
          seats.dismiss(seat)
        }
        log.info({ ...key, participant: participant.id }, 'participant left')
        return null
      },
    },
  }
}

import { mediaStateSchema } from '@parley/protocol'
import { z } from 'zod'
import type { RoomKey } from '../../rooms/room-store.ts'
import { channel } from '../channels.ts'
import { notJoined } from '../refusals.ts'
import type { Handlers, LocalSeat, Meetings } from '../types.ts'

/** What a participant sends, and the ways of media: TURN servers, and the SFU. */
export function mediaHandlers({
  deps,
  seats,
  mediaOf,
  resumeToken,
}: Meetings): Handlers<'media:state' | 'turn:refresh' | 'media:refresh' | 'media:unreachable'> {
  const { rooms, turn } = deps

  /** Whether this server reaches the SFU. */
  const answers = (key: RoomKey) =>
    deps.sfu.participants(key).then(
      () => true,
      () => false,
    )

  /** Another replica may have moved the room. */
  async function lookUp(seat: LocalSeat) {
    const way = await rooms.occupancy(seat.key)
    seats.takeWay([seat], way)
    seat.sfu ||= way.sfu
  }

  return {
    'media:state': {
      schema: mediaStateSchema,
      async handle(socket, media) {
        const seat = seats.of(socket)
        const { id } = seat.participant
        if (!(await rooms.setMedia(seat.key, id, seat.session, media))) throw notJoined()
        seat.participant = { ...seat.participant, media }
        socket.to(channel(seat.key)).emit('participant:media', { id, media })
        return null
      },
    },

    'turn:refresh': {
      schema: z.strictObject({}),
      async handle(socket) {
        const seat = seats.of(socket)
        const iceServers = turn.iceServers({ ...seat.key, participant: seat.participant.id })
        return { iceServers, resume: await resumeToken(seat) }
      },
    },

    'media:refresh': {
      schema: z.strictObject({}),
      async handle(socket) {
        const seat = seats.of(socket)
        await lookUp(seat)
        return { media: await mediaOf(seat), resume: await resumeToken(seat) }
      },
    },

    'media:unreachable': {
      schema: z.strictObject({}),
      async handle(socket) {
        const seat = seats.of(socket)
        const { key } = seat
        await lookUp(seat)
        // What one client says of its own way there moves nobody else.
        if (seat.sfu && !(await answers(key)) && (await rooms.leaveSfu(key, deps.meshMax)))
          seats.cameBack(key, 'sfu-away')
        return { media: await mediaOf(seat), resume: await resumeToken(seat) }
      },
    },
  }
}

import {
  chatSendSchema,
  handLowerSchema,
  handSetSchema,
  moderates,
  reactionSendSchema,
} from '@parley/protocol'
import { z } from 'zod'
import { SignalingError } from '../../errors.ts'
import { rateLimit } from '../../rate-limit.ts'
import type { RoomKey } from '../../rooms/room-store.ts'
import { channel } from '../channels.ts'
import { notJoined } from '../refusals.ts'
import type { Handlers, LocalSeat, Meetings } from '../types.ts'

/** A second and participant, and more in a burst of ten seconds: faster than people are. */
const rates = { chat: [2, 10], history: [1, 6], hand: [1, 6], reaction: [2, 10] } as const

/** What people do in a room beside talking: chat, raised hands, reactions. */
export function socialHandlers({
  deps,
  seats,
  doorkeeper,
}: Meetings): Handlers<'chat:send' | 'chat:history' | 'hand:set' | 'hand:lower' | 'reaction:send'> {
  const { io, rooms } = deps
  const limits = {
    chat: rateLimit(...rates.chat),
    history: rateLimit(...rates.history),
    hand: rateLimit(...rates.hand),
    reaction: rateLimit(...rates.reaction),
  }

  function handIs(key: RoomKey, id: string, at: number | null) {
    io.to(channel(key)).emit('participant:hand', { id, at })
  }
  function remember(seat: LocalSeat, at: number | null) {
    const { handAt: _, ...rest } = seat.participant
    seat.participant = at === null ? rest : { ...rest, handAt: at }
  }

  return {
    'chat:send': {
      schema: chatSendSchema,
      async handle(socket, { id, text }) {
        const { key, participant } = seats.of(socket)
        await limits.chat.take(participant.id)
        const { name } = participant
        const said = await rooms.chat.say(key, { id, text, from: participant.id, name })
        // Also what was said before: the server that took it may have died before it passed it on.
        if (said.message) io.to(channel(key)).emit('chat:message', said.message)
        return { at: said.at }
      },
    },

    'chat:history': {
      schema: z.strictObject({}),
      async handle(socket) {
        const { key, participant } = seats.of(socket)
        // A small question with an answer of more than a megabyte, as long as what was said.
        await limits.history.take(participant.id)
        return { messages: await rooms.chat.said(key) }
      },
    },

    'hand:set': {
      schema: handSetSchema,
      async handle(socket, { raised }) {
        const seat = seats.of(socket)
        const { key, participant, session } = seat
        await limits.hand.take(participant.id)
        const hand = await rooms.setHand(key, participant.id, session, raised)
        if (!hand) throw notJoined()
        remember(seat, hand.at)
        handIs(key, participant.id, hand.at)
        return hand
      },
    },

    'hand:lower': {
      schema: handLowerSchema,
      async handle(socket, { id }) {
        const { key, participant } = seats.of(socket)
        if (!moderates(await doorkeeper.roleOf(key, participant.id)))
          throw new SignalingError('forbidden', "only a host lowers somebody else's hand")
        if (!(await rooms.setHand(key, id, undefined, false)))
          throw new SignalingError('not-found', 'that participant is not in the room')
        for (const seat of seats.all())
          if (seat.participant.id === id && seat.key.room === key.room) remember(seat, null)
        handIs(key, id, null)
        return null
      },
    },

    'reaction:send': {
      schema: reactionSendSchema,
      async handle(socket, { reaction }) {
        const { key, participant } = seats.of(socket)
        await limits.reaction.take(participant.id)
        socket.to(channel(key)).emit('reaction', { id: participant.id, reaction })
        return null
      },
    },
  }
}

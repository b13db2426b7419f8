import { signalToSchema } from '@parley/protocol'
import { peerChannel } from '../channels.ts'
import type { Handlers, Meetings } from '../types.ts'

/** Perfect negotiation's messages, from one participant to another. */
export function signalHandlers({ deps, seats, findHere }: Meetings): Handlers<'signal'> {
  const { io, rooms } = deps
  return {
    signal: {
      schema: signalToSchema,
      async handle(socket, { to, signal }) {
        const { key, participant } = seats.of(socket)
        const peer = peerChannel(key, to)
        const here = await findHere(key, to)
        // As a rule by the way of every other event, to stay in order with them. While Redis is
        // away that way waits for it, so peers on this replica are then reached directly.
        const target = here && !rooms.reachable() ? io.local.to(peer) : io.to(peer)
        target.emit('signal', { from: participant.id, signal })
        return null
      },
    },
  }
}

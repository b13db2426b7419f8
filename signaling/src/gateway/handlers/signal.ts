import { type Signal, signalToSchema } from '@parley/protocol'
import { peerChannel } from '../channels.ts'
import type { Handlers, Meetings } from '../types.ts'

/** Perfect negotiation's messages, from one participant to another. */
export function signalHandlers({ deps, seats, findHere }: Meetings): Handlers<'signal'> {
  const { io, rooms, alone } = deps

  function pass(peer: string, here: boolean, message: { from: string; signal: Signal }) {
    // As a rule by the way of every other event, to stay in order with them. While Redis is
    // away that way waits for it, so peers on this replica are then reached directly.
    if (!alone) return (here && !rooms.reachable() ? io.local : io).to(peer).emit('signal', message)
    // Without other replicas that way is no other than this one, which is shorter.
    const { sockets, adapter } = io.sockets
    for (const id of adapter.rooms.get(peer) ?? []) sockets.get(id)?.emit('signal', message)
  }

  return {
    signal: {
      schema: signalToSchema,
      async handle(socket, { to, signal }) {
        const { key, participant } = seats.of(socket)
        const here = await findHere(key, to)
        pass(peerChannel(key, to), here, { from: participant.id, signal })
        return null
      },
    },
  }
}

import { toError } from './refusals.ts'
import type { Tasks } from './tasks.ts'
import type { MeetingSocket, Meetings } from './types.ts'

/** After this part of a lease without a renewal clients are asked to move, within this part of it. */
const movePart = 0.6
const moveSpreadPart = 0.1

/** Gets clients to other replicas, while this one still serves them. */
export type Moving = {
  /** After each try to renew the seats held here. */
  beat(renewed: boolean): void
  /** Every client, one after the other over `spreadMs`. Resolves when all are gone, or after `deadlineMs`. */
  handOver(spreadMs: number, deadlineMs: number): Promise<void>
}

export function moving({ deps, seats, resumeToken }: Meetings, tasks: Tasks): Moving {
  const { io, clock, leaseMs, random, log } = deps
  /** When a seat of this replica was last renewed, or there was none. */
  let renewedAt = clock.now()

  /** Whoever is seated here moves, one after the other, while their seats still stand. */
  function sendElsewhere() {
    const here = seats.all().filter(({ askedToMove }) => !askedToMove)
    if (here.length > 0) log.warn({ sockets: here.length }, 'seats cannot be kept: asked to move')
    for (const seat of here) {
      seat.askedToMove = true
      tasks.later(random() * leaseMs * moveSpreadPart, () => {
        if (seat.askedToMove) void tellToMove(seat.socket)
      })
    }
  }

  async function tellToMove(socket: MeetingSocket) {
    const seat = seats.find(socket.id)
    // Connected and not seated: about to join, which it does anew elsewhere.
    if (!seat) return void socket.disconnect(true)
    try {
      socket.emit('session:move', { resume: await resumeToken(seat) })
    } catch (error) {
      log.warn({ code: toError(error, log).code }, 'socket not handed over')
    }
  }

  return {
    beat(renewed) {
      if (renewed) renewedAt = clock.now()
      else if (clock.now() - renewedAt >= leaseMs * movePart) sendElsewhere()
    },

    async handOver(spreadMs, deadlineMs) {
      const all = [...io.sockets.sockets.values()]
      if (all.length === 0) return
      log.info({ sockets: all.length }, 'handing sockets over')
      await new Promise<void>((resolve) => {
        const cancels = all.map((socket) =>
          clock.after(random() * spreadMs, () => void tellToMove(socket)),
        )
        const end = () => {
          for (const cancel of [...cancels, deadline]) cancel()
          resolve()
        }
        const deadline = clock.after(deadlineMs, end)
        const gone = () => {
          if (io.sockets.sockets.size === 0) end()
        }
        for (const socket of all) socket.once('disconnect', () => queueMicrotask(gone))
      })
    },
  }
}

import { meetingMetrics } from '@parley/protocol'
import { Counter, Gauge, Registry } from 'prom-client'

/** Rooms that get a series of their own; the others are summed. */
const busiestRooms = 20
const otherRooms = 'other'

export type Metrics = {
  registry: Registry
  joinAttempted(): void
  joinSucceeded(): void
}

/**
 * Metrics of meetings (REQ-A5). Each replica counts the participants whose sockets it holds, so
 * the sum over replicas is right.
 *
 * @param participantsByRoom read at each scrape
 */
export function createMetrics(
  participantsByRoom: () => Map<string, number>,
  registry = new Registry(),
): Metrics {
  const { activeParticipants, connectionsAttempted, connectionsSuccessful } = meetingMetrics
  new Gauge({
    name: activeParticipants.name,
    help: activeParticipants.help,
    labelNames: [...activeParticipants.labels],
    registers: [registry],
    collect() {
      this.reset()
      for (const [room_id, count] of boundRooms(participantsByRoom(), busiestRooms))
        this.set({ room_id }, count)
    },
  })
  const attempted = new Counter({ ...plain(connectionsAttempted), registers: [registry] })
  const successful = new Counter({ ...plain(connectionsSuccessful), registers: [registry] })
  return {
    registry,
    joinAttempted: () => attempted.inc(),
    joinSucceeded: () => successful.inc(),
  }
}

/** The `limit` busiest rooms by themselves and all others as one, so that series stay bounded. */
export function boundRooms(rooms: Map<string, number>, limit: number): Map<string, number> {
  const busiestFirst = [...rooms].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  const bounded = new Map<string, number>()
  busiestFirst.forEach(([room, count], rank) => {
    const label = rank < limit ? room : otherRooms
    bounded.set(label, (bounded.get(label) ?? 0) + count)
  })
  return bounded
}

function plain({ name, help }: { name: string; help: string }) {
  return { name, help }
}

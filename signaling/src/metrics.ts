import { type Metric, meetingMetrics, signalingMetrics } from '@parley/protocol'
import { Counter, Gauge, Registry } from 'prom-client'

/** Rooms that get a series of their own; the others are summed. */
const busiestRooms = 20
const otherRooms = 'other'

export type Metrics = {
  registry: Registry
  joinAttempted(): void
  joinSucceeded(): void
}

/** What a replica holds now. */
export type Load = {
  /** Participants whose sockets are here, by room. */
  participantsByRoom(): Map<string, number>
  /** Connected sockets, whether they are in a room or not. */
  sockets(): number
  /** Rooms, each by the share of its people who are here. May reject. */
  roomShares(): Promise<number>
}

/**
 * Metrics of meetings (REQ-A5). Each replica counts the participants whose sockets it holds, so
 * the sum over replicas is right.
 *
 * `parley_signaling_rooms` counts a room on each replica that holds one of its sockets; the sum of
 * `parley_signaling_room_shares` over the replicas is the number of rooms, and NaN while that cannot be said.
 *
 * @param load read at each scrape
 */
export function createMetrics(load: Load, registry = new Registry()): Metrics {
  const { activeParticipants, connectionsAttempted, connectionsSuccessful } = meetingMetrics
  new Gauge({
    name: activeParticipants.name,
    help: activeParticipants.help,
    labelNames: [...activeParticipants.labels],
    registers: [registry],
    collect() {
      this.reset()
      for (const [room_id, count] of boundRooms(load.participantsByRoom(), busiestRooms))
        this.set({ room_id }, count)
    },
  })
  const gauge = ({ name, help }: Metric, read: () => number | Promise<number>) =>
    new Gauge({
      ...{ name, help },
      registers: [registry],
      async collect() {
        this.set(await read())
      },
    })
  const { sockets, rooms, roomShares, participants } = signalingMetrics
  gauge(sockets, () => load.sockets())
  gauge(rooms, () => load.participantsByRoom().size)
  gauge(roomShares, () => load.roomShares().catch(() => Number.NaN))
  gauge(participants, () =>
    [...load.participantsByRoom().values()].reduce((sum, count) => sum + count, 0),
  )
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

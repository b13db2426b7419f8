import type { MetricField, UserMetrics } from '@parley/protocol'
import type { ConnectionMetrics } from './connectionMetrics.ts'

/** What is said of now; counters are kept elsewhere. */
export type UserReading = Pick<UserMetrics, MetricField> & {
  /** Packets of which `loss` is a part: of few of them it says little. It is not told. */
  due: number
}

/** REQ-M3: all connections of a person together, rounded to what the figures are good for. */
export function aggregate(connections: readonly ConnectionMetrics[]): UserReading {
  const live = connections.filter(({ usingRelay }) => usingRelay !== undefined)
  const trips = live.flatMap(({ rttMs }) => rttMs ?? [])
  const jitters = live.flatMap(({ jitterMs }) => jitterMs ?? [])
  const due = total(live, 'due')
  return {
    up: whole(
      live.reduce((sum, one) => sum + (one.total?.up ?? 0), 0),
      10_000_000,
    ),
    down: whole(
      live.reduce((sum, one) => sum + (one.total?.down ?? 0), 0),
      10_000_000,
    ),
    rtt: trips.length > 0 ? whole(mean(trips), 60_000) : null,
    min: trips.length > 0 ? whole(Math.min(...trips), 60_000) : null,
    max: trips.length > 0 ? whole(Math.max(...trips), 60_000) : null,
    loss: due > 0 ? Math.round((total(live, 'lost') / due) * 1000) / 10 : null,
    jitter: jitters.length > 0 ? whole(mean(jitters), 60_000) : null,
    links: Math.min(1000, live.length),
    relayed: Math.min(1000, live.filter(({ usingRelay }) => usingRelay).length),
    due,
  }
}

function total(connections: readonly ConnectionMetrics[], field: 'due' | 'lost'): number {
  return connections.reduce((sum, one) => sum + one[field], 0)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function whole(value: number, most: number): number {
  return Math.min(most, Math.max(0, Math.round(value)))
}

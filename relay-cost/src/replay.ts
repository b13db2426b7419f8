import { type StatsdbLine, statsdbLineSchema } from '@parley/protocol'
import { parseStatsdb, type StatsdbEvent } from './statsdb.ts'

/** An event of a recorded stream, and the line that says it. */
export type Recorded = { line: StatsdbLine; event: StatsdbEvent }

/** Later than this, `t` is in microseconds or made up: it would make one allocation last for ages. */
const latest = Date.UTC(2100, 0)

/**
 * Reads one line of a recorded stream, JSON `{"t": epoch ms, "channel", "message"}`; undefined for an
 * empty one. Never throws: what says nothing that can be counted comes back as a rejection that says why.
 */
export function readRecorded(text: string): Recorded | { rejected: string } | undefined {
  if (text.trim() === '') return undefined
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return { rejected: 'not JSON' }
  }
  const line = statsdbLineSchema.safeParse(json)
  if (!line.success)
    return { rejected: 'not of the form {"t": epoch ms, "channel": "…", "message": "…"}' }
  if (line.data.t >= latest)
    return { rejected: `t ${line.data.t} is past the year 2100; give epoch ms` }
  const event = parseStatsdb(line.data)
  return 'rejected' in event ? event : { line: line.data, event }
}

/** The order in which coturn publishes what it says of an allocation. */
const rank: Record<StatsdbEvent['kind'], number> = {
  'allocation-new': 0,
  'allocation-refreshed': 1,
  traffic: 2,
  'traffic/peer': 3,
  'allocation-deleted': 4,
  total_traffic: 5,
  'total_traffic/peer': 6,
}

/**
 * The order in which events are counted: by `t`, and within a millisecond in the order in which coturn
 * publishes. 0 for a repeat: events with the same `t`, channel and message are one. Two deltas of one
 * allocation that are equal and in the same millisecond cannot both be real: coturn publishes one for
 * each 4096 packets, and the one at close covers fewer.
 */
export function compareRecorded(a: Recorded, b: Recorded): number {
  return (
    a.line.t - b.line.t ||
    rank[a.event.kind] - rank[b.event.kind] ||
    compareText(a.line.channel, b.line.channel) ||
    compareText(a.line.message, b.line.message)
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

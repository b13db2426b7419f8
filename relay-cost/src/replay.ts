import { type StatsdbLine, statsdbLineSchema } from '@parley/protocol'
import { type AllocationRecord, joinAllocations } from './allocation.ts'
import { Ledger } from './ledger.ts'
import { parseStatsdb, type StatsdbEvent } from './statsdb.ts'

export type Replay = {
  allocations: AllocationRecord[]
  /** Events counted. */
  accepted: number
  /** Exact repeats of an event, dropped. */
  repeated: number
  /** Lines that say nothing that can be counted; `line` is 1 for the first. */
  rejected: { line: number; reason: string }[]
  /** Epoch ms of the first and of the last event; 0 and 0 when there are none. */
  from: number
  to: number
}

/**
 * Accounts for a recorded statsdb stream: JSON lines `{"t": ms, "channel", "message"}` in any
 * order, with any repeats. Lines that cannot be read are named and the rest is counted.
 *
 * Order: by `t`, and within a millisecond in the order in which coturn publishes. Repeats: events
 * with the same `t`, channel and message are one. Two deltas of one allocation that are equal and in
 * the same millisecond cannot both be real: coturn publishes one for each 4096 packets, and the one
 * at close covers fewer.
 */
export function replayEvents(lines: Iterable<string>): Replay {
  const events: Recorded[] = []
  const rejected: Replay['rejected'] = []
  let number = 0
  for (const text of lines) {
    number += 1
    const read = readRecorded(text)
    if (!read) continue
    if ('rejected' in read) rejected.push({ line: number, reason: read.rejected })
    else events.push(read)
  }
  events.sort(compareRecorded)

  const ledger = new Ledger()
  let repeated = 0
  let previous: Recorded | undefined
  for (const recorded of events) {
    if (previous && compareRecorded(previous, recorded) === 0) repeated += 1
    else ledger.apply(recorded.event)
    previous = recorded
  }
  return {
    allocations: joinAllocations(ledger.records()),
    accepted: events.length - repeated,
    repeated,
    rejected,
    from: events.at(0)?.line.t ?? 0,
    to: events.at(-1)?.line.t ?? 0,
  }
}

/** An event of a recorded stream, and the line that says it. */
export type Recorded = { line: StatsdbLine; event: StatsdbEvent }

/** Later than this, `t` is in microseconds or made up: it would make one allocation last for ages. */
const latest = Date.UTC(2100, 0)

/** Reads one line of a recorded stream; undefined for an empty one. Never throws. */
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

/** The order in which events are counted; 0 for a repeat. */
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

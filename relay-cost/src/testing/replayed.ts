import { type AllocationRecord, joinAllocations } from '../allocation.ts'
import { Ledger } from '../ledger.ts'
import { compareRecorded, type Recorded, readRecorded } from '../replay.ts'
import { buildReport, type ReportRequest } from './build-report.ts'
import { type Life, publish } from './stream.ts'

/** What a recorded stream comes to with all of it at hand: what `ReplayStream` is held against. */
export type Replayed = { allocations: AllocationRecord[]; from: number; to: number }

/** Lines in any order, with any repeats, that can all be read. */
export function replayed(lines: readonly string[]): Replayed {
  const events = inOrder(lines)
  const ledger = new Ledger()
  let previous: Recorded | undefined
  for (const recorded of events) {
    if (!previous || compareRecorded(previous, recorded) !== 0) ledger.apply(recorded.event)
    previous = recorded
  }
  return {
    allocations: joinAllocations(ledger.records()),
    from: events.at(0)?.line.t ?? 0,
    to: events.at(-1)?.line.t ?? 0,
  }
}

export function replayedReport(
  { allocations, from, to }: Replayed,
  request: Omit<ReportRequest, 'allocations' | 'window'>,
) {
  return buildReport({ window: { from, to: to + 1 }, ...request, allocations })
}

export function inOrder(lines: readonly string[]): Recorded[] {
  return lines
    .map(readRecorded)
    .filter((each): each is Recorded => each !== undefined && !('rejected' in each))
    .sort(compareRecorded)
}

export function jsonLines(all: readonly Life[]): string[] {
  return all.flatMap(publish).map((line) => JSON.stringify(line))
}

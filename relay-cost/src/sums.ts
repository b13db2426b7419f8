import type { ReportDimension } from '@parley/protocol'
import { dayOf } from './allocation.ts'
import { type CellSums, type UsageCell, usageFields } from './usage.ts'

/**
 * Groups cells as a report by these dimensions wants them: what a store does in SQL ({@link CellSums}).
 * @param first epoch ms of the first hour of the report: in it, what was carried into it counts
 */
export function sumCells(
  cells: Iterable<UsageCell>,
  by: readonly ReportDimension[],
  first: number,
): CellSums[] {
  const dimensions = new Set<ReportDimension>([...by, 'transport'])
  const groups = new Map<string, CellSums>()
  for (const cell of cells) {
    const key = Object.fromEntries([...dimensions].map((name) => [name, dimensionOf(cell, name)]))
    const id = JSON.stringify(key)
    const sums = groups.get(id) ?? ({ ...key, ...noSums() } as CellSums)
    groups.set(id, sums)
    addSums(sums, cell)
    if (cell.hour === first) sums.allocations += cell.carried
  }
  return [...groups.values()]
}

/** What of measures adds up over everything. */
export type SumMeasures = Pick<CellSums, (typeof sumFields)[number]>

export const sumFields = usageFields.filter(
  (field): field is Exclude<typeof field, 'carried'> => field !== 'carried',
)

const zero = Object.fromEntries(sumFields.map((field) => [field, 0])) as SumMeasures

export function noSums(): SumMeasures {
  return { ...zero }
}

/** Adds the measures of one to those of another, in place. Written out: it runs for each row of a store. */
export function addSums(to: SumMeasures, from: SumMeasures): void {
  to.allocations += from.allocations
  to.milliseconds += from.milliseconds
  to.userMilliseconds += from.userMilliseconds
  to.clientToTurnBytes += from.clientToTurnBytes
  to.clientToTurnPackets += from.clientToTurnPackets
  to.turnToClientBytes += from.turnToClientBytes
  to.turnToClientPackets += from.turnToClientPackets
  to.peerToTurnBytes += from.peerToTurnBytes
  to.peerToTurnPackets += from.peerToTurnPackets
  to.turnToPeerBytes += from.turnToPeerBytes
  to.turnToPeerPackets += from.turnToPeerPackets
  to.insideBytes += from.insideBytes
  to.insidePackets += from.insidePackets
  to.crossZoneBytes += from.crossZoneBytes
  to.crossZonePackets += from.crossZonePackets
  to.interRegionBytes += from.interRegionBytes
  to.interRegionPackets += from.interRegionPackets
  to.crossZoneInBytes += from.crossZoneInBytes
  to.crossZoneInPackets += from.crossZoneInPackets
  to.interRegionInBytes += from.interRegionInBytes
  to.interRegionInPackets += from.interRegionInPackets
  to.boundBytes += from.boundBytes
  to.boundPackets += from.boundPackets
  to.unattributedBytes += from.unattributedBytes
  to.recoveredBytes += from.recoveredBytes
  to.unseenSentBytes += from.unseenSentBytes
  to.unseenReceivedBytes += from.unseenReceivedBytes
}

function dimensionOf(cell: UsageCell, dimension: ReportDimension): string | number {
  return dimension === 'day' ? dayOf(cell.hour) : cell[dimension]
}

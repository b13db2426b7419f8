import type { RelayCostReport, ReportDimension } from '@parley/protocol'
import { type AllocationRecord, hourMs, isOpen, joinAllocations } from '../allocation.ts'
import { apportion } from '../apportion.ts'
import { type CellsRequest, cellsOf } from '../cells.ts'
import type { PricesAt } from '../prices/history.ts'
import type { Prices } from '../prices/prices.ts'
import { reportOf } from '../report.ts'
import type { Window } from '../request.ts'
import { countedHours, spansOf } from '../span.ts'
import { sumCells } from '../sums.ts'
import type { UsageCell } from '../usage.ts'

export type ReportRequest = Partial<Omit<CellsRequest, 'window'>> & {
  /** In any order, repeats and views of several meters allowed: they are joined first. */
  allocations: Iterable<AllocationRecord>
  window: Window
  prices: Prices | PricesAt
  /** Default: room. */
  by?: readonly ReportDimension[]
  /** What only nodes counted, beyond the allocations (`unseenCells`). */
  unseen?: readonly UsageCell[]
  /** Node hours in the window, and what a node relays at most (Mbit/s sent). Not given: nodes cost 0. */
  nodes?: { nodeHours: number; capacityMbps: number }
  /** Said in the report before its own notes. */
  notes?: readonly string[]
}

/**
 * The report of allocations that are all at hand: what meter, store and replay are held against. A
 * default of `asOf` is the window's end.
 * @throws {RelayCostError} `COUNTER_OVERFLOW` where a sum passes 2^53 bytes
 */
export function buildReport(request: ReportRequest): RelayCostReport {
  const { window, by = ['room'], region = '', prices, nodes, unseen = [] } = request
  const asOf = request.asOf ?? window.to
  const counted = countedHours(window)
  const allocations = joinAllocations(request.allocations)
  const cells = [
    ...cellsOf(allocations, { ...request, region, asOf, window: counted }),
    ...unseen.filter(({ hour }) => hour >= counted.from && hour < counted.to),
  ]
  const spans = spansOf(
    window,
    typeof prices === 'function' ? prices : () => ({ prices, until: Number.POSITIVE_INFINITY }),
  )
  const nodeMilliseconds = apportion(
    Math.round((nodes?.nodeHours ?? 0) * hourMs),
    spans.map(({ from, to }) => to - from),
  )
  return reportOf({
    window,
    by,
    spans: spans.map((span, index) => ({
      ...span,
      sums: sumCells(
        cells.filter(({ hour }) => hour >= span.from && hour < span.to),
        by,
        counted.from,
      ),
      ...(nodes && {
        nodes: {
          milliseconds: nodeMilliseconds[index] ?? 0,
          capacityMbps: nodes.capacityMbps,
        },
      }),
    })),
    open: allocations.filter((record) => isOpen(record, asOf)).length,
    notes: request.notes ?? [],
  })
}

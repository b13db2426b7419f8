import type { RelayCostReport, ReportDimension } from '@parley/protocol'
import {
  countedHours,
  monthOf,
  type PricedSums,
  type PriceSpan,
  type PricesAt,
  reportOf,
  spansOf,
  type Window,
} from '@parley/relay-cost'
import type { Usage } from './usage.ts'

/** Prices of a window: they may change in it. @throws {PricesError} where none hold */
export type PricesOf = (window: Window) => PricesAt

export type UsageReportRequest = {
  window: Window
  by: readonly ReportDimension[]
  pricesOf: PricesOf
  /** Epoch ms up to which allocations are known: now. */
  asOf: number
  /** Allocations that are open. */
  open: number
  notes?: readonly string[]
}

/**
 * The report of what a store holds: summed there, by the dimensions asked for, and priced here. It is
 * the same as `buildReport` of the allocations.
 */
export async function reportFrom(
  usage: Usage,
  { window, by, pricesOf, asOf, open, notes = [] }: UsageReportRequest,
): Promise<RelayCostReport> {
  const first = countedHours(window).from
  const spans = []
  for (const span of spansOf(window, pricesOf(window)))
    spans.push({ ...span, sums: await usage.sums(span, by, asOf, first) })
  const earlier = await earlierInMonth(usage, spans[0], asOf)
  const { participantsFrom } = await usage.kept()
  const notKept =
    by.includes('participant') && first < participantsFrom
      ? [
          `Participants are known from ${new Date(participantsFrom).toISOString().slice(0, 10)} on; what is older is kept by day and room.`,
        ]
      : []
  return reportOf({ window, by, spans, earlier, open, notes: [...notes, ...notKept] })
}

/** What the month had used before its first span: tiers go on from there. */
async function earlierInMonth(
  usage: Usage,
  first: PriceSpan | undefined,
  asOf: number,
): Promise<PricedSums[]> {
  if (!first) return []
  const month = { from: monthOf(first.from), to: first.from }
  if (month.from === month.to) return []
  return [{ ...month, prices: first.prices, sums: await usage.sums(month, [], asOf) }]
}

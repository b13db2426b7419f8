import type { RelayCostReport, ReportDimension } from '@parley/protocol'
import {
  countedHours,
  hourOf,
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
  /** Epoch ms up to which allocations are known: now. */
  asOf: number
  /** Allocations that are open. */
  open: number
  notes?: readonly string[]
}

/** Usage, and the prices that it is under. */
export type PricedUsage = { usage: Usage; pricesOf: PricesOf }

/**
 * The report of what a store holds: summed there, by the dimensions asked for, and priced here. It is
 * the same as `buildReport` of the allocations.
 */
export async function reportFrom(
  parts: readonly PricedUsage[],
  { window, by, asOf, open, notes = [] }: UsageReportRequest,
): Promise<RelayCostReport> {
  const first = countedHours(window).from
  const spans: PricedSums[] = []
  const earlier: PricedSums[] = []
  const fromNodes: string[] = []
  let participantsFrom = 0
  for (const { usage, pricesOf } of parts) {
    const own = spansOf(window, pricesOf(window))
    for (const span of own)
      spans.push({
        ...{ ...span, sums: await usage.sums(span, by, asOf, first) },
        ...(await nodesIn(usage, span, asOf)),
      })
    earlier.push(...(await earlierInMonth(usage, own[0], asOf)))
    fromNodes.push(...(await nodesUnknown(usage, window)))
    participantsFrom = Math.max(participantsFrom, (await usage.kept()).participantsFrom)
  }
  const notKept =
    by.includes('participant') && first < participantsFrom
      ? [
          `Participants are known from ${new Date(participantsFrom).toISOString().slice(0, 10)} on; what is older is kept by day and room.`,
        ]
      : []
  return reportOf({
    ...{ window, by, spans, earlier, open },
    notes: [...notes, ...notKept, ...new Set(fromNodes)],
  })
}

/** The nodes of a span, as a report prices them; nothing where they are not known. */
export async function nodesIn(
  usage: Usage,
  span: Window,
  asOf: number,
): Promise<Pick<PricedSums, 'nodes'>> {
  const nodes = await usage.nodes(span, asOf)
  return nodes ? { nodes } : {}
}

/** Where something was relayed in the window before the nodes became known. */
async function nodesUnknown(usage: Usage, { from }: Window): Promise<string[]> {
  const [since, extent] = [await usage.nodesSince(), await usage.extent()]
  if (since === undefined || extent === undefined) return []
  if (hourOf(since) <= Math.max(hourOf(from), extent.from)) return []
  return [`Node hours are known from ${new Date(since).toISOString().slice(0, 16)}Z on.`]
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

import { isDeepStrictEqual } from 'node:util'
import type { RelayCostReport, ReportDimension } from '@parley/protocol'
import {
  countedHours,
  dayMs,
  dayOf,
  formatSeconds,
  hourOf,
  monthOf,
  type PricedSums,
  type PriceSpan,
  type PricesAt,
  PricesError,
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
 * the same as the report of the allocations themselves.
 */
export async function reportFrom(
  parts: readonly PricedUsage[],
  { window, by, asOf, open, notes = [] }: UsageReportRequest,
): Promise<RelayCostReport> {
  const spans: PricedSums[] = []
  const earlier: PricedSums[] = []
  const ownNotes: string[] = []
  let first = countedHours(window).from
  const kept = await Promise.all(parts.map(({ usage }) => usage.kept()))
  const participantsFrom = Math.max(0, ...kept.map((each) => each.participantsFrom))
  for (const { usage, pricesOf } of parts) {
    const asked = spansOf(window, pricesOf(window))
    const own = inKeptDays(asked, participantsFrom)
    first = own[0]?.from ?? first
    if (!isDeepStrictEqual(own, asked))
      ownNotes.push(
        `Of what is before ${dateOf(participantsFrom)} days are kept alone; they are counted as a whole.`,
      )
    for (const span of own)
      spans.push({
        ...{ ...span, sums: await usage.sums(span, by, asOf, first) },
        ...(await nodesIn(usage, span, asOf)),
      })
    earlier.push(...(await earlierInMonth({ usage, pricesOf }, own[0], participantsFrom, asOf)))
    ownNotes.push(
      ...(await nodesUnknown(usage, window)),
      ...(await unheardNote(usage, window, asOf)),
    )
  }
  const notKept =
    by.includes('participant') && first < participantsFrom
      ? [
          `Participants are known from ${dateOf(participantsFrom)} on; what is older is kept by day and room.`,
        ]
      : []
  return reportOf({
    ...{ window, by, spans, earlier, open },
    notes: [...notes, ...notKept, ...new Set(ownNotes)],
  })
}

function dateOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}

/**
 * Spans of which only days are left before `hoursFrom`, the start of a day: a day is counted as a whole, and
 * once. The first span begins with its day, and prices that change within a day change with the next one.
 */
export function inKeptDays(spans: readonly PriceSpan[], hoursFrom: number): PriceSpan[] {
  const begin = spans[0]?.from
  const cut = (at: number) =>
    at >= hoursFrom ? at : at === begin ? dayOf(at) : dayOf(at + dayMs - 1)
  return spans
    .map((span) => ({ ...span, from: cut(span.from), to: cut(span.to) }))
    .filter(({ from, to }) => from < to)
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

/** What may be missing, because nobody heard it. */
async function unheardNote(usage: Usage, window: Window, asOf: number): Promise<string[]> {
  const gaps = await usage.unheard(window, asOf)
  const [first] = gaps
  if (!first) return []
  const seconds = gaps.reduce((sum, { from, to }) => sum + to - from, 0) / 1000
  const times = gaps.length === 1 ? '' : `, in ${gaps.length} parts`
  return [
    `The meter did not hear coturn for ${formatSeconds(seconds)} of this time${times} (the first at ${new Date(first.from).toISOString().slice(0, 16)}Z). What an allocation that ended meanwhile had not said before is not in the report.`,
  ]
}

/** Where something was relayed in the window before the nodes became known. */
async function nodesUnknown(usage: Usage, { from }: Window): Promise<string[]> {
  const [since, extent] = [await usage.nodesSince(), await usage.extent()]
  if (since === undefined || extent === undefined) return []
  if (hourOf(since) <= Math.max(hourOf(from), extent.from)) return []
  return [`Node hours are known from ${new Date(since).toISOString().slice(0, 16)}Z on.`]
}

/** What the month had used before its first span, as the prices of then count it: tiers go on from there. */
async function earlierInMonth(
  { usage, pricesOf }: PricedUsage,
  first: PriceSpan | undefined,
  participantsFrom: number,
  asOf: number,
): Promise<PricedSums[]> {
  if (!first) return []
  const month = { from: monthOf(first.from), to: first.from }
  if (month.from === month.to) return []
  const earlier: PricedSums[] = []
  for (const span of inKeptDays(earlierSpans(pricesOf, month, first), participantsFrom))
    earlier.push({ ...span, sums: await usage.sums(span, [], asOf, month.from) })
  return earlier
}

/** Where no prices are given for all of the month's earlier part, those of the first span count it. */
function earlierSpans(pricesOf: PricesOf, month: Window, first: PriceSpan): PriceSpan[] {
  try {
    return spansOf(month, pricesOf(month))
  } catch (error) {
    if (!(error instanceof PricesError)) throw error
    return [{ ...month, prices: first.prices }]
  }
}

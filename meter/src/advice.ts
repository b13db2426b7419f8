import type { Advice, LinkRecord, RelayCostReport } from '@parley/protocol'
import {
  adviseOn,
  meshUse,
  monthOf,
  type PricedSums,
  type PriceSpan,
  PricesError,
  presets,
  spansOf,
  type Window,
} from '@parley/relay-cost'
import { inKeptDays, type PricesOf, reportFrom, type UsageReportRequest } from './report.ts'
import type { Book } from './store/store.ts'
import type { Usage } from './usage.ts'

/** Rooms whose links are looked at: those that cost most. */
const mostRooms = 200

type AdviceFromRequest = Omit<UsageReportRequest, 'by'> & { pricesOf: PricesOf }

/**
 * What could cost less in a window, and what has changed since the one before it of the same length.
 * Regions are compared with the presets of the same vendor.
 */
export async function adviceFrom(
  books: readonly Book[],
  usage: Usage,
  request: AdviceFromRequest,
): Promise<Advice[]> {
  const { window, pricesOf, asOf } = request
  const { participantsFrom } = await usage.kept()
  const spans = inKeptDays(spansOf(window, pricesOf(window)), participantsFrom)
  const [first] = spans
  const prices = spans.at(-1)?.prices
  if (!first || !prices) return []
  const by = ['tenant', 'room', 'region'] as const
  const report = await reportFrom([{ usage, pricesOf }], { ...request, by })
  const previous = await previousReport(usage, request)
  const links = await linksOf(books, window, report)
  const used = async (span: PriceSpan): Promise<PricedSums> => ({
    ...span,
    sums: await usage.sums(span, ['region'], asOf),
  })
  const month = { ...first, from: monthOf(first.from), to: first.from }
  return adviseOn({
    ...{ report, prices, rooms: meshUse(links, window) },
    ...(previous && { previous }),
    alternatives: Object.values(presets),
    usage: await Promise.all(spans.map(used)),
    earlier: month.from < month.to ? [await used(month)] : [],
  })
}

/** The window before, by tenant; undefined where no price list holds for it. */
async function previousReport(usage: Usage, request: AdviceFromRequest) {
  const { from, to } = request.window
  const window: Window = { from: Math.max(0, 2 * from - to), to: from }
  try {
    const parts = [{ usage, pricesOf: request.pricesOf }]
    return await reportFrom(parts, { ...request, window, by: ['tenant'], open: 0 })
  } catch (error) {
    if (error instanceof PricesError) return undefined
    throw error
  }
}

/** What pages reported of the links of the rooms that cost most. */
async function linksOf(
  books: readonly Book[],
  window: Window,
  { rows }: RelayCostReport,
): Promise<LinkRecord[]> {
  const rooms = rows.slice(0, mostRooms).flatMap(({ key: { tenant, room } }) =>
    // Rows in brackets are nobody's.
    tenant && room && !room.startsWith('(') ? [{ tenant, room }] : [],
  )
  const links: LinkRecord[] = []
  for (const book of books)
    for (const link of await book.links.between(window, rooms)) links.push(link)
  return links
}

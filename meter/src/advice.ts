import type { Advice, LinkRecord, RelayCostReport } from '@parley/protocol'
import { adviseOn, meshUse, PricesError, presets, spansOf, type Window } from '@parley/relay-cost'
import { reportFrom, type UsageReportRequest } from './report.ts'
import type { Store } from './store/store.ts'
import type { Usage } from './usage.ts'

/** Rooms whose links are looked at: those that cost most. */
const mostRooms = 200

/**
 * What could cost less in a window, and what has changed since the one before it of the same length.
 * Regions are compared with the presets of the same vendor.
 */
export async function adviceFrom(
  store: Store,
  usage: Usage,
  request: Omit<UsageReportRequest, 'by'>,
): Promise<Advice[]> {
  const { window, pricesOf, asOf } = request
  const spans = spansOf(window, pricesOf(window))
  const prices = spans.at(-1)?.prices
  if (!prices) return []
  const report = await reportFrom(usage, { ...request, by: ['tenant', 'room', 'region'] })
  const previous = await previousReport(usage, request)
  const links = await linksOf(store, window, report)
  const crossings = await usage.sums(window, ['region'], asOf)
  return adviseOn({
    ...{ report, prices, rooms: meshUse(links, window) },
    ...(previous && { previous }),
    alternatives: Object.values(presets),
    crossings: crossings.map((sums) => ({
      region: sums.region ?? '',
      crossZoneBytes: sums.crossZoneBytes + sums.crossZoneInBytes,
      interRegionBytes: sums.interRegionBytes + sums.interRegionInBytes,
    })),
  })
}

/** The window before, by tenant; undefined where no price list holds for it. */
async function previousReport(usage: Usage, request: Omit<UsageReportRequest, 'by'>) {
  const { from, to } = request.window
  const window: Window = { from: Math.max(0, 2 * from - to), to: from }
  try {
    return await reportFrom(usage, { ...request, window, by: ['tenant'], open: 0 })
  } catch (error) {
    if (error instanceof PricesError) return undefined
    throw error
  }
}

/** What pages reported of the links of the rooms that cost most. */
async function linksOf(
  store: Store,
  window: Window,
  { rows }: RelayCostReport,
): Promise<LinkRecord[]> {
  const rooms = rows.slice(0, mostRooms).flatMap(({ key: { tenant, room } }) =>
    // Rows in brackets are nobody's.
    tenant && room && !room.startsWith('(') ? [{ tenant, room }] : [],
  )
  const links: LinkRecord[] = []
  for (const book of await store.books()) links.push(...(await book.links.between(window, rooms)))
  return links
}

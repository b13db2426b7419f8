import type { RelayCostReport } from '@parley/protocol'
import { isOpen, type Prices, type PricesAt, type Window } from '@parley/relay-cost'
import { adviceFrom } from './advice.ts'
import { factsFrom } from './places/facts.ts'
import { reportFrom, type UsageReportRequest } from './report.ts'
import type { Book, Store } from './store/store.ts'
import { Usage } from './usage.ts'

export type StoreReportRequest = Omit<UsageReportRequest, 'open' | 'pricesOf'> & {
  /** Prices of a window in a region ('': not known). @throws {PricesError} where none hold */
  pricesOf: (window: Window, region: string) => PricesAt
  /** Of all meters of the store; left out: what each of them said. */
  region?: string
  /** Also say what could cost less. */
  advice?: boolean
}

/**
 * The report of a store that nobody writes now, or somebody else does. Meters of regions with prices of
 * their own are priced by these.
 */
export async function storeReport(
  store: Store,
  request: StoreReportRequest,
): Promise<RelayCostReport> {
  const { window, asOf, region } = request
  const until = Math.min(asOf, window.to)
  const last = await store.records({ from: until - 1, to: until })
  const open = last.filter((record) => isOpen(record, until)).length
  const groups = await groupsOf(store, request)
  const parts = groups.map(({ books, pricesOf }) => ({
    books,
    usage: new Usage(
      { books: async () => books },
      factsFrom(() => asOf, region),
    ),
    pricesOf,
  }))
  const report = await reportFrom(parts, { ...request, open })
  if (!request.advice) return report
  const advice = []
  for (const { books, usage, pricesOf } of parts)
    advice.push(...(await adviceFrom(books, usage, { ...request, pricesOf, open })))
  return { ...report, advice }
}

type Group = { books: Book[]; pricesOf: (window: Window) => PricesAt }

/** The store's meters by the price list that they are under; one group at least. */
async function groupsOf(store: Store, request: StoreReportRequest): Promise<Group[]> {
  const groups = new Map<Prices, Group>()
  const add = (region: string, books: Book[]) => {
    const pricesOf = (window: Window) => request.pricesOf(window, region)
    const { prices } = pricesOf(request.window)(request.window.from)
    const group = groups.get(prices)
    if (group) group.books.push(...books)
    else groups.set(prices, { books, pricesOf })
  }
  for (const book of await store.books()) add(request.region ?? (await book.region()) ?? '', [book])
  if (groups.size === 0) add(request.region ?? '', [])
  return [...groups.values()]
}

import { hourMs, LinkBook, type Window } from '@parley/relay-cost'
import type { Store } from '../store/store.ts'
import type { CellFacts } from '../usage.ts'

/** What pages said of their links, as the usage of the hours of a window takes it. */
export async function linkFacts(
  store: Pick<Store, 'books'>,
  window: Window,
  now: number,
): Promise<Pick<CellFacts, 'reasonOf' | 'factsOf'>> {
  const links = new LinkBook()
  for (const book of await store.books())
    for (const record of await book.links.between(window)) links.add(record)
  return {
    reasonOf: (record) => links.reasonOf(record, now),
    factsOf: (room, hour) => links.factsOf(room, { from: hour, to: hour + hourMs }),
  }
}

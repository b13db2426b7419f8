import { parseTurnUsername } from '@parley/protocol'
import { type AllocationRecord, hourMs, LinkBook, type Window } from '@parley/relay-cost'
import type { Book, RoomOf } from '../store/store.ts'
import type { CellFacts } from '../usage.ts'

/** What pages said of their links, as the usage of these allocations in the hours of a window takes it. */
export async function linkFacts(
  book: Pick<Book, 'links'>,
  window: Window,
  records: readonly AllocationRecord[],
  now: number,
): Promise<Required<Pick<CellFacts, 'reasonOf' | 'factsOf'>>> {
  const rooms = new Map<string, RoomOf>()
  for (const { username } of records) {
    const identity = parseTurnUsername(username)?.identity
    if (identity) rooms.set(`${identity.tenant}.${identity.room}`, identity)
  }
  const links = new LinkBook()
  for (const link of await book.links.between(window, [...rooms.values()])) links.add(link)
  return {
    reasonOf: (record) => links.reasonOf(record, now),
    factsOf: (room, hour) => links.factsOf(room, { from: hour, to: hour + hourMs }),
  }
}

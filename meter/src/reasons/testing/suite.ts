import { expect, it } from '@jest/globals'
import type { LinkRecord } from '@parley/protocol'
import { hourMs, mergeLinkRecords } from '@parley/relay-cost'
import fc from 'fast-check'
import type { Book, Store } from '../../store/store.ts'
import { start } from '../../store/testing/suite.ts'
import { usageOf } from '../../store/testing/usage.ts'

const all = { from: start - hourMs, to: start + 100 * hourMs }
const muchLater = start + 1000 * hourMs
const rooms = [
  { tenant: 'acme', room: 'r1' },
  { tenant: 'acme', room: 'r2' },
]

export const reported = (more: Partial<LinkRecord> = {}, report: object = {}): LinkRecord => ({
  ...{ tenant: 'acme', room: 'r1', participant: 'p-1', startedAt: start, at: start + 1000 },
  ...more,
  report: {
    link: 0,
    peer: 'p-2',
    policy: 'all',
    gathered: { host: true, srflx: true, relay: true },
    answered: { udp: false, tcp: true, tls: false },
    errors: [{ transport: 'udp', code: 701 }],
    mappingVaries: false,
    failedPairs: 0,
    ended: false,
    selected: { local: 'relay', remote: 'srflx', relayProtocol: 'tcp' },
    ...report,
  },
})

const record = fc
  .record({
    participant: fc.constantFrom('p-1', 'p-2'),
    startedAt: fc.integer({ min: start, max: start + 3 * hourMs }),
    at: fc.integer({ min: start, max: start + 3 * hourMs }),
    link: fc.nat(1),
    failedPairs: fc.nat(3),
    ended: fc.boolean(),
  })
  .map(({ link, failedPairs, ended, ...more }) => reported(more, { link, failedPairs, ended }))

/**
 * What every kind of store does with reports of links.
 * @param place makes an empty place for a store; the answer opens it
 */
export function linksSuite(place: () => () => Promise<Store>, { numRuns = 50 } = {}): void {
  const bookOf = async (store: Store): Promise<Book> => {
    const [book] = await store.books()
    if (!book) throw new Error('a store that is written to has a book')
    return book
  }
  const sorted = (records: readonly LinkRecord[]) =>
    records.map((each) => JSON.stringify(Object.entries(each).sort())).sort()

  it('REQ-K5: holds the latest report of each link, in whatever order and how often they came', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 8 }), async (records) => {
        const store = await place()()
        try {
          const { links } = await bookOf(store)
          await links.merge(records.toReversed())
          for (const each of records) await links.merge([each])
          const byLink = Map.groupBy(records, (r) => `${r.participant} ${r.report.link}`)
          const joined = [...byLink.values()].map((each) => each.reduce(mergeLinkRecords))
          expect(sorted(await links.between(all, rooms))).toEqual(sorted(joined))
        } finally {
          await store.close()
        }
      }),
      { numRuns },
    )
  })

  it('REQ-K5: what is new makes the hours around it be summed up again, and nothing else does', async () => {
    const store = await place()()
    const book = await bookOf(store)
    const hours = async () =>
      (await book.changedHours(all)).map(({ hour, changes }) => [hour, changes])
    const first = reported({ at: start + hourMs + 1 })
    await book.links.merge([first])
    expect(await hours()).toEqual([
      [start, 1],
      [start + hourMs, 1],
    ])
    const later = { startedAt: start, at: start + 5.5 * hourMs }
    await book.links.merge([first, reported(later, { ended: true, failedPairs: 7 })])
    expect(await hours()).toHaveLength(2)
    // Of hours long before, it stays what was said then.
    await book.links.merge([reported({ ...later, at: later.at + 1 }, { mappingVaries: true })])
    expect(await hours()).toContainEqual([start + 5 * hourMs, 1])
    expect(await hours()).toHaveLength(3)
    await store.close()
  })

  it('REQ-K5: forgets reports with the allocations of their time, and finds those of a window', async () => {
    const store = await place()()
    const book = await bookOf(store)
    await book.links.merge([
      reported(),
      reported({ participant: 'p-2', startedAt: start + hourMs, at: start + hourMs }),
    ])
    const early = await book.links.between({ from: start, to: start + hourMs }, rooms)
    expect(early).toEqual([reported()])
    expect(await book.links.between(all, [{ tenant: 'acme', room: 'other' }])).toEqual([])
    const many = Array.from({ length: 250 }, (_, at) => ({ tenant: 'acme', room: `x${at}` }))
    expect(await book.links.between(all, [...many, ...rooms])).toHaveLength(2)
    const present = async () =>
      (await book.links.between(all, rooms)).map(({ participant }) => participant)
    const week = 7 * 24 * hourMs
    // What an hour says that is not rolled up yet is made of them.
    await book.forget({ allocations: start + week + hourMs, hours: 0 }, muchLater)
    expect(await present()).toEqual(['p-1', 'p-2'])
    await usageOf(store).rollUp(start + 100 * hourMs)
    // A link of which nothing was heard for a week may be there still.
    await book.forget({ allocations: start + week, hours: 0 }, muchLater)
    expect(await present()).toEqual(['p-1', 'p-2'])
    await book.forget({ allocations: start + week + hourMs, hours: 0 }, muchLater)
    expect(await present()).toEqual(['p-2'])
    await store.close()
  })

  it('REQ-K5: forgets a bounded number of reports at a time', async () => {
    const store = await place()()
    const book = await bookOf(store)
    await book.links.merge(Array.from({ length: 2100 }, (_, link) => reported({}, { link })))
    await usageOf(store).rollUp(start + 100 * hourMs)
    const before = { allocations: start + 10 * 24 * hourMs, hours: 0 }
    expect(await book.forget(before, muchLater)).toBe(true)
    expect(await book.links.between(all, rooms)).toHaveLength(100)
    expect(await book.forget(before, muchLater)).toBe(false)
    expect(await book.links.between(all, rooms)).toEqual([])
    await store.close()
  })
}

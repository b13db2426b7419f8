import { expect, it } from '@jest/globals'
import {
  type AllocationRecord,
  addTraffic,
  joinAllocations,
  noTraffic,
  type Traffic,
  totalOf,
  trafficFields,
} from '@parley/relay-cost'
import fc from 'fast-check'
import type { Store } from '../store.ts'

const hour = 3_600_000
export const start = Date.UTC(2026, 10, 21)
const all = { from: 0, to: Date.UTC(2100, 0) }

const traffic = fc
  .array(
    fc.maxSafeNat().map((n) => Math.floor(n / 1e6)),
    { minLength: 8, maxLength: 8 },
  )
  .map((values) => {
    const result: Traffic = noTraffic()
    for (const [index, field] of trafficFields.entries()) result[field] = values[index] ?? 0
    return result
  })
const instant = fc.integer({ min: start, max: start + 48 * hour })
const record: fc.Arbitrary<AllocationRecord> = fc.record({
  realm: fc.constantFrom('pod-a.demo', 'pod-b.demo'),
  username: fc.constantFrom('4000000000:acme.r1.p-1', '4000000000:acme.r2.p-2', 'mallory'),
  id: fc.constantFrom('1', '2'),
  remote: fc.constantFrom('10.0.0.1:1', '10.0.0.1:2'),
  transport: fc.constantFrom<AllocationRecord['transport']>('', 'udp', 'tls'),
  openedAt: instant,
  lastSeenAt: instant,
  aliveAt: instant,
  expiresAt: instant,
  closedAt: fc.oneof(fc.constant(0), instant),
  hours: fc
    .array(fc.tuple(fc.nat(3), traffic), { maxLength: 3 })
    .map((marks) => new Map(marks.map(([index, each]) => [start + index * hour, each]))),
})

/**
 * What every kind of store does.
 * @param place makes an empty place for a store; the answer opens it, each time another one
 */
export function storeSuite(place: () => () => Promise<Store>, { numRuns = 100 } = {}): void {
  it('REQ-K5: holds the join of all that was written, in any order and any number of times', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 10 }), async (records) => {
        const store = await place()()
        try {
          await store.merge(records.toReversed())
          for (const each of records) await store.merge([each])
          expect(joinAllocations(await store.records(all))).toEqual(joinAllocations(records))

          const totals = await store.totals()
          const held = joinAllocations(records).map(totalOf)
          expect(totals.traffic).toEqual(
            held.reduce((sum, each) => addTraffic(sum, each), noTraffic()),
          )
        } finally {
          await store.close()
        }
      }),
      { numRuns },
    )
  })

  it('REQ-K5: is there again when it is opened again, also while another has it open', async () => {
    const open = place()
    const record = {
      ...{
        realm: 'pod-a.demo',
        username: 'mallory',
        id: '1',
        remote: 'c:1',
        transport: 'udp' as const,
      },
      ...{ openedAt: start, lastSeenAt: start, aliveAt: start, expiresAt: start, closedAt: 0 },
      hours: new Map([[start, { ...noTraffic(), turnToPeerBytes: 5 }]]),
    }
    const one = await open()
    await one.merge([record])
    const other = await open()
    await other.merge([record])
    expect(await one.records(all)).toEqual([record])
    expect(await other.totals()).toMatchObject({ unattributedBytes: 5, oldest: start })
    expect(await other.recent(start + 1)).toEqual([])
    // Reports count whole hours: a window late in the hour finds what was early in it.
    expect(await one.records({ from: start + 1, to: start + 2 })).toEqual([record])
    expect(await one.records({ from: start + hour, to: start + 2 * hour })).toEqual([])
    await one.close()
    await other.close()
  })

  it('REQ-K5: keeps a username as it came, whatever is in it', async () => {
    const store = await place()()
    const username = `4000000000:a.b.c'"\\\n; DROP TABLE allocations; -- ${'é漢😀'.repeat(60)}`
    const record = {
      ...{ realm: 'pod-a.demo', username, id: '1', remote: 'c:1', transport: 'udp' as const },
      ...{ openedAt: start, lastSeenAt: start, aliveAt: start, expiresAt: start, closedAt: 0 },
      hours: new Map([[start, { ...noTraffic(), turnToPeerBytes: 5 }]]),
    }
    await store.merge([record, { ...record, username: username.toUpperCase() }])
    expect(await store.records(all)).toHaveLength(2)
    expect(await store.records(all)).toContainEqual(record)
    await store.close()
  })
}

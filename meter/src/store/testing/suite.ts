import { expect, it } from '@jest/globals'
import type { ReportDimension } from '@parley/protocol'
import {
  type AllocationRecord,
  addTraffic,
  type CellSums,
  cellsOf,
  joinAllocations,
  noTraffic,
  sumCells,
  type Traffic,
  totalOf,
  trafficFields,
} from '@parley/relay-cost'
import fc from 'fast-check'
import type { Store } from '../store.ts'
import { totalsOf, usageOf } from './usage.ts'

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
const record: fc.Arbitrary<AllocationRecord> = fc
  .record({
    recovered: fc.option(fc.integer({ min: 1, max: 2 ** 40 })),
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
  .map(({ recovered, ...made }) => {
    // An allocation is there before anything is said of it, and as long as something is.
    const told = [
      made.aliveAt,
      made.closedAt || made.aliveAt,
      made.lastSeenAt,
      ...made.hours.keys(),
    ]
    return {
      ...made,
      ...(recovered && { recoveredBytes: recovered }),
      openedAt: Math.min(made.openedAt, ...told),
      lastSeenAt: Math.max(made.openedAt, ...told),
    }
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

          const totals = await totalsOf(store)
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
    expect(await totalsOf(other)).toMatchObject({ unattributedBytes: 5 })
    expect(await other.recent(start + 1, 0)).toEqual([])
    // Reports count whole hours: a window late in the hour finds what was early in it.
    expect(await one.records({ from: start + 1, to: start + 2 })).toEqual([record])
    expect(await one.records({ from: start + hour, to: start + 2 * hour })).toEqual([])
    await one.close()
    await other.close()
  })

  it('REQ-K5: a meter that starts takes up what may go on, and not what was closed long before', async () => {
    const store = await place()()
    const at = (id: string, hours: number, isClosed: boolean): AllocationRecord => {
      const { openedAt, ...rest } = plain(id, 5, start + hours * hour)
      const closedAt = isClosed ? openedAt + 1 : 0
      return { ...rest, openedAt, closedAt, lastSeenAt: openedAt + 1 }
    }
    await store.merge([at('1', 0, false), at('2', 1, true), at('3', 2, false), at('4', 3, true)])
    const taken = await store.recent(start + hour, start + 3 * hour)
    expect(taken.map(({ id, hours }) => [id, hours.size]).sort()).toEqual([
      ['3', 1],
      ['4', 1],
    ])
    await store.close()
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

  it('REQ-K5: rolled up or not, in any order, what hours and days come to is what their allocations do', async () => {
    const steps = fc.array(
      fc.oneof(
        fc.array(record, { maxLength: 4 }).map((records) => ({ records })),
        fc.integer({ min: 0, max: 4 * 24 }).map((hours) => ({ rollUpAt: start + hours * hour })),
      ),
      { maxLength: 8 },
    )
    const question = fc.record({
      from: fc.integer({ min: 0, max: 40 }),
      hours: fc.integer({ min: 1, max: 60 }),
      by: fc.subarray<ReportDimension>(
        ['tenant', 'room', 'participant', 'region', 'transport', 'reason', 'day', 'hour'],
        { maxLength: 4 },
      ),
    })
    const now = start + 5 * 24 * hour
    await fc.assert(
      fc.asyncProperty(steps, question, async (steps, { from, hours, by }) => {
        const store = await place()()
        const usage = usageOf(store)
        try {
          for (const step of steps) {
            if ('rollUpAt' in step) await usage.rollUp(step.rollUpAt)
            else await store.merge(step.records)
          }
          const window = { from: start + from * hour, to: start + (from + hours) * hour }
          const cells = cellsOf(await store.records(all), {
            region: 'eu-central-1',
            window,
            asOf: now,
          })
          const expected = sumCells(cells, by, window.from)
          expect(joined(await usage.sums(window, by, now), by)).toEqual(joined(expected, by))
          await usage.rollUp(now)
          expect(joined(await usage.sums(window, by, now), by)).toEqual(joined(expected, by))
        } finally {
          await store.close()
        }
      }),
      { numRuns: Math.ceil(numRuns / 4) },
    )
  })

  it('REQ-K5: what came without an address, hours later, is of the allocation that was there before', async () => {
    const store = await place()()
    const before = plain('1', 5)
    const later = { ...plain('1', 12, start + 26 * hour), remote: '' }
    await store.merge([before, later])
    const byHour = async () =>
      (
        await usageOf(store).sums(
          { from: start, to: start + 48 * hour },
          ['hour'],
          start + 96 * hour,
        )
      )
        .filter(({ turnToPeerBytes }) => turnToPeerBytes > 0)
        .map((sum) => [((sum.hour ?? 0) - start) / hour, sum.turnToPeerBytes])
    const expected = [
      [0, 5],
      [26, 7],
    ]
    expect(await byHour()).toEqual(expected)
    await usageOf(store).rollUp(start + 96 * hour)
    expect(await byHour()).toEqual(expected)
    await store.close()
  })

  it('REQ-K5: a day of which an hour changes later is counted once', async () => {
    const store = await place()()
    const usage = usageOf(store)
    const now = start + 48 * hour
    await store.merge([plain('1', 5)])
    await usage.rollUp(now)
    await store.merge([plain('1', 8)])
    const window = { from: start, to: start + 24 * hour }
    const bytes = async () =>
      (await usage.sums(window, [], now)).reduce((sum, each) => sum + each.turnToPeerBytes, 0)
    expect(await bytes()).toBe(8)
    await usage.rollUp(now)
    expect(await bytes()).toBe(8)
    await store.close()
  })

  it('REQ-K5: an hour that changed while it was rolled up is rolled up again', async () => {
    const store = await place()()
    await store.merge([plain('1', 5)])
    const [book] = await store.books()
    const [changed] = (await book?.changedHours(all)) ?? []
    await store.merge([plain('2', 7)])
    if (!book || !changed) throw new Error('no hour has changed')
    expect(await book.putHour(changed, [])).toBe(false)
    await usageOf(store).rollUp(start + 24 * hour)
    expect(await book.changedHours(all)).toEqual([])
    // What says nothing new touches nothing.
    expect(await store.merge([plain('1', 5), plain('2', 7)])).toEqual({ lateHours: 0 })
    expect(await book.changedHours(all)).toEqual([])
    expect((await totalsOf(store)).traffic.turnToPeerBytes).toBe(12)
    await store.close()
  })

  it('REQ-K5: allocations go after a while, hours later, days stay; sums stay what they were', async () => {
    const store = await place()()
    const usage = usageOf(store)
    const day = 24 * hour
    const now = start + 500 * day
    await store.merge([plain('1', 5), plain('2', 7, start + 30 * day), plain('3', 11, now - day)])
    const retention = { allocationDays: 35, hourDays: 397 }
    // What is not rolled up is not deleted.
    await usage.forget(retention, now)
    expect(await store.records(all)).toHaveLength(3)
    await usage.rollUp(now)
    await usage.forget(retention, now)
    expect((await store.records(all)).map(({ id }) => id)).toEqual(['3'])
    const of = async (by: ReportDimension[]) =>
      joined(await usage.sums({ from: start, to: now }, by, now), by).map(
        ({ day, participant, turnToPeerBytes }) => [day ?? participant, turnToPeerBytes],
      )
    expect(await of(['day'])).toEqual([
      [start, 5],
      [start + 30 * day, 7],
      [now - day, 11],
    ])
    expect(await of(['participant'])).toEqual([
      ['', 11],
      ['(not kept)', 12],
    ])

    // What comes too late to be summed up is said, and changes nothing.
    expect(await store.merge([plain('4', 100)])).toEqual({ lateHours: 1 })
    await usage.rollUp(now)
    expect((await totalsOf(store)).traffic.turnToPeerBytes).toBe(23)
    await store.close()
  })

  it('REQ-K5: a minute with the clock far ahead deletes nothing of what comes after it', async () => {
    const store = await place()()
    const usage = usageOf(store)
    const day = 24 * hour
    const settle = async (now: number) => {
      await usage.rollUp(now)
      await usage.forget({ allocationDays: 35, hourDays: 397 }, now)
    }
    await store.merge([plain('0', 1000), plain('1', 500)])
    await settle(start + hour + 10 * 60_000)
    await settle(start + 40 * day)
    let lateHours = 0
    for (let at = 1; at <= 10; at += 1) {
      const time = start + at * hour
      lateHours += (await store.merge([plain(`at ${at}`, 1000, time)])).lateHours
      await settle(time + 4 * 60_000)
      lateHours += (await store.merge([plain(`on ${at}`, 1000, time + 5 * 60_000)])).lateHours
      await settle(time + 58 * 60_000)
    }
    expect(lateHours).toBe(0)
    // What is known of an hour by its sums alone is not worked out again from what is left of it.
    expect(await store.merge([plain('1', 700)])).toEqual({ lateHours: 1 })
    await settle(start + 12 * hour)
    expect((await totalsOf(store)).traffic.turnToPeerBytes).toBe(21_500)
    await store.close()
  })

  it('REQ-K5: a sum past 2^53 is refused, never rounded', async () => {
    const store = await place()()
    await store.merge([plain('1', Number.MAX_SAFE_INTEGER), plain('2', 2)])
    await usageOf(store).rollUp(start + 2 * hour)
    await expect(totalsOf(store)).rejects.toMatchObject({ code: 'STORE_OVERFLOW' })
    await store.close()
  })
}

function plain(id: string, turnToPeerBytes: number, at = start): AllocationRecord {
  return {
    ...{ realm: 'pod-a.demo', username: 'mallory', id, remote: 'c:1', transport: 'udp' },
    ...{ openedAt: at, lastSeenAt: at, aliveAt: at, expiresAt: at, closedAt: at },
    hours: new Map([[at, { ...noTraffic(), turnToPeerBytes }]]),
  }
}

/** One row of each key, in order. */
export function joined(sums: readonly CellSums[], by: readonly ReportDimension[]): CellSums[] {
  const rows = new Map<string, CellSums>()
  for (const sum of sums) {
    const id = JSON.stringify([...by, 'transport' as const].map((dimension) => sum[dimension]))
    const row = rows.get(id)
    if (!row) rows.set(id, { ...sum })
    else
      for (const [name, value] of Object.entries(sum))
        if (typeof value === 'number' && name !== 'day' && name !== 'hour')
          (row as Record<string, unknown>)[name] = Number(row[name as keyof CellSums]) + value
  }
  return [...rows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
}

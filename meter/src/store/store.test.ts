import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
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
import { openStore } from './open.ts'

const hour = 3_600_000
const start = Date.UTC(2026, 10, 21)
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

describe('the SQLite store', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-store-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('REQ-K5: holds the join of all that was written, in any order and any number of times', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 10 }), async (records) => {
        const store = await openStore('sqlite::memory:')
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
    )
  })

  it('REQ-K5: is there again when it is opened again, also while another has it open', async () => {
    const url = `sqlite:${join(folder, 'made', 'meter.db')}`
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
    const one = await openStore(url)
    await one.merge([record])
    const other = await openStore(url)
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

  it('says what is wrong with a store that cannot be opened', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(openStore('mysql://x')).rejects.toThrow(/kind "mysql" is not known; use sqlite:/)
    await expect(openStore(`sqlite:${join(folder, 'file', 'meter.db')}`)).rejects.toMatchObject({
      code: 'STORE_OPEN',
    })
    const path = join(folder, 'newer.db')
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version = 99')
    db.close()
    await expect(openStore(`sqlite:${path}`)).rejects.toThrow(
      /has schema 99, this version knows up to 1/,
    )
  })

  it('a write that fails says so and writes nothing', async () => {
    const path = join(folder, 'meter.db')
    const store = await openStore(`sqlite:${path}`)
    const other = new DatabaseSync(path)
    other.exec('DROP TABLE allocation_hours')
    other.close()
    const record = {
      ...{ realm: 'pod-a.demo', username: 'u', id: '1', remote: '', transport: '' as const },
      ...{ openedAt: start, lastSeenAt: start, aliveAt: 0, expiresAt: 0, closedAt: 0 },
      hours: new Map([[start, noTraffic()]]),
    }
    await expect(store.merge([record])).rejects.toMatchObject({ code: 'STORE_WRITE' })
    await store.close()
    const check = new DatabaseSync(path)
    expect(check.prepare('SELECT count(*) AS n FROM allocations').get()).toEqual({ n: 0 })
    check.close()
  })
})

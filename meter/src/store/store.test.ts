import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { cellsOf, noTraffic, parseStatsdb, sumCells } from '@parley/relay-cost'
import fc from 'fast-check'
import { Accounting } from '../accounting.ts'
import { sqliteMigrations } from './migrations.ts'
import { openStore } from './open.ts'
import { presentKeys } from './presence.ts'
import { openSqliteStore } from './sqlite.ts'
import { joined, start, storeSuite } from './testing/suite.ts'
import { totalsOf, usageOf } from './testing/usage.ts'

jest.setTimeout(30_000)

const everything = { from: 0, to: Date.UTC(2100, 0) }

function eventOf(t: number, topic: string, message: string, id = '1') {
  const channel = `turn/realm/pod-a.demo/user/4000000000:acme.r1.p-1/allocation/${id}/${topic}`
  const event = parseStatsdb({ t, channel, message })
  if ('rejected' in event) throw new Error(event.rejected)
  return event
}

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    ({ code, message }) => `${code}: ${message}`,
  )

describe('the SQLite store', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'parley-store-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  let places = 0
  storeSuite(() => {
    places += 1
    const url = `sqlite:${join(folder, `made-${places}`, 'meter.db')}`
    return () => openStore(url)
  })

  it('says what is wrong with a store that cannot be opened', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(openStore('postgres://x')).rejects.toThrow(
      /kind "postgres" is not known; use sqlite:/,
    )
    await expect(openStore('mysql://db/parley')).rejects.toThrow(/is not complete; write mysql:/)
    await expect(openStore(`sqlite:${join(folder, 'file', 'meter.db')}`)).rejects.toMatchObject({
      code: 'STORE_OPEN',
    })
    const path = join(folder, 'newer.db')
    const db = new DatabaseSync(path)
    db.exec('PRAGMA user_version = 99')
    db.close()
    await expect(openStore(`sqlite:${path}`)).rejects.toThrow(
      /has schema 99, this version knows up to \d+; run the version that wrote it/,
    )
  })

  it('REQ-K5: one that another process holds says so, loses nothing, and is written once it is free', async () => {
    const path = join(folder, 'held.db')
    const store = openSqliteStore(path, { busyMs: 1 })
    const other = new DatabaseSync(path)
    const accounting = new Accounting(store, usageOf(store))
    await accounting.resume(start)
    other.exec('BEGIN IMMEDIATE')
    accounting.count(eventOf(start, 'traffic', 'rcvp=1, rcvb=100, sentp=0, sentb=0'))
    expect(await failureOf(accounting.flush(start))).toMatch(
      /^STORE_WRITE: .*held\.db: database is locked; check .* that nothing else holds it$/,
    )
    // Reading goes on meanwhile, and counting, too.
    expect(await store.records(everything)).toEqual([])
    accounting.count(eventOf(start + 1, 'traffic', 'rcvp=1, rcvb=11, sentp=0, sentb=0'))
    other.exec('ROLLBACK')
    other.close()
    await accounting.flush(start)
    expect((await totalsOf(store)).traffic.clientToTurnBytes).toBe(111)
    await store.close()
  })

  it('REQ-K5: a full one says so, loses nothing, and is written once there is space', async () => {
    const path = join(folder, 'full.db')
    const db = new DatabaseSync(path)
    const store = openSqliteStore(path, { database: db })
    const accounting = new Accounting(store, usageOf(store))
    await accounting.resume(start)
    // No page more than there are: what a full disk says, too (SQLITE_FULL).
    const { page_count: pages } = db.prepare('PRAGMA page_count').get() as { page_count: number }
    db.exec(`PRAGMA max_page_count = ${pages}`)
    for (let id = 1; id <= 500; id += 1)
      accounting.count(eventOf(start, 'traffic', 'rcvp=1, rcvb=10, sentp=0, sentb=0', String(id)))
    for (let times = 0; times < 2; times += 1)
      expect(await failureOf(accounting.flush(start))).toMatch(
        /^STORE_WRITE: .*full\.db: database or disk is full; check its disk space/,
      )
    expect(accounting.storeError).toBeDefined()
    expect(await store.records(everything)).toEqual([])
    db.exec('PRAGMA max_page_count = 1000000')
    await accounting.flush(start)
    expect(accounting.storeError).toBeUndefined()
    expect((await totalsOf(store)).traffic.clientToTurnBytes).toBe(5000)
    await store.close()
  })

  it('REQ-K5: an old hour is asked of from its own part of an index alone, however much came later', async () => {
    const path = join(folder, 'plan.db')
    await (await openStore(`sqlite:${path}`)).close()
    const db = new DatabaseSync(path)
    const plan = db
      .prepare(`EXPLAIN QUERY PLAN ${presentKeys}`)
      .all({ from: start, to: start + 3_600_000 })
      .map(({ detail }) => detail)
      .filter((detail) => /SEARCH|SCAN/.test(String(detail)))
    expect(plan).toEqual([
      'SEARCH allocations USING COVERING INDEX allocations_opened (opened_at>? AND opened_at<?)',
      'SEARCH allocations USING COVERING INDEX allocations_long (<expr>>?)',
    ])
    db.close()
  })

  it.each([1, 10_000])(
    'REQ-K5: weeks by room, from the index by room, are what their days are; few with a rare measure are %i',
    async (fewRare) => {
      const store = openSqliteStore(join(folder, 'weeks.db'), { fewRare })
      const day = 86_400_000
      const record = fc.record({
        day: fc.nat(80),
        user: fc.constantFrom('acme.r1.p-1', 'acme.r2.p-2', 'globex.r1.p-3', 'mallory'),
        transport: fc.constantFrom('udp' as const, 'tls' as const),
        bytes: fc.nat(2 ** 40),
      })
      const [records = []] = fc.sample(fc.array(record, { minLength: 300, maxLength: 300 }), 1)
      await store.merge(
        records.map(({ day: at, user, transport, bytes }, index) => {
          const openedAt = start + at * day
          return {
            ...{ realm: 'pod-a.demo', username: `4000000000:${user}`, id: String(index) },
            ...{ remote: 'c:1', transport, openedAt, lastSeenAt: openedAt, aliveAt: openedAt },
            ...{ expiresAt: openedAt, closedAt: openedAt },
            hours: new Map([[openedAt, { ...noTraffic(), turnToPeerBytes: bytes }]]),
          }
        }),
      )
      const usage = usageOf(store)
      const now = start + 100 * day
      await usage.rollUp(now)
      for (const by of [['room'], ['tenant', 'room'], ['transport', 'room']] as const)
        for (const [from, to] of [
          [0, 81],
          [3, 12],
          [20, 70],
        ] as const) {
          const window = { from: start + from * day, to: start + to * day }
          const cells = cellsOf(await store.records(window), {
            ...{ region: 'eu-central-1', asOf: now, window },
          })
          expect(joined(await usage.sums(window, by, now), by)).toEqual(
            joined(sumCells(cells, by, window.from), by),
          )
        }
      await store.close()
    },
  )

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

  it('REQ-H3, REQ-K5: an update of the schema that fails half-way changes nothing, and is done once its cause is gone', async () => {
    const path = join(folder, 'half.db')
    const db = new DatabaseSync(path)
    db.exec(sqliteMigrations[0] ?? '')
    db.exec(`PRAGMA user_version = 1;
      INSERT INTO allocations VALUES (1, 'pod-a.demo', '4000000000:acme.r1.p-1', '1', 'c:1', 'acme', 'r1',
        'p-1', 'udp', ${start}, ${start + 5_400_000}, ${start}, ${start + 600_000}, 0);
      INSERT INTO allocation_hours VALUES (1, ${start}, 1, 1, 1, 1, 1, 1, 100, 1);
      CREATE TABLE stranger (x INTEGER);
      CREATE INDEX media_pods_to_at ON stranger (x);`)
    const held = () => db.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all()
    const before = held()
    await expect(openStore(`sqlite:${path}`)).rejects.toMatchObject({
      code: 'STORE_OPEN',
      message: expect.stringMatching(/half\.db: .*media_pods_to_at/),
    })
    expect(held()).toEqual(before)
    expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 })
    db.exec('DROP INDEX media_pods_to_at')
    db.close()
    const store = await openStore(`sqlite:${path}`)
    expect((await totalsOf(store)).traffic.turnToPeerBytes).toBe(100)
    await store.close()
  })

  it('REQ-K5: a store of the schema before the rollups keeps what it holds, and is rolled up', async () => {
    const path = join(folder, 'before.db')
    const db = new DatabaseSync(path)
    db.exec(sqliteMigrations[0] ?? '')
    db.exec(`PRAGMA user_version = 1;
      INSERT INTO allocations VALUES (1, 'pod-a.demo', '4000000000:acme.r1.p-1', '1', 'c:1', 'acme', 'r1',
        'p-1', 'udp', ${start}, ${start + 5_400_000}, ${start}, ${start + 600_000}, 0);
      INSERT INTO allocation_hours VALUES (1, ${start}, 1, 1, 1, 1, 1, 1, 100, 1);
      INSERT INTO allocation_hours VALUES (1, ${start + 3_600_000}, 1, 1, 1, 1, 1, 1, 250, 1);`)
    db.close()
    const store = await openStore(`sqlite:${path}`)
    const usage = usageOf(store)
    const now = start + 86_400_000
    const byHour = async () =>
      (await usage.sums({ from: start, to: now }, ['room', 'hour'], now)).map(
        ({ room, hour, turnToPeerBytes }) => [room, hour, turnToPeerBytes],
      )
    const expected = [
      ['r1', start, 100],
      ['r1', start + 3_600_000, 150],
    ]
    expect(await byHour()).toEqual(expected)
    expect(await usage.rollUp(now)).toEqual({ hours: 2, days: 0 })
    expect(await byHour()).toEqual(expected)
    expect((await totalsOf(store)).traffic.turnToPeerBytes).toBe(250)
    await store.close()
  })
})

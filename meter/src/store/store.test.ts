import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { noTraffic } from '@parley/relay-cost'
import { sqliteMigrations } from './migrations.ts'
import { openStore } from './open.ts'
import { start, storeSuite } from './testing/suite.ts'
import { totalsOf, usageOf } from './testing/usage.ts'

jest.setTimeout(30_000)

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

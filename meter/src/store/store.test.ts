import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { noTraffic } from '@parley/relay-cost'
import { openStore } from './open.ts'
import { start, storeSuite } from './testing/suite.ts'

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

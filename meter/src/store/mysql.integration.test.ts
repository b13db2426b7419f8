import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { type AllocationRecord, noTraffic, parseStatsdb } from '@parley/relay-cost'
import mysql from 'mysql2/promise'
import { Accounting } from '../accounting.ts'
import { podsSuite } from '../places/testing/suite.ts'
import { linksSuite } from '../reasons/testing/suite.ts'
import { database, type RunningMariadb, startMariadb, temporaryFolder } from '../testing/servers.ts'
import { trafficSuite } from '../traffic/testing/suite.ts'
import { openMysqlStore } from './mysql.ts'
import { openStore } from './open.ts'
import type { Store } from './store.ts'
import { startStatementProxy } from './testing/statement-proxy.ts'
import { start, storeSuite } from './testing/suite.ts'
import { totalsOf, usageOf } from './testing/usage.ts'

jest.setTimeout(240_000)

/** Nobody's. */
const anotherCa = `-----BEGIN CERTIFICATE-----
MIIBejCCASGgAwIBAgIUJ/Bu1EviEOB7hYoW8FtTFma9KBcwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHYW5vdGhlcjAgFw0yNjExMjExNDE2MTZaGA8yMTI2MTAyODE0
MTYxNlowEjEQMA4GA1UEAwwHYW5vdGhlcjBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABAcuZnd1pA0ZGxYWCzbVuQ1lkKml4aGPad4vtnmQR/Nx1tqh9GU4G1x5mdGC
WhQlz33NiyWnkKRZ8/Q72mti9OujUzBRMB0GA1UdDgQWBBTG/398HmeM9zQ4mp8D
5mg/gnYkOTAfBgNVHSMEGDAWgBTG/398HmeM9zQ4mp8D5mg/gnYkOTAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0cAMEQCIFqL2k0VUpLrUqbhQojxAfoA/8ut
8saXkEiE8Nk6PB/9AiApoZ/ZCuy3ikXT5RbI/B075nxoa/scCJGsu3BFHi9/wg==
-----END CERTIFICATE-----
`

const all = { from: 0, to: Date.UTC(2100, 0) }

describe('the MySQL store, on a real MariaDB', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let server: RunningMariadb
  beforeAll(async () => {
    folder = await temporaryFolder()
    server = await startMariadb(folder.path)
  })
  afterAll(async () => {
    await server?.stop('SIGKILL')
    await folder?.remove()
  })

  let places = 0
  const place = () => {
    places += 1
    const meter = `place-${places}`
    return () => openStore(server.url, { meter })
  }
  storeSuite(place, { numRuns: 40 })
  linksSuite(place, { numRuns: 20 })
  podsSuite(place)
  trafficSuite(place)

  const record = (id: number, bytes: number): AllocationRecord => ({
    ...{ realm: 'pod-a.demo', username: 'mallory', id: String(id), remote: 'c:1' },
    ...{ transport: 'udp', openedAt: start, lastSeenAt: start, aliveAt: start },
    ...{ expiresAt: start, closedAt: 0 },
    hours: new Map([[start, { ...noTraffic(), turnToPeerBytes: bytes }]]),
  })

  it('REQ-K5: two that write the same rows at once, in any order, neither fail nor differ', async () => {
    const open = place()
    const stores = await Promise.all([open(), open()])
    const records = Array.from({ length: 300 }, (_, id) => record(id, id))
    await Promise.all(
      Array.from({ length: 20 }, (_, round) =>
        stores[round % 2]?.merge(round % 3 ? records : records.toReversed()),
      ),
    )
    for (const store of stores) {
      expect(await store.records(all)).toHaveLength(300)
      expect((await totalsOf(store)).traffic.turnToPeerBytes).toBe((300 * 299) / 2)
      await store.close()
    }
  })

  it('REQ-K5: two meters on one database agree, also when one comes in the middle', async () => {
    const open = place()
    const stores = await Promise.all([open(), open()])
    const [one, two] = stores.map((store) => new Accounting(store, usageOf(store))) as [
      Accounting,
      Accounting,
    ]
    await one.resume(start)
    const events = [
      ['status', 'new lifetime=600, type=UDP, local=a:1, remote=c:1, ssl=NONE, cipher=NONE'],
      ...Array.from({ length: 5 }, () => ['traffic', 'rcvp=1, rcvb=100, sentp=1, sentb=7']),
      ['status', 'deleted'],
      ['total_traffic', 'rcvp=6, rcvb=600, sentp=6, sentb=42'],
    ].map(([topic, message = ''], index) => {
      const channel = `turn/realm/pod-a.demo/user/4000000000:a.b.c/allocation/000000000000000001/${topic}`
      const event = parseStatsdb({ t: start + index * 1000, channel, message })
      if ('rejected' in event) throw new Error(event.rejected)
      return event
    })
    for (const [index, event] of events.entries()) {
      one.count(event)
      await one.flush(event.at)
      if (index === 2) await two.resume(event.at)
      if (index > 2) two.count(event)
      if (index > 2) await two.flush(event.at)
    }
    for (const [index, accounting] of [one, two].entries()) {
      expect(accounting.traffic).toMatchObject({ clientToTurnBytes: 600, turnToClientBytes: 42 })
      expect((await totalsOf(stores[index] as Store)).traffic).toEqual(accounting.traffic)
      expect(accounting.open(start + 60_000)).toEqual({ allocations: 0, users: 0 })
    }
    for (const store of stores) await store.close()
  })

  it('REQ-K5: meters that share a database see each their own; who opens it for no meter, all', async () => {
    const [one, two] = [await place()(), await place()()]
    await one.merge([record(1, 5)])
    await two.merge([record(1, 7), record(2, 11)])
    expect(await one.records(all)).toEqual([record(1, 5)])
    expect((await totalsOf(two)).traffic.turnToPeerBytes).toBe(18)
    const everything = await openStore(server.url)
    const found = await everything.records(all)
    expect(found).toContainEqual(record(1, 5))
    expect(found).toContainEqual(record(1, 7))
    await expect(everything.merge([])).rejects.toMatchObject({ code: 'STORE_WRITE' })
    for (const store of [one, two, everything]) await store.close()
  })

  it.each(['SET SESSION sql_mode', 'START TRANSACTION', 'COMMIT'])(
    'REQ-K5: a server that never answers %s is waited for as long as for any statement; the next call goes another way',
    async (statement) => {
      let silent = true
      const proxy = await startStatementProxy(server.port, async ({ sql }) => {
        if (silent && sql.startsWith(statement)) await new Promise(() => {})
        return true
      })
      const location = { host: '127.0.0.1', port: proxy.port, ...database }
      const store = openMysqlStore(location, `silent-${statement}`, { answerMs: 2000 })
      try {
        const error = await store.merge([record(1, 5)]).catch((error: Error) => error)
        expect(error).toMatchObject({ code: 'STORE_WRITE' })
        expect(String(error)).toContain('inactivity timeout')
        silent = false
        await store.merge([record(1, 7)])
        expect(await store.records(all)).toEqual([record(1, 7)])
      } finally {
        await store.close()
        await proxy.stop()
      }
    },
    60_000,
  )

  it('is encrypted where a ca is given, and refuses a server that shows another certificate', async () => {
    const secure = await openStore(server.tlsUrl, { ca: server.ca, meter: 'tls' })
    await secure.merge([record(1, 5)])
    expect(await secure.records(all)).toEqual([record(1, 5)])
    await secure.close()

    const plain = await openStore(server.tlsUrl, { meter: 'tls' })
    await expect(totalsOf(plain)).rejects.toThrow(/Access denied/)
    await plain.close()

    const other = await openStore(server.tlsUrl, { ca: anotherCa, meter: 'tls' })
    await expect(totalsOf(other)).rejects.toThrow(
      /cannot read the store mysql:.*(self-signed|certificate)/s,
    )
    await other.close()
  })

  it('says what is wrong: a password, a schema of a newer version; never the password', async () => {
    const wrong = await openStore(server.url.replace('p%40ss', 'wrong'), { meter: 'm' })
    const error = await totalsOf(wrong).catch((error: Error) => error)
    expect(error).toMatchObject({ code: 'STORE_READ' })
    expect(String(error)).toMatch(/Access denied.*check that the server is up/)
    expect(String(error)).not.toMatch(/wrong/)
    await wrong.close()

    const connection = await mysql.createConnection(server.url)
    await connection.query('INSERT INTO parley_schema VALUES (99)')
    const newer = await openStore(server.url, { meter: 'm' })
    await expect(totalsOf(newer)).rejects.toMatchObject({ code: 'STORE_NEWER' })
    await connection.query('DELETE FROM parley_schema WHERE version = 99')
    await connection.end()
    expect(await totalsOf(newer)).toMatchObject({ unattributedBytes: 0 })
    await newer.close()
  })
})

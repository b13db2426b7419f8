import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { relayCostReportSchema, relayLoadSchema, relaySummarySchema } from '@parley/protocol'
import { presetPrices } from '@parley/relay-cost'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { startMeter } from './meter.ts'
import {
  eventually,
  mintUsername,
  startMariadb,
  startRedis,
  temporaryFolder,
} from './testing/servers.ts'

jest.setTimeout(240_000)

const logger = pino({ level: 'silent' })

describe('a meter whose database goes and comes', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let redis: Awaited<ReturnType<typeof startRedis>>
  let coturn: Redis
  let database: Awaited<ReturnType<typeof startMariadb>>
  beforeAll(async () => {
    folder = await temporaryFolder()
    redis = await startRedis(folder.path)
    coturn = new Redis(redis.url)
    database = await startMariadb(folder.path)
  })
  afterAll(async () => {
    coturn?.disconnect()
    await database?.stop('SIGKILL')
    await redis?.stop()
    await folder?.remove()
  })

  const configOf = (namespace: string) => ({
    ...{ port: 0, host: '127.0.0.1', cluster: 'demo', namespace, region: 'eu-central-1' },
    ...{ storeUrl: database.url, redisUrl: redis.url, prices: [presetPrices('aws/eu-central-1')] },
    ...{ token: 'the-token', flushIntervalMs: 50, bufferAllocations: 100_000 },
    retention: { allocationDays: 35, hourDays: 397 },
  })
  const say = (username: string, topic: string, message: string) =>
    coturn.publish(
      `turn/realm/pod-a.demo/user/${username}/allocation/000000000000000001/${topic}`,
      message,
    )
  const opened = 'new lifetime=600, type=UDP, local=a:1, remote=c:1, ssl=NONE, cipher=NONE'
  const bytes = (n: number) => `rcvp=1, rcvb=${n}, sentp=0, sentb=0`
  const get = (url: string, path: string) =>
    fetch(`${url}${path}`, { headers: { 'x-parley-token': 'the-token' } })
  const troubles = async (url: string) =>
    ((await (await get(url, '/readyz')).json()) as { troubles: object }).troubles
  const counted = async (url: string) => {
    const report = await (await get(url, '/report?window=1h')).json()
    return relayCostReportSchema.parse(report).totals.bytes.clientToTurn
  }

  it('REQ-K5: it counts on, says what is wrong and where, and writes it all when the database is back', async () => {
    const meter = await startMeter(configOf('goes'), { logger })
    const beside = await startMeter(configOf('goes'), { logger })
    try {
      const username = mintUsername('p-1')
      for (const { url } of [meter, beside])
        await eventually(async () => expect(await troubles(url)).toEqual({}))
      await say(username, 'status', opened)
      await say(username, 'traffic', bytes(100))
      await eventually(async () => expect(await counted(meter.url)).toBe(100))

      await database.stop('SIGKILL')
      await say(username, 'traffic', bytes(20))
      await eventually(async () =>
        expect(await troubles(meter.url)).toEqual({
          store: expect.stringMatching(
            new RegExp(`store mysql://127.0.0.1:${database.port}/parley: .*check that the server`),
          ),
        }),
      )
      expect((await get(meter.url, '/readyz')).status).toBe(503)
      expect((await get(meter.url, '/healthz')).status).toBe(200)
      await say(username, 'traffic', bytes(3))

      // What does not need the database is still answered, with the trouble named.
      const summary = relaySummarySchema.parse(await (await get(meter.url, '/summary')).json())
      expect(summary).toMatchObject({ allocations: 1, troubles: { store: expect.any(String) } })
      const load = relayLoadSchema.parse(await (await get(meter.url, '/load')).json())
      expect(load.pods['pod-a']).toMatchObject({ allocations: 1, users: 1 })
      await eventually(async () =>
        expect(await (await get(meter.url, '/metrics')).text()).toContain(
          'leg="clientToTurn"} 123',
        ),
      )
      const scraped = await (await get(meter.url, '/metrics')).text()
      expect(scraped).toMatch(/^parley_meter_store_up{.*} 0$/m)
      expect(scraped).toMatch(/^parley_meter_subscribed{.*} 1$/m)
      const refused = await get(meter.url, '/report?window=1h')
      expect(refused.status).toBe(503)
      expect(await refused.text()).not.toContain('p@ss')

      database = await startMariadb(folder.path, database.port)
      for (const { url } of [meter, beside])
        await eventually(async () => expect(await counted(url)).toBe(123))
      await eventually(async () => expect(await troubles(meter.url)).toEqual({}))
    } finally {
      await meter.close()
      await beside.close()
    }
  })

  it('REQ-K5: it starts without its database, and takes up what that holds when it comes', async () => {
    const username = mintUsername('p-2')
    const before = await startMeter(configOf('comes'), { logger })
    await eventually(async () => expect(await troubles(before.url)).toEqual({}))
    await say(username, 'status', opened)
    await say(username, 'traffic', bytes(1000))
    await eventually(async () => expect(await counted(before.url)).toBe(1000))
    await before.close()

    await database.stop('SIGKILL')
    const meter = await startMeter(configOf('comes'), { logger })
    try {
      await eventually(async () =>
        expect(Object.keys(await troubles(meter.url))).toEqual(['store']),
      )
      await say(username, 'status', opened.replace('new', 'refreshed'))
      await say(username, 'traffic', bytes(30))
      const summary = relaySummarySchema.parse(await (await get(meter.url, '/summary')).json())
      expect(Object.keys(summary)).toEqual(['allocations', 'users', 'currency', 'troubles'])
      // No counter yet: one that jumped from nothing to all there is would be a false increase.
      expect(await (await get(meter.url, '/metrics')).text()).not.toContain(
        'parley_relay_bytes_total{',
      )

      database = await startMariadb(folder.path, database.port)
      await eventually(async () => expect(await counted(meter.url)).toBe(1000))
      // The delta that came meanwhile may be in the database already, so it does not add up …
      await say(username, 'status', 'deleted')
      await say(username, 'total_traffic', bytes(1030))
      // … and the total makes it good.
      await eventually(async () => expect(await counted(meter.url)).toBe(1030))
      expect(await (await get(meter.url, '/metrics')).text()).toContain('leg="clientToTurn"} 1030')
    } finally {
      await meter.close()
    }
  })
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { freePort } from '@parley/devcluster'
import { type RelayCostReport, relayCostReportSchema, relaySummarySchema } from '@parley/protocol'
import {
  compareRecorded,
  presetPrices,
  type Recorded,
  ReplayStream,
  readRecorded,
} from '@parley/relay-cost'
import { buildReport } from '@parley/relay-cost/testing'
import { execa } from 'execa'
import { pino } from 'pino'
import { startMeter } from './meter.ts'
import { openStore } from './store/open.ts'
import {
  eventually,
  heardAll,
  listening,
  mintUsername,
  recordStatsdb,
  setKey,
  startCoturn,
  startRedis,
  startSecureRedis,
  startTurnClients,
  temporaryFolder,
} from './testing/servers.ts'
import { closed, coturnDeltas, coturnTotals, deltas } from './testing/totals.ts'

jest.setTimeout(240_000)

const prices = presetPrices('aws/eu-central-1')
const logger = pino({ level: 'silent' })
const realm = 'pod-a.demo'

describe('the meter beside a real coturn and a real Redis', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let redis: Awaited<ReturnType<typeof startRedis>>
  let coturn: Awaited<ReturnType<typeof startCoturn>>

  beforeAll(async () => {
    folder = await temporaryFolder()
    redis = await startRedis(folder.path)
    coturn = await startCoturn(folder.path, { redisPort: redis.port, realm })
  })
  afterAll(async () => {
    await coturn?.stop()
    await redis?.stop()
    await folder?.remove()
  })

  const configOf = (storeUrl: string, redisUrl = redis.url) => ({
    port: 0,
    host: '127.0.0.1',
    cluster: 'demo',
    namespace: 'meetings',
    region: 'eu-central-1',
    storeUrl,
    redisUrl,
    prices: [prices],
    token: 'the-token',
    flushIntervalMs: 100,
    retention: { allocationDays: 35, hourDays: 397 },
    bufferAllocations: 100_000,
  })
  const storeUrl = (name: string) => `sqlite:${join(folder.path, `${name}.db`)}`

  it('REQ-K5: reports what turnutils_uclient and coturn counted, to the byte', async () => {
    const meter = await startMeter(configOf(storeUrl('exact')), { logger })
    const recorder = await recordStatsdb(redis.url)
    try {
      await ready(meter.url)
      await listening(coturn.port)
      const username = mintUsername('p-exact')
      const messages = 300
      await startTurnClients({ port: coturn.port, username, messages, bytes: 200 })
      await closed(recorder.lines, username)

      const report = await eventually(async () => {
        const report = await reportOf(meter.url, 'tenant,room,participant')
        expect(report.totals.bytes).toMatchObject(coturnTotals(recorder.lines, username))
        return report
      })
      expect(report.rows).toHaveLength(1)
      expect(report.rows[0]?.key).toEqual({
        tenant: 'acme',
        room: roomOf(username),
        participant: 'p-exact',
      })
      // Each sends to another. A busy machine may lose a datagram between them (the ground truth, on a
      // cable of its own, is in ground-truth.integration.test.ts), but none comes that was not sent.
      expect(report.totals.bytes.peerToTurn).toBeGreaterThan(0)
      expect(report.totals.bytes.peerToTurn).toBeLessThanOrEqual(report.totals.bytes.turnToPeer)
      expect(report.totals.unattributedBytes).toBe(0)
      expect(report.totals.cost.egress).toBeGreaterThan(0)

      const events = recorder.lines
        .map((line) => readRecorded(JSON.stringify(line)))
        .filter((each): each is Recorded => each !== undefined && !('rejected' in each))
      expect(events).toHaveLength(recorder.lines.length)
      const replay = new ReplayStream({ prices: [prices], by: ['tenant', 'room', 'participant'] })
      for (const event of events.sort(compareRecorded)) expect(replay.push(event)).toBe(true)
      expect(replay.report().totals.bytes).toEqual(report.totals.bytes)
    } finally {
      await recorder.stop()
      await meter.close()
    }
  })

  it('REQ-K5: two meters, one of them killed and started again in mid-call, count each byte once', async () => {
    const shared = storeUrl('shared')
    const steady = await startMeter(configOf(storeUrl('steady')), { logger })
    const beside = await startMeter(configOf(shared), { logger })
    const port = await freePort()
    let fragile = startMeterProcess(port, await environment(port, shared))
    const recorder = await recordStatsdb(redis.url)
    try {
      for (const url of [steady.url, beside.url, fragile.url]) await ready(url)
      const username = mintUsername('p-killed')
      const clients = startTurnClients({ port: coturn.port, username, messages: 1600, bytes: 150 })
      await deltas(recorder.lines, username, 1)
      fragile.child.kill('SIGKILL')
      await fragile.child
      fragile = startMeterProcess(port, await environment(port, shared))
      await ready(fragile.url)
      await clients
      await closed(recorder.lines, username)

      const expected = coturnTotals(recorder.lines, username)
      for (const url of [steady.url, beside.url, fragile.url])
        await eventually(async () =>
          expect((await reportOf(url, 'room')).totals.bytes).toMatchObject(expected),
        )
      const window = { from: Date.now() - 3_600_000, to: Date.now() + 1000 }
      const views = [await openStore(shared), await openStore(storeUrl('steady'))]
      const records = (await Promise.all(views.map((store) => store.records(window)))).flat()
      expect(buildReport({ allocations: records, window, prices }).totals.bytes).toMatchObject(
        expected,
      )
      for (const view of views) await view.close()
    } finally {
      fragile.child.kill('SIGTERM')
      await fragile.child
      await recorder.stop()
      await beside.close()
      await steady.close()
    }
  })

  it('REQ-K5: a coturn that is ended without totals keeps what it had published, and its successor adds to it', async () => {
    const mortal = await startCoturn(folder.path, { redisPort: redis.port, realm: 'pod-b.demo' })
    const meter = await startMeter(configOf(storeUrl('sigterm')), { logger })
    const recorder = await recordStatsdb(redis.url)
    const username = mintUsername('p-term')
    try {
      await ready(meter.url)
      const clients = startTurnClients({
        port: mortal.port,
        username,
        messages: 50_000,
        bytes: 100,
      })
      await deltas(recorder.lines, username, 2)
      await mortal.stop('SIGTERM')
      clients.kill('SIGKILL')
      await clients
      // Its last words may still be on their way.
      await heardAll(redis.url, recorder.lines)
      const published = await eventually(async () => {
        const { bytes } = (await reportOf(meter.url, 'room')).totals
        const said = coturnDeltas(recorder.lines, username)
        expect(bytes).toMatchObject(said)
        expect(said.turnToPeer).toBeGreaterThan(0)
        return said
      })

      // The next process of the same pod numbers its allocations from 1 again.
      const successor = await startCoturn(folder.path, {
        redisPort: redis.port,
        realm: 'pod-b.demo',
      })
      const before = recorder.lines.length
      await startTurnClients({ port: successor.port, username, messages: 200, bytes: 100 })
      const later = () => recorder.lines.slice(before)
      await closed(recorder.lines, username)
      await successor.stop()
      const added = coturnTotals(later(), username)
      await eventually(async () => {
        const { bytes } = (await reportOf(meter.url, 'room')).totals
        expect(bytes.turnToPeer).toBe(published.turnToPeer + added.turnToPeer)
        expect(bytes.clientToTurn).toBe(published.clientToTurn + added.clientToTurn)
      })
    } finally {
      await recorder.stop()
      await meter.close()
      await mortal.stop('SIGKILL')
    }
  })

  it('REQ-K5: a meter that starts in mid-call knows the open allocations, and all their bytes at the end', async () => {
    const late = await startCoturn(folder.path, { redisPort: redis.port, realm: 'pod-a.late' })
    const recorder = await recordStatsdb(redis.url)
    const username = mintUsername('p-late')
    const clients = startTurnClients({ port: late.port, username, messages: 2400, bytes: 100 })
    await deltas(recorder.lines, username, 1)
    // However long the meter takes to start: the call goes on then.
    clients.kill('SIGSTOP')
    await setKey(
      redis.url,
      'turn/realm/pod-a.other/user/4000000000:a.b.c/allocation/000000000000000001/status',
      'new lifetime=600, type=UDP, local=a:1, remote=b:2, ssl=NONE, cipher=NONE',
    )
    const meter = await startMeter({ ...configOf(storeUrl('late')), cluster: 'late' }, { logger })
    try {
      await ready(meter.url)
      const summary = relaySummarySchema.parse(await get(meter.url, '/summary'))
      expect(summary).toMatchObject({ users: 1, currency: 'USD' })
      expect(summary.allocations).toBe(5)
      const scraped = await (await fetch(`${meter.url}/metrics`)).text()
      expect(scraped).toContain(
        `parley_relay_users{namespace="meetings",cluster="late",region="eu-central-1"} 1`,
      )
      clients.kill('SIGCONT')
      await clients
      await closed(recorder.lines, username)
      await eventually(async () => {
        const { totals } = await reportOf(meter.url, 'room')
        expect(totals.bytes).toMatchObject(coturnTotals(recorder.lines, username))
      })
      expect(await get(meter.url, '/summary')).toMatchObject({ users: 1, allocations: 1 })
    } finally {
      clients.kill('SIGKILL')
      await recorder.stop()
      await meter.close()
      await late.stop()
    }
  })

  it('REQ-K5: stays alive and says that it is not ready while Redis is away, then goes on', async () => {
    const own = await startRedis(folder.path)
    const meter = await startMeter(configOf(storeUrl('redis'), own.url), { logger })
    try {
      await ready(meter.url)
      await own.stop()
      await eventually(async () => expect((await fetch(`${meter.url}/readyz`)).status).toBe(503))
      expect((await fetch(`${meter.url}/healthz`)).status).toBe(200)
      expect(await (await fetch(`${meter.url}/readyz`)).json()).toMatchObject({
        troubles: { redis: expect.any(String) },
      })
      expect((await reportOf(meter.url, 'room')).totals.allocations).toBe(0)
      const again = await startRedis(folder.path, own.port)
      try {
        await ready(meter.url)
      } finally {
        await again.stop()
      }
    } finally {
      await meter.close()
    }
  })

  it('REQ-K1: reaches a Redis over TLS, as a user, in a database of a number', async () => {
    const secure = await startSecureRedis(folder.path)
    const port = await freePort()
    const env = {
      ...(await environment(port, storeUrl('tls'))),
      NODE_EXTRA_CA_CERTS: secure.caFile,
    }
    const urlFile = join(folder.path, 'secure-redis-url')
    await writeFile(urlFile, secure.url(3))
    const meter = startMeterProcess(port, { ...env, REDIS_URL_FILE: urlFile })
    const other = await freePort()
    const untrusting = startMeterProcess(other, {
      ...(await environment(other, storeUrl('untrusting'))),
      REDIS_URL_FILE: urlFile,
    })
    try {
      await ready(meter.url)
      // One that does not know the certificate does not talk, and says why.
      await eventually(async () =>
        expect(await (await fetch(`${untrusting.url}/readyz`)).json()).toMatchObject({
          troubles: { redis: expect.stringContaining('self-signed certificate') },
        }),
      )
    } finally {
      for (const { child } of [meter, untrusting]) {
        child.kill('SIGTERM')
        await child
      }
      await secure.stop()
    }
  })

  async function environment(port: number, store: string): Promise<Record<string, string>> {
    const redisFile = join(folder.path, 'redis-url')
    const tokenFile = join(folder.path, 'token')
    await writeFile(redisFile, `${redis.url}\n`)
    await writeFile(tokenFile, 'the-token\n')
    return {
      METER_PORT: String(port),
      METER_HOST: '127.0.0.1',
      METER_STORE: store,
      METER_PRICES_PRESET: 'aws/eu-central-1',
      METER_TOKEN_FILE: tokenFile,
      REDIS_URL_FILE: redisFile,
      PARLEY_CLUSTER: 'demo',
      PARLEY_NAMESPACE: 'meetings',
      PARLEY_REGION: 'eu-central-1',
    }
  }
})

function startMeterProcess(port: number, env: Record<string, string>) {
  const script = `import { runMeter } from '@parley/meter'; await runMeter()`
  const child = execa(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: import.meta.dirname,
    env,
    reject: false,
    all: true,
  })
  return { child, url: `http://127.0.0.1:${port}` }
}

async function ready(url: string): Promise<void> {
  await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200))
}

async function get(url: string, path: string): Promise<unknown> {
  const response = await fetch(`${url}${path}`, { headers: { 'x-parley-token': 'the-token' } })
  expect(response.status).toBe(200)
  return response.json()
}

async function reportOf(url: string, by: string): Promise<RelayCostReport> {
  return relayCostReportSchema.parse(await get(url, `/report?window=1h&by=${by}`))
}

function roomOf(username: string): string {
  return username.split('.')[1] ?? ''
}

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { freePort } from '@parley/devcluster'
import { relayCostReportSchema } from '@parley/protocol'
import { hourMs, presetPrices } from '@parley/relay-cost'
import { pino } from 'pino'
import { startMeter } from './meter.ts'
import { openStore } from './store/open.ts'
import {
  clientCounters,
  eventually,
  listeners,
  mintUsername,
  recordStatsdb,
  startCoturn,
  startRedis,
  startTurnClients,
  temporaryFolder,
} from './testing/servers.ts'
import { closed, coturnTotals, deltas, expectAsClientsSay, type Legs } from './testing/totals.ts'

jest.setTimeout(240_000)

const logger = pino({ level: 'silent' })
const prices = presetPrices('aws/eu-central-1')

describe('time that passes, jumps and steps back, with a real coturn', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let redis: Awaited<ReturnType<typeof startRedis>>
  let coturn: Awaited<ReturnType<typeof startCoturn>>
  beforeAll(async () => {
    folder = await temporaryFolder()
    redis = await startRedis(folder.path)
    coturn = await startCoturn(folder.path, { redisPort: redis.port, realm: 'pod-a.demo' })
  })
  afterAll(async () => {
    await coturn?.stop('SIGKILL')
    await redis?.stop()
    await folder?.remove()
  })

  /** A meter by a clock of the test, which goes on from `start` and can be set. */
  async function meterBy(name: string, start: number, redisUrl = redis.url) {
    const began = Date.now()
    let ahead = start - began
    const now = () => Date.now() + ahead
    const meter = await startMeter(
      {
        ...{ port: 0, host: '127.0.0.1', cluster: 'demo', namespace: 'meetings' },
        ...{ region: 'eu-central-1', storeUrl: `sqlite:${folder.path}/${name}.db` },
        ...{ redisUrl, prices: [prices], token: 'the-token' },
        ...{ flushIntervalMs: 100, bufferAllocations: 1000 },
        retention: { allocationDays: 35, hourDays: 397 },
      },
      { logger, now },
    )
    await eventually(async () => expect((await fetch(`${meter.url}/readyz`)).status).toBe(200))
    const rows = async (by: string, from: number, to: number) => {
      const query = new URLSearchParams({
        ...{ by, from: new Date(from).toISOString(), to: new Date(to).toISOString() },
      })
      const response = await fetch(`${meter.url}/report?${query}`, {
        headers: { 'x-parley-token': 'the-token' },
      })
      return relayCostReportSchema.parse(await response.json())
    }
    const step = (ms: number) => {
      ahead += ms
    }
    return { meter, rows, step }
  }

  /**
   * A call in whose middle, after the first delta, something is done. It ends when coturn's totals are
   * in the report: what the clients counted.
   */
  async function callWith(
    { rows }: Pick<Awaited<ReturnType<typeof meterBy>>, 'rows'>,
    span: [number, number],
    username: string,
    inTheMiddle: () => void,
  ) {
    const recorder = await recordStatsdb(redis.url)
    const clients = startTurnClients({ port: coturn.port, username, messages: 3000, bytes: 100 })
    try {
      await deltas(recorder.lines, username, 1)
      // However slow the machine is: the call is not over before its middle.
      clients.kill('SIGSTOP')
      await eventually(async () =>
        expect((await rows('room', ...span)).totals.bytes.turnToPeer).toBeGreaterThan(0),
      )
      inTheMiddle()
      clients.kill('SIGCONT')
      const client = clientCounters((await clients).all)
      await closed(recorder.lines, username)
      return await countedInTheEnd(rows, span, coturnTotals(recorder.lines, username), client)
    } finally {
      clients.kill('SIGKILL')
      await recorder.stop()
    }
  }

  /** Waits until what coturn said in the end is in the report. */
  function countedInTheEnd(
    rows: Awaited<ReturnType<typeof meterBy>>['rows'],
    span: [number, number],
    { turnToPeer, peerToTurn }: Legs,
    client: ReturnType<typeof clientCounters>,
  ) {
    expectAsClientsSay({ turnToPeer, peerToTurn }, client)
    return eventually(async () => {
      const { totals } = await rows('room', ...span)
      expect(totals.bytes).toMatchObject({ turnToPeer, peerToTurn })
      return totals
    })
  }

  it.each([
    ['over midnight and the end of the month', 10 * 60_000],
    ['for more than a day', 26 * hourMs],
  ])(
    'REQ-K5: a call %s is counted once, each part in its month, day and hour',
    async (name, ms) => {
      const november = Date.UTC(2026, 10, 1)
      const start = november - 5 * 60_000
      const { meter, rows, step } = await meterBy(name, start)
      try {
        const span: [number, number] = [start - hourMs, start + 48 * hourMs]
        const totals = await callWith({ rows }, span, mintUsername('p-1'), () => step(ms))
        const byDay = await rows('day', ...span)
        const days = byDay.rows.map(({ key }) => key.day).toSorted()
        expect(days[0]).toBe('2026-10-31')
        expect(days.at(-1)).toBe(new Date(start + ms).toISOString().slice(0, 10))
        for (const part of byDay.rows) expect(part.bytes.turnToPeer).toBeGreaterThanOrEqual(0)
        const october = (await rows('room', start - hourMs, november)).totals.bytes.turnToPeer
        const after = (await rows('room', november, start + 48 * hourMs)).totals.bytes.turnToPeer
        expect(october).toBeGreaterThan(0)
        expect(after).toBeGreaterThan(0)
        expect(october + after).toBe(totals.bytes.turnToPeer)
      } finally {
        await meter.close()
      }
    },
  )

  it.each([
    ['an hour ahead', hourMs],
    ['two hours back', -2 * hourMs],
    ['a month back', -30 * 24 * hourMs],
  ])(
    'REQ-K5: a clock that is set %s in mid-call moves bytes, and loses and doubles none',
    async (name, ms) => {
      const start = Date.UTC(2026, 10, 20, 12, 10)
      const { meter, rows, step } = await meterBy(name, start)
      try {
        const span: [number, number] = [start - 40 * 24 * hourMs, start + 48 * hourMs]
        const totals = await callWith({ rows }, span, mintUsername('p-2'), () => step(ms))
        expect(totals.unattributedBytes).toBe(0)
      } finally {
        await meter.close()
      }
    },
  )

  it('REQ-K5: after a step of more than an hour nothing is noted by the new time', async () => {
    const start = Date.now()
    const { meter, step } = await meterBy('set', start)
    step(40 * 24 * hourMs)
    await meter.close()
    const store = await openStore(`sqlite:${folder.path}/set.db`)
    const [book] = await store.books()
    const heard = await book?.heard.during({ from: start, to: start + 50 * 24 * hourMs })
    expect(heard).toHaveLength(1)
    expect(heard?.[0]?.to).toBeLessThan(start + hourMs)
    await store.close()
  })

  it('REQ-K5: bytes under a username of another form are all there, as nobody’s', async () => {
    const start = Date.now()
    const { meter, rows } = await meterBy('nobody', start)
    try {
      const span: [number, number] = [start - hourMs, start + hourMs]
      const username = `${Math.floor(Date.now() / 1000) + 3600}:just-a-name`
      const totals = await callWith({ rows }, span, username, () => {})
      const { clientToTurn, turnToClient, turnToPeer, peerToTurn } = totals.bytes
      expect(totals.unattributedBytes).toBe(clientToTurn + turnToClient + turnToPeer + peerToTurn)
      // The clients of the tests before left allocations open, with which they had tried the server.
      const relayed = (await rows('room', ...span)).rows.filter(({ bytes }) => bytes.turnToPeer > 0)
      expect(relayed.map(({ key }) => key.room)).toEqual(['(unattributed)'])
    } finally {
      await meter.close()
    }
  })

  it('REQ-K5: over a restart of Redis in mid-call, what was not heard comes in with the totals', async () => {
    const port = await freePort()
    let own = await startRedis(folder.path, port)
    const beside = await startCoturn(folder.path, { redisPort: port, realm: 'pod-r.demo' })
    const start = Date.now()
    const { meter, rows } = await meterBy('restart', start, own.url)
    const recorder = await recordStatsdb(own.url)
    const username = mintUsername('p-3')
    const clients = startTurnClients({ port: beside.port, username, messages: 6000, bytes: 100 })
    try {
      const span: [number, number] = [start - hourMs, start + hourMs]
      await deltas(recorder.lines, username, 1)
      clients.kill('SIGSTOP')
      await eventually(async () =>
        expect((await rows('room', ...span)).totals.bytes.turnToPeer).toBeGreaterThan(0),
      )
      await own.stop()
      own = await startRedis(folder.path, port)
      // What is said before somebody listens again is lost to them all.
      await eventually(async () => expect(await listeners(own.url)).toBe(2))
      clients.kill('SIGCONT')
      const client = clientCounters((await clients).all)
      await closed(recorder.lines, username)
      const said = coturnTotals(recorder.lines, username)
      const totals = await countedInTheEnd(rows, span, said, client)
      expect(totals.unattributedBytes).toBe(0)
      const scraped = await (await fetch(`${meter.url}/metrics`)).text()
      expect(scraped).toMatch(/^parley_meter_gaps_total{.*} 1$/m)
    } finally {
      clients.kill('SIGKILL')
      await recorder.stop()
      await meter.close()
      await beside.stop('SIGKILL')
      await own.stop()
    }
  })
})

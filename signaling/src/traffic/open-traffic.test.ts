import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type TrafficBatch, trafficKeys, trafficMetrics } from '@parley/protocol'
import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { manualClock } from '../testing/manual-clock.ts'
import { openTraffic, type Traffic } from './open-traffic.ts'
import { registerTraffic } from './prometheus.ts'

const keys = trafficKeys('town')
const everySecond = 10

/** A Redis with the list, and a meter that stores what is in it; each may be away. */
function redisAndMeter() {
  const list: TrafficBatch[] = []
  const counted: TrafficBatch[] = []
  const stored = new Map<string, number>()
  const state = { redisAway: false, storeAway: false }
  const redis = Object.assign(new EventEmitter(), {
    async eval(_script: string, _keys: number, ...args: (string | number)[]) {
      if (state.redisAway) throw new Error('Connection is closed.')
      const [buffer, ofSource, bound, ...batches] = args
      expect(buffer).toBe(keys.buffer)
      const taken = batches.slice(0, Math.max(0, Number(bound) - list.length))
      list.push(...taken.map((batch) => JSON.parse(String(batch)) as TrafficBatch))
      return [taken.length, String(stored.get(String(ofSource)) ?? 0)]
    },
  })
  return {
    ...{ state, list, counted, redis: redis as unknown as Redis },
    /** It begins anew, without its data. */
    forget() {
      list.splice(0)
      redis.emit('close')
    },
    /** Every few seconds. */
    store() {
      if (state.redisAway || state.storeAway) return
      for (const batch of list.splice(0)) {
        const key = keys.stored(batch.source)
        if (batch.seq <= (stored.get(key) ?? 0)) continue
        stored.set(key, batch.seq)
        counted.push(batch)
      }
    },
  }
}

const sum = (batches: readonly TrafficBatch[]) =>
  batches.flatMap(({ rows }) => rows).reduce((total, { count }) => total + count, 0)

describe('a minute of requests that nobody takes', () => {
  let clock: ReturnType<typeof manualClock>
  let world: ReturnType<typeof redisAndMeter>
  let registry: Registry
  let traffic: Traffic
  let lines: string[]

  const open = (bufferSize: number) => {
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
    traffic = openTraffic({ bufferSize }, { redis: world.redis, cluster: 'town', clock, log })
    registerTraffic(registry, traffic.outbox)
  }
  beforeEach(() => {
    clock = manualClock()
    world = redisAndMeter()
    registry = new Registry()
    lines = []
  })
  afterEach(() => traffic.close())

  /** Ten requests in each second; the meter stores at the end of it. */
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      for (let each = 0; each < everySecond; each++)
        traffic.record({
          ...{ protocol: 'http', name: '/api/rooms/:room/join', method: 'POST', status: '200' },
          ...{ micros: 1000, bytesIn: 1, bytesOut: 1 },
        })
      clock.advance(1000)
      await new Promise(setImmediate)
      world.store()
    }
  }
  const metric = async ({ name }: { name: string }) =>
    (await registry.getSingleMetric(name)?.get())?.values[0]?.value ?? 0
  const figures = async () => ({
    requests: await metric(trafficMetrics.requests),
    unsent: await metric(trafficMetrics.unsent),
    dropped: await metric(trafficMetrics.dropped),
  })
  const said = (text: string) => lines.filter((line) => line.includes(text)).length

  it('REQ-S4: requests of a route that fail begin to count at 0, so that the first is seen', async () => {
    open(10_000)
    traffic.expect('GET', '/api/config')
    const failed = async () => {
      const { values = [] } =
        (await registry.getSingleMetric(trafficMetrics.requests.name)?.get()) ?? {}
      return values.map(({ labels, value }) => [labels.method, labels.route, labels.status, value])
    }
    expect(await failed()).toEqual([
      ['GET', '/api/config', '503', 0],
      ['GET', '/api/config', '500', 0],
    ])
    traffic.record({
      ...{ protocol: 'http', name: '/api/config', method: 'GET', status: '503' },
      ...{ micros: 1000, bytesIn: 0, bytesOut: 1 },
    })
    traffic.outbox.seal()
    expect(await failed()).toEqual([
      ['GET', '/api/config', '503', 1],
      ['GET', '/api/config', '500', 0],
    ])
  })

  it('REQ-H2, REQ-H4: without Redis is kept, said once, and stored when Redis is back', async () => {
    open(10_000)
    await pass(5)
    world.state.redisAway = true
    await pass(60)
    expect(await figures()).toEqual({ requests: 650, unsent: 61, dropped: 0 })
    expect([said('traffic not sent; kept for later'), said('sent again')]).toEqual([1, 0])
    world.state.redisAway = false
    await pass(3)
    expect(said('sent again')).toBe(1)
    expect(sum(world.counted)).toBe(680)
    expect((await figures()).dropped).toBe(0)
  })

  it('REQ-H2: past the bound is dropped and counted as dropped; what was kept is stored, and what comes later', async () => {
    open(45)
    world.state.redisAway = true
    await pass(45)
    expect(await figures()).toEqual({ requests: 450, unsent: 45, dropped: 0 })
    await pass(15)
    expect(await figures()).toEqual({ requests: 600, unsent: 45, dropped: 150 })
    world.state.redisAway = false
    await pass(5)
    // Until the server hears what is stored, its buffer is full.
    const { dropped } = await figures()
    expect(dropped).toBeLessThanOrEqual(150 + 2 * everySecond)
    expect(sum(world.counted)).toBe(650 - dropped)
    await pass(5)
    expect(await figures()).toEqual({ requests: 700, unsent: 1, dropped })
    expect(sum(world.counted)).toBe(700 - dropped)
    expect(world.counted.map(({ seq }) => seq)).toEqual(
      world.counted.map(({ seq }) => seq).toSorted((a, b) => a - b),
    )
  })

  it('REQ-H4: what a Redis that begins anew has forgotten, and nobody stored, is sent again', async () => {
    open(10_000)
    world.state.storeAway = true
    await pass(5)
    expect(world.list).toHaveLength(5)
    world.forget()
    world.state.storeAway = false
    await pass(3)
    expect(sum(world.counted)).toBe(80)
    expect(await figures()).toEqual({ requests: 80, unsent: 1, dropped: 0 })
  })

  it('REQ-H2: without its database fills the list to its bound and not further, and is stored when that is back', async () => {
    open(45)
    world.state.storeAway = true
    await pass(60)
    expect(world.list).toHaveLength(45)
    expect(await figures()).toEqual({ requests: 600, unsent: 45, dropped: 150 })
    world.state.storeAway = false
    await pass(5)
    const { dropped } = await figures()
    expect(sum(world.counted)).toBe(650 - dropped)
    expect((await figures()).unsent).toBeLessThanOrEqual(1)
  })
})

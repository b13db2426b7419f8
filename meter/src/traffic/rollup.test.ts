import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { openStore } from '../store/open.ts'
import type { TrafficBook } from '../store/store.ts'
import { TrafficApi } from './api.ts'
import { TrafficRollup } from './rollup.ts'
import { memoryQueue } from './testing/memory-queue.ts'
import { batch, kept, row, start } from './testing/suite.ts'

jest.setTimeout(60_000)

const liveMs = 300_000

async function setUp(over: { alertMbps?: number; bufferSize?: number } = {}) {
  const store = await openStore('sqlite::memory:')
  const [found] = await store.books()
  if (!found) throw new Error('no book')
  const book = found.traffic
  const redis = memoryQueue()
  let now = start + 1000
  const failing = new Set<string>()
  /** Fails before, or after it did its work. */
  const maybe = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (of, name) => {
        const method: unknown = Reflect.get(of, name)
        // Nor is it a promise.
        if (typeof method !== 'function') return method
        return async (...args: unknown[]) => {
          if (failing.delete(`before ${String(name)}`)) throw new Error('killed')
          const answer = await method.apply(of, args)
          if (failing.delete(`after ${String(name)}`)) throw new Error('killed')
          return answer
        }
      },
    })
  const newRollup = () =>
    new TrafficRollup({
      ...{ queue: maybe(redis.queue), book: async () => maybe<TrafficBook>(book), now: () => now },
      ...{ batchSize: 3, bufferSize: 100, liveMs, kept, alertMbps: 0, ...over },
    })
  const api = new TrafficApi({ queue: redis.queue, book: async () => book, now: () => now, liveMs })
  return {
    ...{ store, book, redis, failing, newRollup, api },
    setNow: (to: number) => {
      now = to
    },
  }
}

describe('the rollup of traffic', () => {
  let world: Awaited<ReturnType<typeof setUp>>
  beforeEach(async () => {
    world = await setUp()
  })
  afterEach(() => world.store.close())
  const send = (...batches: ReturnType<typeof batch>[]) =>
    world.redis.buffer.push(...batches.map((each) => JSON.stringify(each)))

  it('REQ-H2: what was sent is shown at once and stored once a minute, and its server is told', async () => {
    const rollup = world.newRollup()
    const rows = [row({ count: 9, latency: '200:9' }), row({ status: '500' })]
    send(...[1, 2, 3, 4, 5, 6, 7].map((seq) => batch(seq, { rows })))
    await rollup.process()
    const live = await world.api.live({})
    expect(live.total).toMatchObject({ count: 70, errors: 7, bytesIn: 140, bytesOut: 1400 })
    expect(live.statuses).toEqual([
      { status: '200', count: 63 },
      { status: '500', count: 7 },
    ])
    expect(live.top).toHaveLength(1)
    expect(live.perSecond.count).toBeCloseTo(70 / live.seconds)
    expect((await world.api.page({ window: '1h' })).total).toBe(0)
    await rollup.persist()
    const page = await world.api.page({ window: '1h' })
    expect(page.rows).toMatchObject([{ name: '/api/rooms/:room/join', method: 'POST', count: 70 }])
    expect(world.redis.confirmed).toEqual(new Map([['source-a', 7]]))
    expect(world.redis.pending).toEqual([])
    expect(rollup.totals).toMatchObject({ counted: 7, duplicates: 0, rejected: 0 })
    expect((await world.api.series({ window: '2h' })).rows.map(({ count }) => count)).toEqual([
      0, 0, 70,
    ])
  })

  it('REQ-H4: wherever the worker is killed, what was sent is counted once', async () => {
    const methods = ['take', 'pending', 'addLive', 'lastOf', 'add', 'confirm', 'drop', 'lengths']
    const kill = fc.constantFrom(...methods.flatMap((m) => [`before ${m}`, `after ${m}`]))
    const step = fc.oneof(fc.constantFrom('send', 'again', 'process', 'persist'), kill)
    let source = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        source += 1
        const [name, whose] = [`/run/${source}`, `source-${source}-of-it`]
        let rollup = world.newRollup()
        let seq = 0
        const sent: ReturnType<typeof batch>[] = []
        const attempt = async (work: () => Promise<void>) => {
          try {
            await work()
          } catch {
            rollup = world.newRollup()
          }
        }
        for (const each of steps) {
          if (each === 'send') {
            seq += 1
            sent.push(batch(seq, { source: whose, rows: [row({ name })] }))
            send(...sent.slice(-1))
          } else if (each === 'again') send(...sent)
          else if (each === 'process') await attempt(() => rollup.process())
          else if (each === 'persist') await attempt(() => rollup.persist())
          else world.failing.add(each)
        }
        world.failing.clear()
        rollup = world.newRollup()
        await rollup.process()
        await rollup.persist()
        const window = { from: start - 1, to: start + 1 }
        const cells = await world.book.cells('metrics_hourly', 'http', window)
        const count = cells.find((cell) => cell.name === name)?.count ?? 0
        expect(count).toBe(seq)
        expect(world.redis.pending).toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  it('REQ-H2: what the store cannot take waits, up to the bound, and the rest stays in the buffer', async () => {
    const bounded = await setUp({ bufferSize: 5 })
    const rollup = bounded.newRollup()
    for (let seq = 1; seq <= 8; seq++) bounded.redis.buffer.push(JSON.stringify(batch(seq)))
    bounded.failing.add('before add')
    await rollup.process()
    await expect(rollup.persist()).rejects.toThrow('killed')
    await rollup.process()
    expect([bounded.redis.pending.length, bounded.redis.buffer.length]).toEqual([5, 3])
    await rollup.persist()
    await rollup.process()
    await rollup.persist()
    expect(rollup.totals.counted).toBe(8)
    await bounded.store.close()
  })

  it('REQ-H2, REQ-H4: a minute without its database, and more: what may wait waits, no more is taken, and all is stored once after it', async () => {
    const bounded = await setUp({ bufferSize: 90 })
    const rollup = bounded.newRollup()
    let seq = 0
    /** Each second has a batch; the work is done when the worker does it. */
    const pass = async (seconds: number, isAway: boolean) => {
      const failures: unknown[] = []
      for (let left = seconds; left > 0; left--) {
        seq += 1
        bounded.setNow(start + seq * 1000)
        bounded.redis.buffer.push(JSON.stringify(batch(seq)))
        if (seq % 5 === 0) await rollup.process()
        if (isAway) bounded.failing.add('before add')
        if (seq % 60 === 0) await rollup.persist().catch((error: Error) => failures.push(error))
      }
      bounded.failing.clear()
      return failures.length
    }
    expect(await pass(125, true)).toBe(2)
    const waiting = () => [bounded.redis.pending.length, bounded.redis.buffer.length]
    expect(waiting()).toEqual([90, 35])
    expect(rollup.totals.counted).toBe(0)
    expect(await pass(300 - 125, false)).toBe(0)
    await rollup.process()
    await rollup.persist()
    expect(waiting()).toEqual([0, 0])
    expect(rollup.totals).toMatchObject({ counted: 300, duplicates: 0, rejected: 0 })
    await bounded.store.close()
  })

  it('sizes whose sum cannot be told exactly come to the most that can, and what follows is stored', async () => {
    const rollup = world.newRollup()
    for (const seq of [1, 2, 3]) {
      send(batch(seq, { rows: [row({ bytesIn: Number.MAX_SAFE_INTEGER - 5 })] }))
      await rollup.process()
      await rollup.persist()
    }
    const page = await world.api.page({ window: '1h' })
    expect(page.rows).toMatchObject([{ count: 3, bytesIn: Number.MAX_SAFE_INTEGER }])
  })

  it('what is no batch is left out and counted', async () => {
    const rollup = world.newRollup()
    world.redis.buffer.push('no json', '{}', JSON.stringify({ ...batch(1), rows: [] }))
    send(batch(1))
    await rollup.process()
    await rollup.persist()
    expect(rollup.totals).toMatchObject({ counted: 1, rejected: 3 })
  })

  it('REQ-H3: more than the limit in a minute opens an alert, which ends below 80 % of it', async () => {
    const watched = await setUp({ alertMbps: 1 })
    const rollup = watched.newRollup()
    const minute = async (index: number, mbps: number) => {
      const at = start + index * 60_000
      const rows = [row({ bytesOut: Math.round((mbps * 1e6 * 60) / 8) })]
      watched.redis.buffer.push(JSON.stringify(batch(index + 1, { at, rows })))
      watched.setNow(at + 80_000)
      await rollup.process()
      await rollup.persist()
    }
    await minute(0, 0.9)
    expect((await watched.api.alerts({})).alerts).toEqual([])
    await minute(1, 1.5)
    await minute(2, 2)
    await minute(3, 0.9)
    const [open] = (await watched.api.alerts({})).alerts
    expect(open).toMatchObject({ direction: 'out', resolvedAt: null, limitMbps: 1, peakMbps: 2 })
    await minute(4, 0.5)
    const { alerts } = await watched.api.alerts({})
    expect(alerts).toHaveLength(1)
    expect(alerts[0]?.resolvedAt).toBe(new Date(start + 4 * 60_000).toISOString())
    await watched.store.close()
  })
})

import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, jest } from '@jest/globals'
import { type TrafficBatch, trafficBatchSchema, trafficRowsMax } from '@parley/protocol'
import fc from 'fast-check'
import { type Push, TrafficOutbox } from './outbox.ts'
import type { Sample } from './rows.ts'
import { noWriteAhead, parseSamples, readWriteAhead, writeAheadIn } from './write-ahead.ts'

jest.setTimeout(60_000)

const sample = (over: Partial<Sample> = {}): Sample => ({
  ...{ protocol: 'http', name: '/api/rooms/:room/join', method: 'POST', status: '200' },
  ...{ micros: 1234, bytesIn: 20, bytesOut: 300, ...over },
})
const countIn = (batches: readonly TrafficBatch[]) =>
  batches.flatMap(({ rows }) => rows).reduce((sum, { count }) => sum + count, 0)

/** A Redis and a meter that store what comes, once, by its number; each may be away, and Redis may forget. */
function redisAndMeter() {
  const list: TrafficBatch[] = []
  const stored = new Map<string, number>()
  const counted: TrafficBatch[] = []
  const state = { isAway: false, losesAnswers: false, room: Number.POSITIVE_INFINITY }
  const push: Push = async (source, batches) => {
    if (state.isAway) throw new Error('away')
    const taken = batches.slice(0, Math.max(0, state.room - list.length))
    list.push(...taken)
    if (state.losesAnswers) throw new Error('no answer')
    return { taken: taken.length, stored: stored.get(source) ?? 0 }
  }
  return {
    ...{ state, push, list, counted },
    forget: () => void list.splice(0),
    store() {
      for (const batch of list.splice(0)) {
        if (batch.seq <= (stored.get(batch.source) ?? 0)) continue
        stored.set(batch.source, batch.seq)
        counted.push(batch)
      }
    },
  }
}

const folders: string[] = []
const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-traffic-'))
  folders.push(folder)
  return folder
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
const failOnError = (error: Error) => {
  throw error
}

describe('traffic on its way to the meter', () => {
  const steps = fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.constant('request' as const) },
      ...(
        [
          'seal',
          'ship',
          'store',
          'kill',
          'away',
          'back',
          'forget',
          'unanswered',
          'answered',
        ] as const
      ).map((step) => ({ weight: 1, arbitrary: fc.constant(step) })),
    ),
    { maxLength: 40, size: 'max' },
  )

  it('REQ-H4: each request is counted once, whoever is killed, away, or forgets, and whenever', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        const folder = newFolder()
        const { state, push, forget, store, counted } = redisAndMeter()
        let runs = 0
        const start = () => {
          runs += 1
          return new TrafficOutbox({
            ...{ source: `source-${runs}`, push, now: () => 5000, bufferSize: 1000 },
            writeAhead: writeAheadIn(folder, failOnError),
            left: readWriteAhead(folder),
          })
        }
        let outbox = start()
        const ship = () => outbox.ship().catch(() => {})
        let requests = 0
        const act = {
          request() {
            requests += 1
            outbox.record(sample({ status: String(200 + (requests % 3)) }))
          },
          seal: () => outbox.seal(),
          ship,
          store,
          kill: () => {
            // What is in memory is gone; the files are there.
            outbox = start()
          },
          away: () => void Object.assign(state, { isAway: true }),
          back: () => void Object.assign(state, { isAway: false }),
          forget: () => {
            forget()
            outbox.resend()
          },
          unanswered: () => void Object.assign(state, { losesAnswers: true }),
          answered: () => void Object.assign(state, { losesAnswers: false }),
        }
        for (const step of steps) await act[step]()
        Object.assign(state, { isAway: false, losesAnswers: false })
        outbox.seal()
        await ship()
        store()
        await ship()
        expect(countIn(counted)).toBe(requests)
        expect(outbox.buffered).toBe(0)
        outbox.close()
        expect(readdirSync(folder)).toEqual([])
        for (const batch of counted)
          expect(trafficBatchSchema.safeParse(batch).error).toBeUndefined()
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-H2: past the bound batches are dropped and counted; a full list is waited for', async () => {
    const { state, push, store, counted, list } = redisAndMeter()
    state.room = 2
    const outbox = new TrafficOutbox({
      ...{ source: 'source-1', writeAhead: noWriteAhead, push, now: () => 0, bufferSize: 3 },
    })
    for (const count of [1, 1, 1, 4]) {
      for (let each = 0; each < count; each++) outbox.record(sample())
      outbox.seal()
    }
    expect([outbox.buffered, outbox.dropped]).toEqual([3, 4])
    await outbox.ship()
    expect(list).toHaveLength(2)
    store()
    await outbox.ship()
    store()
    await outbox.ship()
    expect([outbox.buffered, countIn(counted)]).toEqual([0, 3])
  })

  it('REQ-H2: of more endpoints than a batch has, the last are one', () => {
    const { push } = redisAndMeter()
    const outbox = new TrafficOutbox({
      ...{ source: 'source-1', writeAhead: noWriteAhead, push, now: () => 0, bufferSize: 3 },
    })
    for (let each = 0; each < trafficRowsMax + 50; each++)
      outbox.record(sample({ name: `/${each}` }))
    outbox.seal()
    expect(outbox.totals.size).toBeLessThanOrEqual(trafficRowsMax)
    expect([...outbox.totals.values()].find(({ name }) => name === '(other)')?.count).toBe(52)
  })

  it('REQ-H4: lines that were not written to their end, or make no sense, are left out', () => {
    const key = '=0 ["http","/a","GET","200"]\n'
    const rows = parseSamples(`@5\n${key}0 3 1 2\n0 3 1 2\n9 1 1 1\n0 3 =\n=1 ["http\n0 3 1`)?.rows
    expect(rows).toMatchObject([{ name: '/a', count: 2, bytesIn: 2, bytesOut: 4, latency: '3:2' }])
    expect(parseSamples('@5\n')).toBeUndefined()
    expect(parseSamples(`${key}0 3 1 2\n`)).toBeUndefined()
    const folder = newFolder()
    appendFileSync(join(folder, 'not-one-of-ours.txt'), 'x')
    expect(readWriteAhead(folder)).toEqual([])
    expect(readWriteAhead(join(folder, 'missing'))).toEqual([])
  })

  it('REQ-H4: where no file can be opened that is said, and what comes once one can be is in it', () => {
    const folder = newFolder()
    const away = join(folder, 'away')
    const problems: Error[] = []
    const { push } = redisAndMeter()
    const outbox = new TrafficOutbox({
      ...{ source: 'source-1', push, now: () => 5000, bufferSize: 3 },
      writeAhead: writeAheadIn(away, (error) => problems.push(error)),
    })
    outbox.record(sample())
    // Of the opening, and of the sample.
    expect(problems).toHaveLength(2)
    outbox.seal()
    mkdirSync(away)
    for (let each = 0; each < 3; each++) outbox.record(sample())
    expect(countIn(readWriteAhead(away))).toBe(3)
    outbox.close()
  })

  it('REQ-H2: names that are cut to the same are one', () => {
    const { push } = redisAndMeter()
    const outbox = new TrafficOutbox({
      ...{ source: 'source-1', writeAhead: noWriteAhead, push, now: () => 0, bufferSize: 3 },
    })
    for (const end of ['a', 'b', 'b']) outbox.record(sample({ name: `/${'x'.repeat(199)}${end}` }))
    outbox.seal()
    expect([...outbox.totals.values()].map(({ count }) => count)).toEqual([3])
  })

  it('REQ-H2: sizes that are none count as none, and times that are not known not at all', () => {
    const { push, list } = redisAndMeter()
    const outbox = new TrafficOutbox({
      ...{ source: 'source-1', writeAhead: noWriteAhead, push, now: () => 0, bufferSize: 3 },
    })
    for (const none of [Number.NaN, -1, Number.POSITIVE_INFINITY])
      outbox.record(sample({ bytesIn: none, bytesOut: none, micros: Math.min(none, 0) }))
    outbox.seal()
    return outbox.ship().then(() => {
      expect(list[0]?.rows).toMatchObject([{ count: 3, bytesIn: 0, bytesOut: 0, latency: '0:2' }])
    })
  })
})

import { describe, expect, it } from '@jest/globals'
import { relayLoadSchema } from '@parley/protocol'
import { parseStatsdb, type StatsdbEvent } from '@parley/relay-cost'
import fc from 'fast-check'
import { Accounting } from './accounting.ts'
import { PodRates, RelayRate, rateWindowMs } from './load.ts'
import { openStore } from './store/open.ts'
import { usageOf } from './store/testing/usage.ts'

const start = Date.UTC(2026, 10, 21)

function event(at: number, topic: string, message: string, of: Partial<Of> = {}): StatsdbEvent {
  const { pod = 'demo-turn-a', id = 1, user = '4000000000:acme.r1.p-1' } = of
  const channel = `turn/realm/${pod}.demo/user/${user}/allocation/${String(id).padStart(18, '0')}/${topic}`
  const parsed = parseStatsdb({ t: at, channel, message })
  if ('rejected' in parsed) throw new Error(parsed.rejected)
  return parsed
}
type Of = { pod: string; id: number; user: string }
const opened = 'new lifetime=600, type=UDP, local=a:1, remote=c:1, ssl=NONE, cipher=NONE'
/** Both legs of a delta: what came in goes out on the other side. */
const delta = (at: number, sent: number, of: Partial<Of> = {}) => [
  event(at, 'traffic', `rcvp=1, rcvb=${sent}, sentp=1, sentb=${sent}`, of),
  event(at + 1, 'traffic/peer', `rcvp=1, rcvb=${sent}, sentp=1, sentb=${sent}`, of),
]

describe('the rate of an allocation', () => {
  it('REQ-K1: is that of a steady flow, at every moment, however seldom coturn speaks', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2000, max: 55_000 }),
        fc.integer({ min: 1000, max: 1_000_000 }),
        fc.integer({ min: 0, max: 54_999 }),
        (everyMs, bytesPerSecond, afterMs) => {
          const rate = new RelayRate(start)
          let at = start
          while (at < start + 3 * rateWindowMs) {
            at += everyMs
            rate.add(at, (bytesPerSecond * everyMs) / 1000)
          }
          const now = at + (afterMs % everyMs)
          expect(rate.bytesPerSecond(now) / bytesPerSecond).toBeCloseTo(1, 6)
        },
      ),
    )
  })

  it('REQ-K1: is never below nothing, nor above all that was said and as much again', () => {
    const counts = fc.array(fc.tuple(fc.nat(30_000), fc.nat(5_000_000)), { maxLength: 30 })
    fc.assert(
      fc.property(counts, fc.nat(200_000), fc.boolean(), (steps, later, ends) => {
        const rate = new RelayRate(start)
        let at = start
        let sum = 0
        for (const [ms, bytes] of steps) {
          at += ms
          sum += bytes
          rate.add(at, bytes)
        }
        if (ends) rate.end()
        const measured = rate.bytesPerSecond(at + later)
        expect(measured).toBeGreaterThanOrEqual(0)
        expect(measured).toBeLessThanOrEqual((2 * sum) / (rateWindowMs / 1000) + 1e-6)
      }),
    )
  })

  it('REQ-K1: falls to nothing within the window after an end, and soon after a silence', () => {
    const ended = new RelayRate(start)
    const silent = new RelayRate(start)
    for (let at = start + 10_000; at <= start + 100_000; at += 10_000) {
      ended.add(at, 10_000)
      silent.add(at, 10_000)
    }
    ended.end()
    const last = start + 100_000
    expect(ended.bytesPerSecond(last)).toBeCloseTo(1000)
    expect(ended.bytesPerSecond(last + rateWindowMs / 2)).toBeCloseTo(500)
    expect(ended.bytesPerSecond(last + rateWindowMs)).toBe(0)
    expect(ended.isOver(last + rateWindowMs)).toBe(true)
    expect(silent.bytesPerSecond(last + rateWindowMs / 2)).toBeGreaterThan(500)
    expect(silent.bytesPerSecond(last + rateWindowMs + 10_000)).toBe(0)
    expect(silent.isOver(last + rateWindowMs + 10_000)).toBe(false)
  })
})

describe('the load of the TURN pods', () => {
  it('REQ-K5: counts a relayed byte once, by the pod that relays it', () => {
    const rates = new PodRates()
    for (const pod of ['demo-turn-a', 'demo-turn-b'])
      rates.count(event(start, 'status', opened, { pod }))
    for (let at = start + 10_000; at <= start + 120_000; at += 10_000) {
      // 1.25 MB sent on either side in 10 s: 2 Mbit/s together.
      for (const each of delta(at, 1_250_000)) rates.count(each)
      for (const each of delta(at, 125_000, { pod: 'demo-turn-b' })) rates.count(each)
    }
    const measured = rates.megabitsPerSecond(start + 125_000)
    expect(measured.get('demo-turn-a')).toBeCloseTo(2, 3)
    expect(measured.get('demo-turn-b')).toBeCloseTo(0.2, 3)
  })

  it('REQ-K5: totals at the end add nothing, and a pod that is gone vanishes', () => {
    const rates = new PodRates()
    rates.count(event(start, 'status', opened))
    for (const each of delta(start + 10_000, 1_000_000)) rates.count(each)
    const before = rates.megabitsPerSecond(start + 10_002).get('demo-turn-a')
    rates.count(event(start + 10_002, 'status', 'deleted'))
    rates.count(event(start + 10_002, 'total_traffic', 'rcvp=9, rcvb=9, sentp=9, sentb=99000000'))
    expect(rates.megabitsPerSecond(start + 10_002).get('demo-turn-a')).toBeCloseTo(before ?? 0, 3)
    expect([...rates.megabitsPerSecond(start + 71_000)]).toEqual([])
  })

  it('REQ-K5: says how many allocations and users each pod has, and their rate', async () => {
    const store = await openStore('sqlite::memory:')
    const accounting = new Accounting(store, usageOf(store))
    await accounting.resume(start)
    const second = '4000000001:acme.r1.p-1'
    for (const which of [{ id: 1 }, { id: 2, user: second }, { id: 3, user: 'mallory' }])
      accounting.count(event(start, 'status', opened, which))
    accounting.count(event(start, 'status', opened, { pod: 'demo-turn-b' }))
    for (let at = start + 10_000; at <= start + 60_000; at += 10_000)
      for (const each of delta(at, 625_000)) accounting.count(each)
    const load = relayLoadSchema.parse(accounting.load(start + 60_001))
    expect(load).toEqual({
      at: start + 60_001,
      pods: {
        'demo-turn-a': { allocations: 3, users: 2, relayedMbps: expect.closeTo(1, 2) },
        'demo-turn-b': { allocations: 1, users: 1, relayedMbps: 0 },
      },
    })
    // Nobody refreshed them: they have expired, and nothing was relayed for a while.
    expect(accounting.load(start + 700_000).pods).toEqual({})
  })
})

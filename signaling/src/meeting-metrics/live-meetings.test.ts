import { beforeEach, describe, expect, it } from '@jest/globals'
import type { FullMetrics, LiveUpdate, MeetingAlert, UserMetrics } from '@parley/protocol'
import fc from 'fast-check'
import { LiveMeetings, type LiveState, type UserKey } from './live-meetings.ts'

const key = (participant: string, room = 'daily'): UserKey => ({
  tenant: 'default',
  room,
  participant,
})
const quiet: UserMetrics = {
  ...{ up: 500, down: 800, rtt: 40, min: 38, max: 45, loss: 0, jitter: 2, links: 1, relayed: 0 },
  ...{ tx: 0, rx: 0, back: 0 },
}
const full = (metrics: Partial<UserMetrics> = {}, n = 1): FullMetrics => ({
  ...{ n, full: true, ...quiet, ...metrics },
})

let now: number
let alerts: MeetingAlert[]
let stored: Map<string, LiveState | undefined>
let live: LiveMeetings

beforeEach(() => {
  now = 1_800_000_000_000
  alerts = []
  stored = new Map()
  live = new LiveMeetings({
    now: () => now,
    ...{ throttleMs: 2000, graceMs: 15_000, ttlMs: 300_000 },
    onAlerts: (_tenant, changes) => alerts.push(...changes),
    onChange: ({ participant }, state) => stored.set(participant, state),
  })
})

const told = (): LiveUpdate[] => [...live.due().values()].flat()
const said = () => alerts.map(({ kind, state }) => `${kind} ${state}`)

describe('merging', () => {
  it('REQ-G1: deltas in order come to what the page has, whatever they leave out', () => {
    const change = fc.record(
      {
        up: fc.nat(9999),
        rtt: fc.option(fc.nat(2000), { nil: null }),
        loss: fc.option(fc.integer({ min: 0, max: 100 }), { nil: null }),
        tx: fc.nat(1000),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const expected: UserMetrics = { ...quiet }
        live.take(key('p-1'), 'socket', full())
        changes.forEach((delta, index) => {
          const { tx = 0, ...fields } = delta
          Object.assign(expected, fields)
          expected.tx += tx
          expect(live.take(key('p-1'), 'socket', { n: index + 2, ...delta })).toBe('merged')
        })
        expect(stored.get('p-1')?.user.metrics).toEqual(expected)
      }),
    )
  })

  it('REQ-G1: what came before, or twice, changes nothing; a gap asks for all, and all mends it', () => {
    live.take(key('p-1'), 'socket', full({ tx: 100 }))
    expect(live.take(key('p-1'), 'socket', { n: 2, up: 1, tx: 5 })).toBe('merged')
    expect(live.take(key('p-1'), 'socket', { n: 2, up: 2, tx: 5 })).toBe('repeated')
    expect(live.take(key('p-1'), 'socket', { n: 1, up: 3, tx: 5 })).toBe('repeated')
    expect(live.take(key('p-1'), 'socket', { n: 4, up: 4, tx: 5 })).toBe('gap')
    expect(stored.get('p-1')?.user.metrics).toMatchObject({ up: 1, tx: 105 })
    expect(live.take(key('p-1'), 'socket', full({ up: 4, tx: 115 }, 5))).toBe('merged')
    expect(live.take(key('p-1'), 'socket', { n: 6, down: 7 })).toBe('merged')
    expect(stored.get('p-1')?.user.metrics).toMatchObject({ up: 4, down: 7, tx: 115 })
  })

  it('REQ-G1: another socket of the same participant begins with all of it', () => {
    live.take(key('p-1'), 'first', full())
    expect(live.take(key('p-1'), 'second', { n: 2, up: 1 })).toBe('gap')
    expect(live.take(key('p-1'), 'second', full({ up: 9 }))).toBe('merged')
    // The first one going says nothing about the second.
    live.leave(key('p-1'), 'first', false)
    expect(live.totals().participants).toBe(1)
  })

  it('REQ-M4: a missing round trip is unknown, with no score', () => {
    live.take(key('p-1'), 'socket', full({ rtt: null, min: null, max: null }))
    expect(stored.get('p-1')?.user).toMatchObject({ quality: 'unknown', mos: null, score: null })
  })
})

describe('what admins are told', () => {
  it('REQ-G2: of one participant at most once in two seconds, and the last of it always', () => {
    live.take(key('p-1'), 's', full({ up: 1 }))
    expect(told()).toHaveLength(1)
    let n = 2
    let heard = 0
    for (let ms = 0; ms < 20_000; ms += 100, now += 100) {
      live.take(key('p-1'), 's', { n: n++, up: n })
      heard += told().length
    }
    expect(heard).toBeLessThanOrEqual(10)
    now += 2000
    expect(told()).toMatchObject([{ userId: 'p-1', metrics: { up: n } }])
    expect(told()).toEqual([])
  })

  it('REQ-G4: whoever leaves, or is not heard of, is gone from every count', () => {
    live.take(key('p-1'), 's1', full({ relayed: 1 }))
    live.take(key('p-2'), 's2', full())
    live.take(key('p-3'), 's3', full())
    told()
    expect(live.totals()).toMatchObject({ participants: 3, relayed: 1, alerts: { relay: 1 } })
    live.leave(key('p-1'), 's1', false)
    expect(live.totals()).toMatchObject({ participants: 2, relayed: 0, alerts: { relay: 0 } })
    expect(told()).toMatchObject([{ userId: 'p-1', gone: true }])
    expect(stored.get('p-1')).toBeUndefined()
    // A lost socket has time to come back; silence has the time to live.
    live.leave(key('p-2'), 's2', true)
    now += 14_000
    live.sweep()
    expect(live.totals().participants).toBe(2)
    now += 1000
    live.sweep()
    expect(live.totals().participants).toBe(1)
    now += 300_000
    live.sweep()
    expect(live.totals().participants).toBe(0)
    expect(told().map(({ userId }) => userId)).toEqual(['p-2', 'p-3'])
  })

  it('REQ-G4: off the relay is off the count, and the alert is resolved', () => {
    live.take(key('p-1'), 's', full({ relayed: 1 }))
    live.take(key('p-1'), 's', { n: 2, relayed: 0 })
    expect(live.totals().relayed).toBe(0)
    expect(said()).toEqual(['relay open', 'relay resolved'])
  })
})

describe('alerts', () => {
  it('REQ-G3: each opens once at its bound and is resolved once, a little below it', () => {
    live.take(key('p-1'), 's', full({ rtt: 300, loss: 5 }))
    // At 5 % the label is poor already.
    expect(said()).toEqual(['quality open'])
    live.take(key('p-1'), 's', { n: 2, rtt: 301, loss: 5.1 })
    live.take(key('p-1'), 's', { n: 3, rtt: 350, loss: 6 })
    expect(said().slice(1)).toEqual(['latency open', 'loss open'])
    live.take(key('p-1'), 's', { n: 4, rtt: 271, loss: 4.1 })
    expect(said().slice(3)).toEqual(['quality resolved'])
    live.take(key('p-1'), 's', { n: 5, rtt: 270, loss: 4 })
    expect(said().slice(4)).toEqual(['latency resolved', 'loss resolved'])
    expect(alerts.map(({ severity }) => severity)).toContain('critical')
  })

  it('REQ-G3: each is as serious as was asked for, and a relay alone costs', () => {
    live.take(key('p-1'), 's', full({ rtt: 450, loss: 6, relayed: 1 }))
    expect(alerts.map(({ kind, severity, cost, value }) => [kind, severity, cost, value])).toEqual([
      ['latency', 'warning', false, 450],
      ['loss', 'warning', false, 6],
      ['quality', 'critical', false, expect.any(Number)],
      ['relay', 'info', true, null],
    ])
  })

  it('REQ-G3: opens and resolves take turns, whatever is measured', () => {
    const step = fc.record({
      rtt: fc.option(fc.nat(600), { nil: null }),
      loss: fc.option(fc.integer({ min: 0, max: 12 }), { nil: null }),
      relayed: fc.nat(1),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
        alerts = []
        live.take(key('p-1'), 's', full())
        steps.forEach((delta, index) => {
          now += 1000
          live.take(key('p-1'), 's', { n: index + 2, ...delta })
        })
        live.leave(key('p-1'), 's', false)
        for (const of of Map.groupBy(alerts, ({ kind }) => kind).values())
          expect(of.map(({ state }) => state)).toEqual(
            of.map((_, index) => (index % 2 === 0 ? 'open' : 'resolved')),
          )
        // Who has left has none that is open.
        expect(alerts.filter(({ state }) => state === 'open')).toHaveLength(alerts.length / 2)
      }),
    )
  })

  it('REQ-G3: an alert that another replica opened is not opened again', () => {
    live.take(key('p-1'), 's', full({ relayed: 1 }))
    const before = stored.get('p-1')
    const other = new LiveMeetings({
      now: () => now,
      ...{ throttleMs: 2000, graceMs: 15_000, ttlMs: 300_000 },
      onAlerts: (_tenant, changes) => alerts.push(...changes),
      onChange: () => {},
    })
    other.take(key('p-1'), 'elsewhere', full({ relayed: 1 }), before)
    expect(said()).toEqual(['relay open'])
    other.take(key('p-1'), 'elsewhere', { n: 2, relayed: 0 })
    expect(said()).toEqual(['relay open', 'relay resolved'])
  })
})

describe('another replica', () => {
  it('REQ-G2, REQ-G4: whoever went on elsewhere is forgotten without a word', () => {
    live.take(key('p-1'), 's', full({ relayed: 1 }))
    told()
    live.leave(key('p-1'), 's', true)
    now += 15_000
    expect(live.overdue()).toEqual([key('p-1')])
    live.forget(key('p-1'))
    live.sweep()
    expect(told()).toEqual([])
    expect(said()).toEqual(['relay open'])
    expect(live.totals()).toMatchObject({ participants: 0, relayed: 0 })
    expect(stored.get('p-1')).toBeDefined()
  })
})

describe('a minute for the history', () => {
  it('REQ-G1: minutes add up to the stay, in bytes, time and time on the relay', () => {
    const start = now
    live.take(key('p-1'), 's', full({ tx: 1000, rx: 50 }))
    now += 20_000
    live.take(key('p-1'), 's', { n: 2, tx: 7, relayed: 1 })
    now += 40_000
    const first = live.minutes()
    now += 30_000
    live.take(key('p-1'), 's', { n: 3, rx: 3, relayed: 0, back: 1 })
    now += 10_000
    live.leave(key('p-1'), 's', false)
    const all = [...first, ...live.minutes(), ...live.minutes()]
    const sum = (of: (sample: (typeof all)[number]) => number) =>
      all.reduce((s, one) => s + of(one), 0)
    expect(all).toHaveLength(2)
    expect(sum(({ durationMs }) => durationMs)).toBe(now - start)
    expect(sum(({ connectedMs }) => connectedMs)).toBe(now - start)
    expect(sum(({ relayedMs }) => relayedMs)).toBe(70_000)
    expect(sum(({ bytesSent }) => bytesSent)).toBe(7000)
    expect(sum(({ bytesReceived }) => bytesReceived)).toBe(3000)
    expect(sum(({ reconnections }) => reconnections)).toBe(1)
  })
})

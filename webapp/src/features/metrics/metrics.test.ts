import { describe, expect, it } from '@jest/globals'
import {
  type MetricsDelta,
  metricCounters,
  metricFields,
  packMetrics,
  type UserMetrics,
} from '@parley/protocol'
import fc from 'fast-check'
import { seeded } from '../../testing/seeded.ts'
import type { StatsRow } from '../connection/linkStats.ts'
import { DeltaEncoder } from './DeltaEncoder.ts'
import { EmissionPolicy } from './EmissionPolicy.ts'
import { MetricsEngine } from './MetricsEngine.ts'
import type { ConnectionReading } from './statsRows.ts'
import type { UserReading } from './userMetrics.ts'

const calm: UserReading = {
  ...{ up: 900, down: 1800, rtt: 40, min: 35, max: 45, loss: 0, jitter: 2, links: 2, relayed: 0 },
  due: 450,
}
const user = (more: Partial<UserMetrics> = {}): UserMetrics => {
  const { due: _, ...told } = calm
  return { ...told, tx: 0, rx: 0, back: 0, ...more }
}

describe('when a page says how it is', () => {
  const reading = fc.record({
    up: fc.nat(5000),
    down: fc.nat(5000),
    rtt: fc.option(fc.nat(900), { nil: null }),
    loss: fc.option(fc.integer({ min: 0, max: 10 }), { nil: null }),
    due: fc.nat(1000),
    relayed: fc.nat(2),
  })

  it('REQ-M5: fewer than ten times in any minute, and never silent for long, whatever happens', () => {
    const step = fc.record({
      reading,
      startOver: fc.boolean(),
      ms: fc.integer({ min: 200, max: 3000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 50, maxLength: 300 }), (steps) => {
        const policy = new EmissionPolicy(10_000)
        const said: number[] = []
        let at = 0
        for (const { reading: now, startOver, ms } of steps) {
          at += ms
          if (startOver) policy.startOver()
          if (policy.decide({ ...calm, ...now }, at)) said.push(at)
          // As soon as it was to be said, and there was a reading after that.
          expect(at - (said.at(-1) ?? 0)).toBeLessThan(10_000 + 3000)
        }
        for (const from of said)
          expect(said.filter((one) => one >= from && one < from + 60_000).length).toBeLessThan(10)
      }),
      { numRuns: 200 },
    )
  })

  it('REQ-M5: in a steady call six times a minute', () => {
    const wobble = fc.integer({ min: 80, max: 120 })
    fc.assert(
      fc.property(fc.array(wobble, { minLength: 300, maxLength: 300 }), (percents) => {
        const policy = new EmissionPolicy(10_000)
        const said = percents.filter((percent, second) =>
          policy.decide({ ...calm, up: 9 * percent, down: 18 * percent }, second * 1000),
        )
        expect(said.length).toBeLessThanOrEqual(300 / 10)
      }),
    )
  })

  it.each([0.005, 0.01, 0.03, 0.05])(
    'REQ-M5: six times a minute where of all packets a part of %d is lost, which by chance is now less and now more',
    (part) => {
      for (const perSecond of [50, 90, 300]) {
        const chance = seeded(perSecond)
        const policy = new EmissionPolicy(10_000)
        const lost: number[] = []
        let said = 0
        const minutes = 30
        for (let second = 0; second < minutes * 60; second++) {
          lost.push(Array.from({ length: perSecond }, chance).filter((one) => one < part).length)
          const window = lost.slice(-5)
          const due = window.length * perSecond
          const loss = (window.reduce((sum, one) => sum + one, 0) / due) * 100
          if (policy.decide({ ...calm, due, loss }, second * 1000)) said++
        }
        expect(said / minutes).toBeLessThan(6.2)
      }
    },
  )

  it('REQ-M5: another label at once where no chance explains it, else within what every event may take', () => {
    const when = (was: Partial<UserReading>, now: Partial<UserReading>) => {
      const policy = new EmissionPolicy(10_000)
      policy.decide({ ...calm, ...was }, 0)
      for (let second = 1; ; second++) {
        const reason = policy.decide({ ...calm, ...now }, second * 1000)
        if (reason) return [second, reason]
      }
    }
    expect(when({}, { loss: 4 })).toEqual([1, 'quality'])
    expect(when({ loss: 6 }, {})).toEqual([1, 'quality'])
    expect(when({}, { loss: 1.5 })).toEqual([10, 'time'])
    // Of ten times as many packets.
    expect(when({ due: 4500 }, { loss: 1.5, due: 4500 })).toEqual([1, 'quality'])
    // One of ten that a person with no microphone on has sent.
    expect(when({ due: 10 }, { loss: 10, due: 10 })).toEqual([10, 'time'])
    expect(when({ rtt: 99 }, { rtt: 105 })).toEqual([10, 'time'])
    expect(when({ rtt: 99 }, { rtt: 112 })).toEqual([1, 'quality'])
    expect(when({ rtt: 112 }, { rtt: 90 })).toEqual([1, 'quality'])
    // One of both is another, and makes the label; the other one is off by chance.
    expect(when({ rtt: 120, loss: 2.9 }, { rtt: 40, loss: 3.1 })).toEqual([10, 'time'])
    expect(when({ rtt: 300, loss: 2.9 }, { rtt: 40, loss: 3.1 })).toEqual([1, 'quality'])
  })

  it('REQ-M5: another bandwidth by more than a half, up or down, whatever it was; not one of a moment', () => {
    const kbps = fc.integer({ min: 200, max: 20_000 })
    const factor = fc.oneof(fc.double({ min: 1.51, max: 20 }), fc.double({ min: 0, max: 0.49 }))
    fc.assert(
      fc.property(kbps, factor.filter(Number.isFinite), fc.nat(2), (was, times, moment) => {
        const policy = new EmissionPolicy(10_000)
        const at = (second: number, down: number) =>
          policy.decide({ ...calm, up: 0, down }, second * 1000)
        expect(at(0, was)).toBe('first')
        for (let second = 1; second <= 1 + moment; second++)
          expect(at(second, was * times)).toBeUndefined()
        expect(at(4, was)).toBeUndefined()
        expect([5, 6, 7, 8].map((second) => at(second, was * times))).toEqual([
          ...Array(3).fill(undefined),
          'bandwidth',
        ])
      }),
    )
  })

  it('REQ-M5: at first; on another label, on and off the relay; after 10 s', () => {
    const policy = new EmissionPolicy(10_000)
    const at = (second: number, now: Partial<UserReading>) =>
      policy.decide({ ...calm, ...now }, second * 1000)
    expect(at(0, {})).toBe('first')
    expect(at(1, {})).toBeUndefined()
    expect(at(9.9, {})).toBeUndefined()
    expect(at(10, {})).toBe('time')
    expect(at(20, { rtt: 120 })).toBe('quality')
    expect(at(29, { rtt: 120, relayed: 1 })).toBe('relay')
    expect(at(38, { rtt: 120, relayed: 2 })).toBeUndefined()
    expect(at(38, { rtt: 120 })).toBe('relay')
    expect(at(47, { rtt: null })).toBe('quality')
  })
})

describe('what it says', () => {
  const value = {
    up: fc.nat(20_000),
    down: fc.nat(20_000),
    rtt: fc.option(fc.nat(900), { nil: null }),
    loss: fc.option(fc.integer({ min: 0, max: 100 }), { nil: null }),
    jitter: fc.option(fc.nat(100), { nil: null }),
    relayed: fc.nat(3),
  }

  it('REQ-M5, REQ-M7: put together it is what was measured, counters to the kB', () => {
    const step = fc.record({ ...value, tx: fc.nat(5000), rx: fc.nat(5000), lost: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 60 }), (steps) => {
        const encoder = new DeltaEncoder()
        let merged = user()
        let [tx, rx] = [0, 0]
        for (const { tx: sent, rx: received, lost, ...reading } of steps) {
          tx += sent
          rx += received
          const now = user({ ...reading, tx, rx })
          if (lost) encoder.startOver()
          merged = put(merged, encoder.encode(now))
          expect(merged).toMatchObject({ tx, rx, relayed: now.relayed })
          for (const field of ['up', 'down'] as const)
            expect(Math.abs(merged[field] - now[field])).toBeLessThanOrEqual(
              Math.max(2, now[field] * 0.05),
            )
          expect(Math.abs((merged.rtt ?? -9) - (now.rtt ?? -9))).toBeLessThanOrEqual(2)
        }
      }),
    )
  })

  it('REQ-M5: of what has not changed nothing is said', () => {
    const encoder = new DeltaEncoder()
    const first = user({ tx: 10, rx: 20 })
    expect(encoder.encode(first)).toEqual({ n: 1, full: true, ...first })
    expect(encoder.encode({ ...first })).toEqual({ n: 2 })
    expect(encoder.encode({ ...first, down: 3000, relayed: 1, rx: 25 })).toEqual({
      ...{ n: 3, down: 3000, relayed: 1, rx: 5 },
    })
    expect(encoder.encode({ ...first, down: 3000, relayed: 1, rx: 25, rtt: null })).toEqual({
      ...{ n: 4, rtt: null },
    })
  })

  it('REQ-M5: an event of a steady call has no more than 120 bytes on the wire, packed or not', () => {
    const wobble = fc.record({
      up: fc.integer({ min: 850, max: 1100 }),
      down: fc.integer({ min: 2500, max: 3200 }),
      rtt: fc.integer({ min: 40, max: 46 }),
      jitter: fc.integer({ min: 1, max: 5 }),
      tx: fc.integer({ min: 1000, max: 1400 }),
      rx: fc.integer({ min: 3000, max: 4200 }),
    })
    fc.assert(
      fc.property(fc.array(wobble, { minLength: 60, maxLength: 60 }), (events) => {
        const encoder = new DeltaEncoder()
        let [tx, rx] = [0, 0]
        const sizes = events.map((event) => {
          tx += event.tx
          rx += event.rx
          const [min, max] = [event.rtt - 4, event.rtt + 5]
          const metrics = encoder.encode(user({ ...event, min, max, loss: 0.1, tx, rx }))
          if ('full' in metrics) return 0
          expect(wireBytes({ metrics: packMetrics(metrics) })).toBeLessThanOrEqual(95)
          return wireBytes({ metrics })
        })
        expect(Math.max(...sizes)).toBeLessThanOrEqual(120)
      }),
    )
  })
})

/** With what Socket.IO and Engine.IO put around it. */
function wireBytes(message: unknown): number {
  return `42/meeting-metrics,${JSON.stringify(['meeting:metrics', message])}`.length
}

function put(before: UserMetrics, event: MetricsDelta | { full: true }): UserMetrics {
  if ('full' in event) {
    const {
      n: _n,
      full: _full,
      ...all
    } = event as unknown as UserMetrics & { n: number; full: true }
    return all
  }
  const after = { ...before }
  for (const field of metricFields)
    if (event[field] !== undefined) after[field] = event[field] as never
  for (const counter of metricCounters) after[counter] += event[counter] ?? 0
  return after
}

describe('what is reckoned of readings', () => {
  type Traffic = { sent: number; received: number; packets: number; lost: number }
  const rows = (traffic: Traffic, more: { rtt?: number; relay?: boolean } = {}): StatsRow[] => [
    {
      ...{ id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
      ...{ bytesSent: traffic.sent, bytesReceived: traffic.received },
    },
    {
      ...{ id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R' },
      ...(more.rtt !== undefined && { currentRoundTripTime: more.rtt / 1000 }),
    },
    { id: 'L', type: 'local-candidate', candidateType: more.relay ? 'relay' : 'host' },
    { id: 'R', type: 'remote-candidate', candidateType: 'srflx' },
    {
      ...{ id: 'I', type: 'inbound-rtp', kind: 'audio', bytesReceived: traffic.received },
      ...{ packetsReceived: traffic.packets, packetsLost: traffic.lost, jitter: 0.004 },
    },
    { id: 'O', type: 'outbound-rtp', kind: 'audio', bytesSent: traffic.sent, headerBytesSent: 0 },
  ]
  const link = (id: string, its: StatsRow[], more: Partial<ConnectionReading> = {}) => ({
    ...({ id, overSfu: false, state: 'connected', connectionState: 'connected' } as const),
    ...({ iceConnectionState: 'connected', rows: its, ...more } as const),
  })

  it('REQ-M1: rates and loss are those of the last seconds, audio included', () => {
    const engine = new MetricsEngine(10_000)
    let last = engine.take({ atMs: 0, links: [], sfu: undefined }, false)
    for (let second = 0; second <= 20; second++) {
      // 800 kbit/s at first, 80 after 10 s; a tenth is lost in the first half.
      const late = Math.max(0, second - 10)
      const sent = 100_000 * Math.min(10, second) + 10_000 * late
      const packets = 45 * Math.min(10, second) + 50 * late
      const traffic = { sent, received: 2 * sent, packets, lost: 5 * Math.min(10, second) }
      last = engine.take(
        { atMs: second * 1000, links: [link('a', rows(traffic, { rtt: 48 }))], sfu: undefined },
        false,
      )
      if (second === 10) {
        expect(last.links[0]).toMatchObject({ lossPercent: 10, rttMs: 48, jitterMs: 4 })
        expect(last.links[0]?.total).toEqual({ up: 800, down: 1600 })
        expect(last.links[0]?.audio).toEqual({ up: 800, down: 1600 })
      }
    }
    expect(last.links[0]).toMatchObject({
      lossPercent: 0,
      packetsLost: 50,
      total: { up: 80, down: 160 },
    })
    expect(last.user).toMatchObject({ up: 80, down: 160, loss: 0, tx: 1100, rx: 2200 })
  })

  it('REQ-M7: of what is sent again, or fills up, no loss is known: it makes the loss no smaller', () => {
    const engine = new MetricsEngine(10_000)
    const loss = [0, 1, 2, 3, 4, 5].map((second) => {
      const its = rows({ sent: 0, received: 0, packets: 194 * second, lost: 6 * second })
      for (const row of its)
        if (row.type === 'inbound-rtp') row.retransmittedPacketsReceived = 100 * second
      return engine.take({ atMs: second * 1000, links: [link('a', its)], sfu: undefined }, false)
        .links[0]?.lossPercent
    })
    expect(loss).toEqual([undefined, 6, 6, 6, 6, 6])
  })

  it('REQ-M1: a connection that begins anew is counted on, and never backwards', () => {
    const traffic = fc.record({
      sent: fc.nat(1e6),
      received: fc.nat(1e6),
      packets: fc.nat(1000),
      lost: fc.integer({ min: -50, max: 500 }),
    })
    fc.assert(
      fc.property(fc.array(traffic, { minLength: 2, maxLength: 20 }), (readings) => {
        const engine = new MetricsEngine(10_000)
        let [tx, rx] = [0, 0]
        readings.forEach((reading, second) => {
          const { user: now, links } = engine.take(
            { atMs: second * 1000, links: [link('a', rows(reading))], sfu: undefined },
            true,
          )
          for (const value of Object.values(now))
            if (value !== null) expect(value).toBeGreaterThanOrEqual(0)
          expect(now.tx).toBeGreaterThanOrEqual(tx)
          expect(now.rx).toBeGreaterThanOrEqual(rx)
          ;[tx, rx] = [now.tx, now.rx]
          const loss = links[0]?.lossPercent ?? 0
          expect(loss >= 0 && loss <= 100).toBe(true)
          // Nothing is known of the way yet, which is unknown and not NaN.
          expect(links[0]).toMatchObject({ quality: 'unknown', rttMs: undefined, mos: undefined })
          expect(now).toMatchObject({ rtt: null, min: null, max: null })
        })
      }),
    )
  })

  it('REQ-M3: all connections of a person; those over the SFU are one', () => {
    const engine = new MetricsEngine(10_000)
    const one = { sent: 1000, received: 1000, packets: 10, lost: 0 }
    const mesh = engine.take(
      {
        ...{ atMs: 0, sfu: undefined },
        links: [link('a', rows(one, { rtt: 20 })), link('b', rows(one, { rtt: 60, relay: true }))],
      },
      false,
    )
    expect(mesh.user).toMatchObject({ rtt: 40, min: 20, max: 60, links: 2, relayed: 1 })
    const over = (id: string) => link(id, rows(one, { rtt: 30 }), { overSfu: true })
    const sfu = engine.take(
      { atMs: 1000, links: [over('a'), over('b')], sfu: link('sfu', rows(one, { rtt: 30 })) },
      false,
    )
    expect(sfu.user).toMatchObject({ rtt: 30, links: 1, relayed: 0 })
    expect(sfu.links).toHaveLength(2)
  })

  it('REQ-A6: a connection that was cut and came back is counted once', () => {
    const engine = new MetricsEngine(10_000)
    const its = rows({ sent: 1, received: 1, packets: 1, lost: 0 })
    const states = [
      'connecting',
      'connected',
      'reconnecting',
      'reconnecting',
      'connected',
      'connected',
    ] as const
    const backs = states.map(
      (state, second) =>
        engine.take(
          { atMs: second * 1000, links: [link('a', its, { state })], sfu: undefined },
          false,
        ).user.back,
    )
    expect(backs).toEqual([0, 0, 0, 0, 1, 1])
  })
})

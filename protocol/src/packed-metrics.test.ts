import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type MetricsDelta, meetingMetricsSchema, wireMetricsSchema } from './meeting-metrics.ts'
import { packMetrics, unpackMetrics } from './packed-metrics.ts'
import { metricCounters, metricFields } from './words.ts'

const one = (most: number) => fc.option(fc.nat(most), { nil: undefined })
const measured = fc.option(fc.option(fc.nat(900), { nil: null }), { nil: undefined })
const delta = fc
  .record({
    ...{ up: one(1e7), down: one(1e7), rtt: measured, min: measured, max: measured },
    ...{ loss: measured.map((loss) => loss && loss / 10), jitter: measured },
    ...{ links: one(1000), relayed: one(1000), tx: one(1e9), rx: one(1e9), back: one(1e6) },
  })
  .map((values) => {
    const said = Object.entries(values).filter(([, value]) => value !== undefined)
    return { n: 7, ...Object.fromEntries(said) } as MetricsDelta
  })

describe('deltas without the names of their fields', () => {
  it('REQ-M5: are the same when they are unpacked, and what the schema takes', () => {
    fc.assert(
      fc.property(delta, (before) => {
        const packed = packMetrics(before)
        expect(wireMetricsSchema.safeParse({ metrics: packed }).success).toBe(true)
        const after = unpackMetrics(JSON.parse(JSON.stringify(packed)))
        expect(after).toEqual(before)
        expect(meetingMetricsSchema.safeParse({ metrics: after }).success).toBe(true)
      }),
    )
  })

  it('REQ-M5: know every field, each by a bit that stays what it is', () => {
    const everything = [...metricFields, ...metricCounters]
    for (const [index, field] of everything.entries())
      expect(packMetrics({ n: 1, [field]: 5 })).toEqual([1, 2 ** index, 5])
    expect(everything).toEqual([
      ...['up', 'down', 'rtt', 'min', 'max', 'loss', 'jitter', 'links', 'relayed'],
      ...['tx', 'rx', 'back'],
    ])
  })

  it('REQ-G1: of anything else there is nothing, or nothing that the schema takes', () => {
    fc.assert(
      fc.property(fc.array(fc.anything(), { maxLength: 16 }), (packed) => {
        const after = unpackMetrics(packed)
        if (after === undefined) return
        expect(Object.keys(after)).toHaveLength(packed.length - 1)
      }),
    )
    for (const packed of [[], [1], [1, 1], [1, 4096, 5], [1, -1], [1, 0.5], [1, 0, 5], [1, '1', 5]])
      expect(unpackMetrics(packed)).toBeUndefined()
    for (const packed of [
      ['x', 0],
      [1, 1, 'x'],
      [1, 1, -5],
      [1, 1, null],
    ])
      expect(meetingMetricsSchema.safeParse({ metrics: unpackMetrics(packed) }).success).toBe(false)
  })

  it('REQ-M5: have no more than 120 bytes on the wire, where every figure of a call of four has changed', () => {
    const all = { up: 2250, down: 6750, rtt: 204, min: 188, max: 231, loss: 12.3, jitter: 123 }
    const more = { links: 3, relayed: 1, tx: 2812, rx: 8437, back: 1 }
    const message = { metrics: packMetrics({ n: 1234, ...all, ...more }) }
    const packet = `42/meeting-metrics,${JSON.stringify(['meeting:metrics', message])}`
    // A client's frame has six bytes before one so short (RFC 6455).
    expect(packet.length + 6).toBeLessThanOrEqual(120)
    expect(packet.length).toBeLessThan(126)
  })
})

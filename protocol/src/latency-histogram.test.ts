import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  addLatency,
  decodeLatencies,
  encodeLatencies,
  type LatencyHistogram,
  latencyBucket,
  latencyError,
  latencyPercentileMs,
  mergeLatencies,
} from './latency-histogram.ts'

const histogramOf = (micros: readonly number[]): LatencyHistogram => {
  const histogram: LatencyHistogram = new Map()
  for (const each of micros) addLatency(histogram, latencyBucket(each))
  return histogram
}
const times = fc.array(fc.integer({ min: 1, max: 3600e6 }), { minLength: 1, maxLength: 200 })

describe('latency histogram', () => {
  it('REQ-H3: a percentile is within 2 % of the true one, over all replicas and hours', () => {
    fc.assert(
      fc.property(times, times, fc.constantFrom(0.5, 0.95, 0.99, 1), (one, other, part) => {
        const sum = histogramOf(one)
        mergeLatencies(sum, histogramOf(other))
        const sorted = [...one, ...other].sort((a, b) => a - b)
        const exactMs = (sorted[Math.ceil(sorted.length * part) - 1] ?? 0) / 1000
        const ms = latencyPercentileMs(sum, part) ?? 0
        expect(Math.abs(ms - exactMs)).toBeLessThanOrEqual(exactMs * latencyError * 1.000001)
      }),
    )
    expect(latencyError).toBeLessThan(0.02)
  })

  it('REQ-H3: reads back as it was written', () => {
    fc.assert(
      fc.property(times, (micros) => {
        const histogram = histogramOf(micros)
        expect(new Map(decodeLatencies(encodeLatencies(histogram)))).toEqual(histogram)
      }),
    )
    for (const text of ['1', '1:0', '999:1', '1:-1', '1:1.5', 'x:1'])
      expect(() => decodeLatencies(text)).toThrow('is no bucket')
  })

  it('what is no time is no time at all, and what is too long is an hour', () => {
    for (const none of [Number.NaN, -5, 0, 1]) expect(latencyBucket(none)).toBe(0)
    expect(latencyBucket(Number.POSITIVE_INFINITY)).toBe(latencyBucket(3600e6))
    expect(latencyPercentileMs(new Map(), 0.5)).toBeUndefined()
  })
})

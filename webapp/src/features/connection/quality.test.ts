import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { qualityBars, qualityLabel } from './quality.ts'

describe('qualityLabel', () => {
  it.each([
    [0, 0, 'excellent'],
    [99.9, 0.99, 'excellent'],
    [100, 0, 'good'],
    [50, 1, 'good'],
    [199, 2.9, 'good'],
    [200, 0, 'fair'],
    [399, 4.9, 'fair'],
    [400, 0, 'poor'],
    [10, 5, 'poor'],
  ] as const)('REQ-M4: %d ms and %d %% lost is %s', (rttMs, lossPercent, label) => {
    expect(qualityLabel({ rttMs, lossPercent })).toBe(label)
  })

  it('REQ-M4: without a round trip the quality is unknown, whatever the loss', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(undefined, Number.NaN, Number.POSITIVE_INFINITY),
        fc.option(fc.double(), { nil: undefined }),
        (rttMs, lossPercent) => {
          expect(qualityLabel({ rttMs, lossPercent })).toBe('unknown')
        },
      ),
    )
    expect(qualityBars.unknown).toBe(0)
  })

  it('REQ-M4: never better for a longer way or more loss', () => {
    const ms = fc.double({ min: 0, max: 1000, noNaN: true })
    const percent = fc.double({ min: 0, max: 100, noNaN: true })
    fc.assert(
      fc.property(ms, ms, percent, percent, (rtt, more, loss, lost) => {
        const better = qualityBars[qualityLabel({ rttMs: rtt, lossPercent: loss })]
        const worse = qualityBars[qualityLabel({ rttMs: rtt + more, lossPercent: loss + lost })]
        expect(worse).toBeLessThanOrEqual(better)
      }),
    )
  })
})

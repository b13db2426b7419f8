import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { meanOpinion, qualityLabel, rating } from './quality.ts'

const mos = (rttMs: number, lossPercent: number) => meanOpinion(rating({ rttMs, lossPercent }) ?? 0)

describe('the E-model', () => {
  it('REQ-M4: is R = 93.2 less delay and loss, as ITU-T G.107 has it', () => {
    expect(rating({ rttMs: 0, lossPercent: 0 })).toBeCloseTo(93.2, 10)
    // One way 100 ms: 0.024 · 100.
    expect(rating({ rttMs: 200, lossPercent: 0 })).toBeCloseTo(90.8, 10)
    // One way 200 ms: 0.024 · 200 + 0.11 · 22.7.
    expect(rating({ rttMs: 400, lossPercent: 0 })).toBeCloseTo(93.2 - 4.8 - 2.497, 10)
    // 10 % lost with Bpl = 10: 95 · 10 / 20.
    expect(rating({ rttMs: 0, lossPercent: 10 })).toBeCloseTo(93.2 - 47.5, 10)
    expect(mos(0, 0)).toBeCloseTo(4.409, 3)
  })

  it('REQ-M4: without a round trip there is no rating, and nothing is ever NaN', () => {
    const odd = fc.constantFrom(null, undefined, Number.NaN, Number.POSITIVE_INFINITY)
    const any = fc.option(fc.double(), { nil: null })
    fc.assert(
      fc.property(odd, any, any, (rttMs, lossPercent, jitterMs) => {
        expect(rating({ rttMs, lossPercent, jitterMs })).toBeNull()
        expect(qualityLabel({ rttMs, lossPercent })).toBe('unknown')
      }),
    )
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        any,
        any,
        (rttMs, lossPercent, jitterMs) => {
          const r = rating({ rttMs, lossPercent, jitterMs }) ?? Number.NaN
          expect(r).toBeGreaterThanOrEqual(0)
          expect(r).toBeLessThanOrEqual(100)
          expect(meanOpinion(r)).toBeGreaterThanOrEqual(1)
          expect(meanOpinion(r)).toBeLessThanOrEqual(4.5)
        },
      ),
    )
  })

  it('REQ-M4: never rises with delay or loss', () => {
    const ms = fc.double({ min: 0, max: 3000, noNaN: true })
    const percent = fc.double({ min: 0, max: 100, noNaN: true })
    fc.assert(
      fc.property(ms, ms, percent, percent, (rtt, more, loss, lost) => {
        expect(mos(rtt + more, loss)).toBeLessThanOrEqual(mos(rtt, loss) + 1e-9)
        expect(mos(rtt, Math.min(100, loss + lost))).toBeLessThanOrEqual(mos(rtt, loss) + 1e-9)
      }),
    )
  })
})

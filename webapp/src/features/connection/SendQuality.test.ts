import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { atLevel, qualityLevels, SendQuality } from './SendQuality.ts'

const kbps = fc.integer({ min: 0, max: 5000 })
/** Readings are a second apart, sometimes two. */
const readings = fc.array(fc.record({ kbps, waitMs: fc.integer({ min: 500, max: 2000 }) }), {
  minLength: 1,
  maxLength: 60,
})

const limit = { maxBitrate: 1_500_000, scaleResolutionDownBy: 1 }
const widthAt = (level: number) => 1280 / atLevel(limit, level).scaleResolutionDownBy

/** One that knows what there is. */
function warm() {
  const quality = new SendQuality()
  quality.observe(0, 2000)
  return quality
}

describe('SendQuality', () => {
  it('REQ-P24: Feature: webrtc-improvements, Property 24: below 500 kbps the resolution drops within 2 s', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 0, max: 499 }),
        fc.integer({ min: 1, max: 2000 }),
        (good, low, waitMs) => {
          const quality = warm()
          for (let at = 1; at <= good; at++) quality.observe(at * 1000, 500 + at)
          const before = widthAt(quality.level)
          expect(before).toBe(1280)
          // The next reading after the drop, which is at most 2 s later.
          const after = widthAt(quality.observe(good * 1000 + waitMs, low))
          expect(after).toBeLessThan(before)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('REQ-P24: whatever happens, it is never the full resolution after a reading below 500 kbps, nor the smallest after one above', () => {
    fc.assert(
      fc.property(readings, (given) => {
        const quality = warm()
        let at = 1000
        for (const { kbps: available, waitMs } of given) {
          at += waitMs
          const level = quality.observe(at, available)
          if (available < 500) expect(level).toBeGreaterThan(0)
          expect(qualityLevels[level]).toBeDefined()
        }
        for (let calm = 1; calm <= 5; calm++) quality.observe(at + calm * 5000, 2000)
        expect(quality.level).toBe(0)
      }),
      { numRuns: 200 },
    )
  })

  it('REQ-P25: Feature: webrtc-improvements, Property 25: quality rises at most one level per 5 s', () => {
    fc.assert(
      fc.property(readings, (given) => {
        const quality = warm()
        let at = 1000
        let changedAt = Number.NEGATIVE_INFINITY
        let before = quality.level
        for (const { kbps: available, waitMs } of given) {
          at += waitMs
          const level = quality.observe(at, available)
          if (level < before) {
            expect(level).toBe(before - 1)
            expect(at - changedAt).toBeGreaterThanOrEqual(5000)
          }
          if (level !== before) changedAt = at
          before = level
        }
      }),
      { numRuns: 200 },
    )
  })

  it("does not take a browser's first guess for a slow network, nor a small mesh copy for one", () => {
    const quality = new SendQuality()
    expect(quality.observe(0, 300)).toBe(0)
    expect(quality.observe(3000, 450)).toBe(0)
    expect(quality.observe(9000, 450)).toBe(1)
    const small = new SendQuality()
    expect(small.observe(0, 300, 300)).toBe(0)
    expect(small.observe(1000, 280, 300)).toBe(0)
    expect(small.observe(2000, 200, 300)).toBeGreaterThan(0)
    expect(small.observe(3000, undefined, 300)).toBeGreaterThan(0)
  })
})

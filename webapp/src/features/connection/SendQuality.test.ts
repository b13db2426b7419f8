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

  it('REQ-P25: what takes less than there is room for is sent larger, though the browser looks for no more; slow until that holds', () => {
    const quality = warm()
    expect(quality.observe(1000, 150)).toBe(3)
    const levels: number[] = []
    for (let at = 2000; at <= 16_000; at += 1000)
      levels.push(quality.observe(at, 150, Infinity, false))
    expect(levels).toEqual([3, 3, 3, 3, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 0])
    expect(quality.isSlow).toBe(true)
    quality.observe(19_000, 150, Infinity, false)
    expect(quality.isSlow).toBe(true)
    quality.observe(20_000, 150, Infinity, false)
    expect(quality.isSlow).toBe(false)
  })

  it('REQ-P25: a level that is tried has 4 s to find its room; one that holds makes good for those tried in vain', () => {
    const quality = warm()
    let at = 1000
    const read = (seconds: number, kbps: number, isFull: boolean) => {
      for (let second = 0; second < seconds; second++) {
        at += 1000
        quality.observe(at, kbps, Infinity, isFull)
      }
      return quality.level
    }
    quality.observe(at, 150)
    // Tried after 5 s, in vain after 4 more; then after 10 s.
    expect(read(5, 150, false)).toBe(2)
    expect(read(3, 150, true)).toBe(2)
    expect(read(1, 150, true)).toBe(3)
    expect(read(9, 150, false)).toBe(3)
    expect(read(1, 150, false)).toBe(2)
    // The browser finds more, as more is sent.
    expect(read(3, 150, true)).toBe(2)
    expect(read(1, 250, true)).toBe(2)
    expect(read(4, 250, false)).toBe(2)
    expect(read(1, 250, false)).toBe(1)
  })

  it('REQ-P24, P25: a line that stays narrow is tried ever less often, and one that is wide again has the whole picture in a minute', () => {
    const line = fc.record({ kbps: fc.integer({ min: 100, max: 490 }), motion: fc.nat(100) })
    fc.assert(
      fc.property(line, ({ kbps, motion }) => {
        const quality = warm()
        // What pictures of each level take, the smallest always less than the line has.
        const takes = (level: number) => [600, 600, 550, 40 + 0.3 * motion][level] ?? 0
        const read = (at: number, lineKbps: number) => {
          const taken = takes(quality.level)
          const isFull = taken >= lineKbps
          // As Chromium has it: what there is, or half as much again as what is sent.
          return quality.observe(at, isFull ? lineKbps : 1.5 * taken, Infinity, isFull)
        }
        let larger = 0
        for (let second = 1; second <= 300; second++) if (read(second * 1000, kbps) < 3) larger++
        // Of a level that the line is said to have room for, there is nothing to try.
        if (kbps < 200) expect(larger).toBeLessThan(70)
        expect(quality.level).toBeGreaterThan(0)
        for (let second = 301; second <= 360; second++) read(second * 1000, 3000)
        expect(quality.level).toBe(0)
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

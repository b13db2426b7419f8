import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { FreezeMeter, type VideoReading } from './FreezeMeter.ts'

/** What a browser would have counted by `atMs`, had frames been decoded at `framesAtMs`. */
function reading(framesAtMs: number[], atMs: number, counted = true): VideoReading {
  const seen = framesAtMs.filter((at) => at <= atMs)
  const intervals = seen.slice(1).map((at, i) => at - (seen[i] ?? 0))
  return {
    peerId: 'p-a',
    way: 0,
    atMs,
    framesDecoded: seen.length,
    interFrameMs: counted ? intervals.reduce((a, b) => a + b, 0) : undefined,
    squaredInterFrameMs: counted ? intervals.reduce((a, b) => a + b * b, 0) : undefined,
    expected: true,
  }
}

const every = (ms: number, from: number, to: number) =>
  Array.from({ length: Math.floor((to - from) / ms) }, (_, i) => from + i * ms)
const longest = (meter: FreezeMeter) => meter.freezes()[0]?.longestMs

describe('FreezeMeter', () => {
  it('REQ-K7: finds a freeze, though it is read only once a second', () => {
    const meter = new FreezeMeter()
    const frames = [...every(40, 100, 3000), ...every(40, 5500, 9000)]
    for (const at of every(1000, 0, 9000)) meter.observe(reading(frames, at))
    expect(longest(meter)).toBeGreaterThanOrEqual(2500)
    expect(longest(meter)).toBeLessThan(2700)
  })

  it('does not take a page that reads late for a freeze', () => {
    const meter = new FreezeMeter()
    const frames = every(40, 0, 10_000)
    for (const at of [100, 200, 5000, 5100]) meter.observe(reading(frames, at))
    expect(longest(meter)).toBe(40)
  })

  it('counts a freeze that goes on, and one over a change of connections', () => {
    const meter = new FreezeMeter()
    const frames = every(40, 0, 1000)
    for (const at of every(100, 100, 3000)) meter.observe(reading(frames, at))
    expect(longest(meter)).toBe(1900)
    for (const at of [3000, 3100]) meter.observe(reading([3050], at))
    expect(longest(meter)).toBe(2100)
  })

  it('begins with the first frame, rests while no video is expected, and begins anew on reset', () => {
    const meter = new FreezeMeter()
    const frames = [...every(40, 5000, 6000), ...every(40, 20_000, 21_000)]
    for (const at of every(100, 0, 21_000))
      meter.observe({ ...reading(frames, at), expected: at < 6000 || at > 19_000 })
    expect(longest(meter)).toBe(40)
    for (const at of every(100, 21_000, 22_000)) meter.observe(reading(frames, at))
    expect(longest(meter)).toBe(900)
    meter.reset(22_000, ['p-a'])
    meter.observe(reading(frames, 22_300))
    expect(meter.freezes()).toEqual([
      { peerId: 'p-a', longestMs: 300, seenMs: 22_300, framesDecoded: 0 },
    ])
    meter.reset(22_500, [])
    expect(meter.freezes()).toEqual([])
  })

  it('is never below the longest interval, and at most two readings above without the browser’s sums', () => {
    const intervals = fc.array(fc.integer({ min: 10, max: 3000 }), { minLength: 2, maxLength: 60 })
    fc.assert(
      fc.property(
        intervals,
        fc.integer({ min: 50, max: 1500 }),
        fc.boolean(),
        (gaps, every_, counted) => {
          let end = 0
          const frames = [0]
          for (const gap of gaps) {
            end += gap
            frames.push(end)
          }
          const meter = new FreezeMeter()
          for (const at of every(every_, 0, end + every_))
            meter.observe(reading(frames, at, counted))
          meter.observe(reading(frames, end, counted))
          const found = longest(meter) ?? 0
          const real = Math.max(...gaps)
          if (counted) expect(found).toBeGreaterThanOrEqual(Math.min(real, end - every_))
          else expect(Math.abs(found - real)).toBeLessThanOrEqual(2 * every_)
        },
      ),
      { numRuns: 100 },
    )
  })
})

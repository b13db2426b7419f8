import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { RoundTrips } from './RoundTrips.ts'

/** A pair that was checked so often, with these answers, in ms. */
const pairOf = (trips: readonly number[], id = 'P') => ({
  ...{ id, type: 'candidate-pair', responsesReceived: trips.length },
  currentRoundTripTime: (trips.at(-1) ?? 0) / 1000,
  totalRoundTripTime: trips.reduce((sum, one) => sum + one, 0) / 1000,
})

describe('the round trip of a connection', () => {
  it('REQ-M7: is that of its checks, and not that of one which was held up', () => {
    const trips = new RoundTrips()
    expect(trips.take(undefined)).toBeUndefined()
    expect(trips.take({ id: 'P', type: 'candidate-pair' })).toBeUndefined()
    const checks = [20, 21, 190, 20, 22]
    const said = checks.map((_, index) => {
      const pair = pairOf(checks.slice(0, index + 1))
      // It is read more often than it is checked.
      return [trips.take(pair), trips.take(pair)].map((ms) => Math.round(ms ?? 0))
    })
    expect(said.map(([one]) => one)).toEqual([20, 21, 21, 21, 22])
    expect(said.every(([one, again]) => one === again)).toBe(true)
  })

  it('REQ-M7: follows a way that has become another with the second check, another pair at once', () => {
    const trips = new RoundTrips()
    const checks = [20, 20, 20, 80, 80]
    const said = checks.map((_, index) => trips.take(pairOf(checks.slice(0, index + 1))))
    expect(said.map((ms) => Math.round(ms ?? 0))).toEqual([20, 20, 20, 20, 80])
    expect(trips.take(pairOf([150, 160], 'Q'))).toBeCloseTo(160)
  })

  it('REQ-M7: is within what was measured, whatever comes', () => {
    const one = fc.integer({ min: 1, max: 2000 })
    fc.assert(
      fc.property(fc.array(fc.array(one, { maxLength: 4 }), { minLength: 1 }), (steps) => {
        const trips = new RoundTrips()
        const all: number[] = []
        for (const step of steps) {
          all.push(...step)
          const ms = trips.take(pairOf(all))
          if (all.length === 0) continue
          expect(ms).toBeGreaterThanOrEqual(Math.min(0, ...all) - 1e-6)
          expect(ms).toBeLessThanOrEqual(Math.max(...all) + 1e-6)
        }
      }),
    )
  })

  it('REQ-M1: is the last one where a browser does not count them', () => {
    const trips = new RoundTrips()
    const pair = (seconds: number) => ({
      ...{ id: 'P', type: 'candidate-pair', currentRoundTripTime: seconds },
    })
    expect([0.02, 0.03].map((seconds) => trips.take(pair(seconds)))).toEqual([20, 30])
  })
})

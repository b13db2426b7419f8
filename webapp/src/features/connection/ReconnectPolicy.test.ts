import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { backoff, linkPolicy, signalingPolicy } from './ReconnectPolicy.ts'

describe('reconnect policies', () => {
  it('REQ-P7: a link is tried again at once', () => {
    expect(linkPolicy(Math.random).delayMs(0)).toBe(0)
  })

  it('REQ-W1: the socket is tried three times', () => {
    const policy = signalingPolicy(() => 0.5)
    expect([0, 1, 2, 3].map((attempt) => policy.delayMs(attempt))).toEqual([
      250,
      1000,
      2000,
      undefined,
    ])
  })

  it('waits within 20 % of a doubling step, never longer than the maximum, for any attempt', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, random) => {
          const policy = backoff({
            firstMs: 0,
            stepMs: 500,
            maxMs: 8000,
            attempts: Number.POSITIVE_INFINITY,
            random: () => random,
          })
          const delayMs = policy.delayMs(attempt)
          const step = Math.min(500 * 2 ** (attempt - 1), 1e300)
          expect(delayMs).toBeGreaterThanOrEqual(Math.min(8000, step * 0.8))
          expect(delayMs).toBeLessThanOrEqual(Math.min(8000, step * 1.2))
        },
      ),
    )
  })
})

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { TestClock } from '../../testing/TestClock.ts'
import { JoinSounds } from './JoinSounds.ts'

describe('JoinSounds', () => {
  it('Feature: webrtc-improvements, Property 19: REQ-P19: at most 3 sounds within any 2 s, and none is left out that may sound', async () => {
    const event = fc.record({
      afterMs: fc.oneof(
        fc.integer({ min: 0, max: 300 }),
        fc.constantFrom(0, 0, 0, 1000, 2000, 2001),
      ),
      kind: fc.constantFrom('joined' as const, 'left' as const),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 40 }), async (events) => {
        const clock = new TestClock()
        const played: number[] = []
        const sounds = new JoinSounds(
          clock,
          () => played.push(clock.now()),
          () => true,
        )
        const within = (at: number) => played.filter((one) => one >= at - 2000 && one <= at).length
        for (const { afterMs, kind } of events) {
          await clock.advance(afterMs)
          const room = within(clock.now()) < 3
          expect(sounds.announce(kind)).toBe(room)
          for (const at of played) expect(within(at)).toBeLessThanOrEqual(3)
        }
      }),
      { numRuns: 100 },
    )
  }, 60_000)

  it('is silent when turned off', () => {
    const played: string[] = []
    const sounds = new JoinSounds(
      new TestClock(),
      (kind) => played.push(kind),
      () => false,
    )
    expect(sounds.announce('joined')).toBe(false)
    expect(played).toEqual([])
  })
})

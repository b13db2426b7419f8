import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { TestClock } from '../testing/TestClock.ts'
import { Drawing } from './Drawing.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

const frameMs = 16

describe('drawing', () => {
  it('is once a picture for what comes over the network, at once for the rest, and never too late', async () => {
    const change = fc.record({ after: fc.nat(30), how: fc.constantFrom('now', 'soon') })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 20 }), async (changes) => {
        const clock = new TestClock()
        const drawing = new Drawing((run) => clock.after(frameMs, run))
        let due = Number.POSITIVE_INFINITY
        const drawn: number[] = []
        drawing.subscribe(() => {
          drawn.push(clock.now())
          expect(clock.now()).toBeLessThanOrEqual(due)
          due = Number.POSITIVE_INFINITY
        })
        for (const { after, how } of changes) {
          await clock.advance(after)
          const before = drawn.length
          if (how === 'soon') due = Math.min(due, clock.now() + frameMs)
          drawing[how as 'now']()
          expect(drawn.length).toBe(how === 'now' ? before + 1 : before)
        }
        await clock.advance(frameMs)
        expect(due).toBe(Number.POSITIVE_INFINITY)
        const before = drawn.length
        await clock.advance(1000)
        expect(drawn.length).toBe(before)
      }),
      { numRuns: 100 },
    )
  })

  it('tells nobody who has gone', () => {
    const drawing = new Drawing(() => () => {})
    const told: string[] = []
    const leave = drawing.subscribe(() => told.push('gone'))
    drawing.subscribe(() => told.push('there'))
    leave()
    drawing.now()
    expect(told).toEqual(['there'])
  })
})

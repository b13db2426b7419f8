import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { TestClock } from '../../testing/TestClock.ts'
import { Accord, type Word } from './Accord.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

describe('Accord', () => {
  it('REQ-K8: both ends learn that both have said it, whatever is lost on the way, and never before', async () => {
    const loss = fc.infiniteStream(fc.boolean())
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 5000 }),
        fc.integer({ min: 0, max: 5000 }),
        loss,
        async (aSays, bSays, lost) => {
          const clock = new TestClock()
          let losses = 0
          const carry = (to: () => Accord) => (word: Word) => {
            // Half of it is lost, but never twenty in a row.
            if (lost.next().value && ++losses % 20 !== 0) return
            to().receive(word)
          }
          const a: Accord = new Accord({ clock, say: carry(() => b) })
          const b: Accord = new Accord({ clock, say: carry(() => a) })
          const knew: number[] = []
          clock.after(aSays, () => a.agree('live', () => knew.push(clock.now())))
          clock.after(bSays, () => b.agree('live', () => knew.push(clock.now())))
          await clock.advance(25_000)
          expect(knew).toHaveLength(2)
          expect(Math.min(...knew)).toBeGreaterThanOrEqual(Math.max(aSays, bSays))
        },
      ),
      { numRuns: 100 },
    )
  })

  it('takes one word for one thing, and nothing for none', () => {
    const clock = new TestClock()
    const accord = new Accord({ clock, say() {} })
    const agreed: string[] = []
    accord.agree('done', () => agreed.push('done'))
    for (const message of ['ping', 'live', 'constructor', '']) accord.receive(message)
    expect(agreed).toEqual([])
    for (const message of ['done', 'done']) accord.receive(message)
    accord.agree('live', () => agreed.push('live'))
    expect(agreed).toEqual(['done', 'live'])
  })

  it('is silent after it is stopped', async () => {
    const clock = new TestClock()
    let said = 0
    const accord = new Accord({ clock, say: () => said++ })
    accord.agree('done', () => {})
    accord.stop()
    await clock.advance(5000)
    expect(said).toBe(1)
  })
})

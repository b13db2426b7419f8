import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { TestClock } from '../../testing/TestClock.ts'
import { Reconnection } from './Reconnection.ts'
import { signalingPolicy } from './ReconnectPolicy.ts'

/** A server that answers late, or not at all, and what is asked of it. */
function begin(steps: { connectMs: number; enterMs: number; fails: boolean }[]) {
  const clock = new TestClock()
  const said: string[] = []
  const underWay = { connect: 0, enter: 0 }
  /** What was done at once, which is to be one thing. */
  let most = 0
  let tries = 0
  let entered = 0
  let socket = 0
  const wait = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve))
  const step = () => steps[tries % steps.length] as (typeof steps)[number]
  const reconnection = new Reconnection({
    clock,
    policy: signalingPolicy(() => 0.5),
    connect: async () => {
      most = Math.max(most, ++underWay.connect)
      await wait(step().connectMs)
      underWay.connect--
      socket++
    },
    enter: async (current) => {
      const { enterMs, fails } = step()
      const over = socket
      tries++
      // What is asked over a socket that is lost is asked no more.
      most = Math.max(most, ++underWay.enter)
      await wait(enterMs)
      if (over === socket) underWay.enter--
      if (fails) throw new Error('not now')
      if (current()) entered++
    },
    onAway: (state) => said.push(state),
    onFailed: () => true,
  })
  const lose = () => {
    underWay.enter = 0
    socket++
    reconnection.lost()
  }
  return { clock, reconnection, said, lose, most: () => most, entered: () => entered }
}

describe('Reconnection', () => {
  it('REQ-W1: whatever is lost or hurried when, there is one try at a time, and its seat is taken in the end', async () => {
    const step = fc.record({
      connectMs: fc.integer({ min: 0, max: 6000 }),
      enterMs: fc.integer({ min: 0, max: 6000 }),
      fails: fc.boolean(),
    })
    const event = fc.record({
      waitMs: fc.integer({ min: 0, max: 8000 }),
      what: fc.constantFrom('lost', 'hurry', 'nothing'),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 6 }),
        fc.array(event, { maxLength: 12 }),
        async (steps, events) => {
          const last = { connectMs: 100, enterMs: 100, fails: false }
          const one = begin([...steps, last])
          for (const { waitMs, what } of events) {
            if (what === 'lost') one.lose()
            else if (what === 'hurry') one.reconnection.hurry()
            await one.clock.advance(waitMs)
          }
          one.lose()
          await one.clock.advance(120_000)
          expect(one.most()).toBe(1)
          const entered = one.entered()
          expect(entered).toBeGreaterThan(0)
          // And that is all.
          await one.clock.advance(120_000)
          expect(one.entered()).toBe(entered)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('REQ-W1: says when the quick tries are used up, and goes on; whoever hurries it has them again', async () => {
    const one = begin([{ connectMs: 0, enterMs: 0, fails: true }])
    one.lose()
    await one.clock.advance(3600)
    expect([one.said.length, one.said.at(-1)]).toEqual([4, 'lost'])
    await one.clock.advance(10_000)
    expect(one.said.length).toBeGreaterThan(10)
    one.reconnection.hurry()
    expect(one.said.at(-1)).toBe('reconnecting')
  })

  it('does nothing more once it is stopped', async () => {
    const one = begin([{ connectMs: 500, enterMs: 500, fails: false }])
    for (const atMs of [100, 500, 1000]) {
      one.lose()
      await one.clock.advance(atMs)
      one.reconnection.stop()
      await one.clock.advance(60_000)
      expect(one.entered()).toBe(0)
    }
  })
})

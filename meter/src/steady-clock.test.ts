import { describe, expect, it, jest } from '@jest/globals'
import { hourMs } from '@parley/relay-cost'
import { SteadyClock } from './steady-clock.ts'

const minute = 60_000

function clockOf() {
  let [now, elapsed] = [Date.UTC(2026, 10, 21), 5]
  const onStep = jest.fn<(ms: number) => void>()
  const clock = new SteadyClock(
    () => now,
    () => elapsed,
    onStep,
  )
  /** Time passes, and the clock is set meanwhile. */
  const after = (ms: number, stepMs = 0) => {
    elapsed += ms
    now += ms + stepMs
    return clock.isSteady()
  }
  return { after, onStep }
}

describe('a clock that is set', () => {
  it.each([
    ['ahead', 40 * 24 * hourMs],
    ['back', -24 * hourMs],
  ])('REQ-K5: far %s is not believed until it has gone on for an hour', (_, step) => {
    const { after, onStep } = clockOf()
    expect(after(minute)).toBe(true)
    expect(after(minute, step)).toBe(false)
    expect(onStep.mock.calls).toEqual([[step]])
    expect(after(59 * minute)).toBe(false)
    // A correction does not hold the meter for ever.
    expect(after(minute)).toBe(true)
    expect(onStep).toHaveBeenCalledTimes(1)
  })

  it('REQ-K5: and set right again is not believed for an hour after that', () => {
    const { after, onStep } = clockOf()
    expect(after(minute, 40 * 24 * hourMs)).toBe(false)
    expect(after(50 * minute, -40 * 24 * hourMs)).toBe(false)
    expect(after(50 * minute)).toBe(false)
    expect(after(10 * minute)).toBe(true)
    expect(onStep).toHaveBeenCalledTimes(2)
  })

  it('REQ-K5: bit by bit, or after a long pause of the meter, is believed', () => {
    const { after, onStep } = clockOf()
    for (let times = 0; times < 100; times += 1) expect(after(minute, 2 * minute)).toBe(true)
    expect(after(400 * 24 * hourMs)).toBe(true)
    expect(onStep).not.toHaveBeenCalled()
  })
})

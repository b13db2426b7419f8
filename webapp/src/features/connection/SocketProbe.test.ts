import { describe, expect, it } from '@jest/globals'
import { TestClock } from '../../testing/TestClock.ts'
import { SocketProbe } from './SocketProbe.ts'

function begin() {
  const clock = new TestClock()
  const probe = new SocketProbe(clock)
  const silent: number[] = []
  const ask = (answerMs: number, usualMs = 0) =>
    probe.begin(
      () => new Promise((resolve) => void clock.after(answerMs, () => resolve(undefined))),
      usualMs,
      () => silent.push(clock.now()),
    )
  return { clock, probe, ask, silent }
}

describe('SocketProbe', () => {
  it('gives an answer a second, and twice of what one took before', async () => {
    const { clock, ask, silent } = begin()
    ask(900)
    await clock.advance(10_000)
    ask(1100)
    await clock.advance(10_000)
    expect(silent).toEqual([11_000])
    ask(3900, 2000)
    await clock.advance(10_000)
    expect(silent).toHaveLength(1)
  })

  it('asks once at a time, and of a socket that is another one nothing is said', async () => {
    const { clock, probe, ask, silent } = begin()
    ask(60_000)
    ask(60_000)
    await clock.advance(500)
    // Lost, and back: the new one answers.
    probe.cancel()
    ask(100)
    await clock.advance(10_000)
    expect(silent).toEqual([])
  })
})

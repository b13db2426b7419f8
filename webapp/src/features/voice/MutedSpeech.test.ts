import { describe, expect, it } from '@jest/globals'
import { TestClock } from '../../testing/TestClock.ts'
import { MutedSpeech } from './MutedSpeech.ts'

function speech() {
  const clock = new TestClock()
  const log: { at: number; shown: boolean }[] = []
  const hint = new MutedSpeech(clock, (shown) => log.push({ at: clock.now(), shown }))
  const say = async (ms: number, muted: boolean, levelDb: number) => {
    for (let passed = 0; passed < ms; passed += 40) {
      hint.hear(muted, levelDb, -50)
      await clock.advance(40)
    }
  }
  return { log, hint, say }
}

describe('MutedSpeech', () => {
  it('tells who talks while muted, for a while and not again at once', async () => {
    const { log, say } = speech()
    await say(1000, true, -20)
    expect(log).toEqual([{ at: 600, shown: true }])
    await say(9000, true, -20)
    expect(log).toEqual([
      { at: 600, shown: true },
      { at: 4600, shown: false },
    ])
    await say(15_000, true, -20)
    expect(log).toHaveLength(4)
  })

  it('is silent about a cough, and about who is heard', async () => {
    const { log, say } = speech()
    for (let time = 0; time < 5; time++) {
      await say(400, true, -20)
      await say(600, true, -90)
    }
    await say(3000, false, -20)
    expect(log).toEqual([])
  })

  it('goes with the first word that is heard', async () => {
    const { log, say } = speech()
    await say(800, true, -20)
    await say(40, false, -20)
    expect(log.map(({ shown }) => shown)).toEqual([true, false])
  })
})

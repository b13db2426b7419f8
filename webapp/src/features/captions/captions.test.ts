import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { TestClock } from '../../testing/TestClock.ts'
import {
  type Caption,
  type CaptionSource,
  Captions,
  initialCaptions,
  onlyWhile,
} from './Captions.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

function lane() {
  const state = { ...initialCaptions }
  const clock = new TestClock()
  const captions = new Captions(
    { get: () => state, set: (patch) => Object.assign(state, patch) },
    clock,
  )
  const sources: {
    say(caption: Caption): void
    ended(why: 'refused' | 'failed'): void
    running: boolean
  }[] = []
  const source: CaptionSource = {
    begin(say, ended) {
      const one = { say, ended, running: true }
      sources.push(one)
      return () => {
        one.running = false
      }
    },
  }
  return { state, clock, captions, sources, source }
}

const said = (key: string, text: string, final = false): Caption => ({
  key,
  who: 'Ana',
  text,
  final,
})

describe('Captions', () => {
  it('a sentence stays one line while it grows, and long enough to be read when it is whole', async () => {
    const { state, clock, captions, sources, source } = lane()
    captions.begin(source)
    sources[0]?.say(said('1', 'Good'))
    sources[0]?.say(said('1', 'Good morning', true))
    expect(state.lines.map(({ text }) => text)).toEqual(['Good morning'])
    await clock.advance(5900)
    expect(state.lines).toHaveLength(1)
    await clock.advance(200)
    expect(state.lines).toEqual([])
  })

  it('there are never more than three lines, and of each sentence one', async () => {
    const step = fc.record({ key: fc.constantFrom('1', '2', '3', '4', '5'), final: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { state, clock, captions, sources, source } = lane()
        captions.begin(source)
        for (const { key, final } of steps) {
          sources[0]?.say(said(key, `sentence ${key}`, final))
          await clock.advance(700)
          const keys = state.lines.map((line) => line.key)
          expect(keys.length).toBeLessThanOrEqual(3)
          expect(new Set(keys).size).toBe(keys.length)
        }
      }),
      { numRuns: 100 },
    )
  })

  it('does not listen to a microphone that is off, and does again when it is on', () => {
    const { captions, sources, source, state } = lane()
    const told: ((may: boolean) => void)[] = []
    let watched = true
    const watch = (tell: (may: boolean) => void) => {
      told.push(tell)
      tell(true)
      return () => {
        watched = false
      }
    }
    const running = () => sources.map((one) => one.running)
    captions.begin(onlyWhile(watch, source))
    expect(running()).toEqual([true])
    told[0]?.(false)
    expect(running()).toEqual([false])
    expect(state.on).toBe(true)
    told[0]?.(true)
    told[0]?.(true)
    expect(running()).toEqual([false, true])
    captions.stop()
    expect(running()).toEqual([false, false])
    expect(watched).toBe(false)
  })

  it('ends with its source, says why, and hears nothing more of one that was left', () => {
    const { state, captions, sources, source } = lane()
    captions.begin(source)
    captions.begin(source)
    expect(sources.map(({ running }) => running)).toEqual([false, true])
    sources[0]?.say(said('1', 'late'))
    expect(state).toMatchObject({ on: true, lines: [] })
    sources[1]?.ended('refused')
    expect(state).toEqual({ on: false, lines: [], problem: 'refused' })
    captions.begin(source)
    captions.stop()
    expect(state).toEqual(initialCaptions)
  })
})

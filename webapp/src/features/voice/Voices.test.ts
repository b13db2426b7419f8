import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Clock } from '../../clock.ts'
import type { Cell } from '../../state.ts'
import { TestClock } from '../../testing/TestClock.ts'
import { receivedSampleMs, sampleMs, type Voice, Voices } from './Voices.ts'
import { initialVoice, type VoiceState } from './voiceState.ts'

/** Thousands of steps, on a machine that may have other work. */
const patienceMs = 60_000
/** A quiet room. */
const quietDb = -90

/** Timers of a page ring late; by how much is what the test says. */
function lateClock(clock: TestClock, lateMs: () => number): Clock {
  return { now: () => clock.now(), after: (ms, run) => clock.after(ms + lateMs(), run) }
}

function listen(
  voicesNow: (now: number) => Voice[],
  thresholdDb = -50,
  late: number[] = [0],
  everyMs = sampleMs,
) {
  const clock = new TestClock()
  let rings = 0
  const changes: { at: number; speaking: readonly string[] }[] = []
  let shown: VoiceState = initialVoice
  const state: Cell<VoiceState> = {
    get: () => shown,
    set: (patch) => {
      shown = { ...shown, ...patch }
      changes.push({ at: clock.now(), speaking: shown.speaking })
    },
  }
  const voices = new Voices({
    clock: lateClock(clock, () => late[rings++ % late.length] ?? 0),
    state,
    voices: () => voicesNow(clock.now()),
    thresholdDb: () => thresholdDb,
    everyMs,
  })
  voices.start()
  return { clock, voices, changes, speaking: () => shown.speaking }
}

const threshold = fc.integer({ min: -80, max: -20 })
const late = fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 1, maxLength: 20 })
/** One's own voice, and the others'. */
const period = fc.constantFrom(sampleMs, receivedSampleMs)
const above = fc.integer({ min: 1, max: 19 })

describe('Voices', () => {
  it(
    'Feature: webrtc-improvements, Property 10: REQ-P10: a level above the threshold is voice within 100 ms',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          threshold,
          above,
          fc.integer({ min: 0, max: 700 }),
          late,
          period,
          async (thresholdDb, by, risesAt, lateness, everyMs) => {
            const level = (now: number) => (now >= risesAt ? thresholdDb + by : thresholdDb - by)
            const { clock, changes } = listen(
              (now) => [{ id: 'p-1', muted: false, levelDb: level(now) }],
              thresholdDb,
              lateness,
              everyMs,
            )
            await clock.advance(risesAt + 100)
            expect(changes).toHaveLength(1)
            expect(changes[0]?.speaking).toEqual(['p-1'])
            expect(changes[0]?.at).toBeGreaterThanOrEqual(risesAt)
          },
        ),
        { numRuns: 100 },
      )
    },
    patienceMs,
  )

  it(
    'Feature: webrtc-improvements, Property 11: REQ-P11: of everybody who is heard, the state that tiles draw says so within 100 ms',
    async () => {
      const call = fc.array(
        fc.record({
          from: fc.integer({ min: 0, max: 900 }),
          forMs: fc.integer({ min: 1, max: 400 }),
        }),
        { minLength: 1, maxLength: 8 },
      )
      await fc.assert(
        fc.asyncProperty(call, late, period, async (people, lateness, everyMs) => {
          /** When each was first read above the threshold: its detection. */
          const heardAt = new Map<string, number>()
          const voicesNow = (now: number) =>
            people.map(({ from, forMs }, index) => {
              const id = `p-${index}`
              const loud = now >= from && now < from + forMs
              if (loud && !heardAt.has(id)) heardAt.set(id, now)
              return { id, muted: false, levelDb: loud ? -20 : quietDb }
            })
          const { clock, changes } = listen(voicesNow, -50, lateness, everyMs)
          await clock.advance(1400)
          for (const [id, at] of heardAt) {
            const shownAt = changes.find(({ speaking }) => speaking.includes(id))?.at
            expect(shownAt).toBeGreaterThanOrEqual(at)
            expect(shownAt).toBeLessThanOrEqual(at + 100)
          }
          // Nobody else.
          const shown = new Set(changes.flatMap(({ speaking }) => speaking))
          expect([...shown].sort()).toEqual([...heardAt.keys()].sort())
        }),
        { numRuns: 100 },
      )
    },
    patienceMs,
  )

  it(
    'Feature: webrtc-improvements, Property 12: REQ-P12: speaking ends 500 ± 50 ms after the level falls, and not in shorter pauses',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.record({
              loudMs: fc.integer({ min: 80, max: 500 }),
              pauseMs: fc.integer({ min: 1, max: 340 }),
            }),
            { maxLength: 4 },
          ),
          fc.integer({ min: 80, max: 700 }),
          late,
          fc.integer({ min: 0, max: 40 }),
          period,
          async (words, lastMs, lateness, lagMs, everyMs) => {
            const edges: { until: number; loud: boolean }[] = []
            let end = 0
            for (const { loudMs, pauseMs } of words) {
              edges.push({ until: end + loudMs, loud: true })
              end += loudMs + pauseMs
              edges.push({ until: end, loud: false })
            }
            const fallsAt = end + lastMs
            edges.push({ until: fallsAt, loud: true })
            const level = (now: number) =>
              edges.find(({ until }) => now < until)?.loud ? -20 : quietDb
            const { clock, changes } = listen(
              (now) => [{ id: 'p-1', muted: false, levelDb: level(now - lagMs), lagMs }],
              -50,
              lateness,
              everyMs,
            )
            await clock.advance(fallsAt + 700)
            expect(changes.map(({ speaking }) => speaking)).toEqual([['p-1'], []])
            expect(changes[1]?.at).toBeGreaterThanOrEqual(fallsAt + 450)
            expect(changes[1]?.at).toBeLessThanOrEqual(fallsAt + 550)
          },
        ),
        { numRuns: 100 },
      )
    },
    patienceMs,
  )

  it(
    'Feature: webrtc-improvements, Property 13: REQ-P13: who is muted never shows as speaking',
    async () => {
      const step = fc.record({
        forMs: fc.integer({ min: 1, max: 200 }),
        muted: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
        levelDb: fc.integer({ min: -100, max: 0 }),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
          let now = steps[0]
          const { clock, voices, speaking } = listen(() =>
            (now?.muted ?? []).map((muted, index) => ({
              id: `p-${index}`,
              muted,
              levelDb: now?.levelDb ?? quietDb,
            })),
          )
          const noneMuted = () => {
            const muted = (now?.muted ?? []).flatMap((one, index) => (one ? [`p-${index}`] : []))
            expect(speaking().filter((id) => muted.includes(id))).toEqual([])
          }
          for (const step of steps) {
            now = step
            voices.sample() // who mutes is known at once, as in the call
            noneMuted()
            for (let passed = 0; passed < step.forMs; passed += 20) {
              await clock.advance(20)
              noneMuted()
            }
          }
        }),
        { numRuns: 100 },
      )
    },
    patienceMs,
  )

  it('who leaves is forgotten, and after the call nothing is read', async () => {
    let people = ['p-1', 'p-2']
    let read = 0
    const { clock, voices, speaking } = listen(() => {
      read++
      return people.map((id) => ({ id, muted: false, levelDb: -20 }))
    })
    await clock.advance(100)
    expect([...speaking()].sort()).toEqual(['p-1', 'p-2'])
    people = ['p-2']
    await clock.advance(50)
    expect(speaking()).toEqual(['p-2'])
    voices.stop()
    expect(speaking()).toEqual([])
    const until = read
    await clock.advance(1000)
    expect(read).toBe(until)
  })
})

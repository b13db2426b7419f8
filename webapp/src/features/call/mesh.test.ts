import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { FakeMeeting } from '../../testing/FakeMeeting.ts'
import { seeded } from '../../testing/seeded.ts'
import { TestClock } from '../../testing/TestClock.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(120_000)

/** What each message, each step of the server and each operation of a browser takes, ms. */
const pace = fc
  .record({ slowest: fc.constantFrom(0, 100, 1000, 3000), seed: fc.nat(9999) })
  .map(({ slowest, seed }) => {
    const share = seeded(seed)
    return Object.assign(() => share() * slowest, { toString: () => `${slowest} ms, seed ${seed}` })
  })

const names = (count: number) => Array.from({ length: count }, (_, index) => `p-${index}`)

/** Until everybody is connected to everybody, and no longer than that. Who is told that it failed tries again. */
async function untilComplete(meeting: FakeMeeting, clock: TestClock, withinMs: number) {
  const until = clock.now() + withinMs
  while (!meeting.complete && clock.now() < until) {
    for (const { call, session } of meeting.pages.values())
      if (call.get().phase === 'failed') void session.retry()
    await clock.advance(250)
  }
}

/** Each page with its links, by whom they are to. */
const linksOf = (meeting: FakeMeeting) =>
  Object.fromEntries([...meeting.pages].map(([id, page]) => [id, page.links().toSorted()]))

const complete = (ids: Iterable<string>) => {
  const all = [...ids]
  const others = (id: string) => all.filter((other) => other !== id).toSorted()
  return Object.fromEntries(all.map((id) => [id, others(id).map((other) => `${other} connected`)]))
}

describe('a mesh', () => {
  it('REQ-W1: a page whose socket is lost on the way back in comes back once', async () => {
    for (const stepMs of [0, 100, 1000]) {
      const clock = new TestClock()
      const meeting = new FakeMeeting(clock, () => stepMs)
      const page = meeting.open('p-0')
      await clock.advance(10_000)
      meeting.cutSocket('p-0')
      for (let losses = 0; losses < 3; losses++) {
        while (page.socket?.seat !== 'asked' && page.socket?.seat !== 'taken')
          await clock.advance(50)
        meeting.cutSocket('p-0')
      }
      await clock.advance(60_000)
      expect(page.askedTwice).toEqual([])
      expect(page.call.get()).toMatchObject({ phase: 'joined', signaling: 'up' })
    }
  })

  it('REQ-K8: whoever joins when, and however long each step takes, everybody is connected to everybody', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 2, maxLength: 4 }),
        pace,
        async (joins, delayMs) => {
          const clock = new TestClock()
          const meeting = new FakeMeeting(clock, delayMs)
          const ids = names(joins.length)
          for (const [index, at] of joins.entries())
            clock.after(at, () => void meeting.open(ids[index] as string))
          await clock.advance(3000)
          await untilComplete(meeting, clock, 90_000)
          expect(linksOf(meeting)).toEqual(complete(ids))
        },
      ),
      { numRuns: 100 },
    )
  })

  it('REQ-K8, W1: whoever is cut off, reloads or comes anew when, everybody is connected to everybody after it', async () => {
    const who = fc.constantFrom(...names(3))
    const mishap = fc.record({
      wait: fc.oneof(fc.integer({ min: 0, max: 8000 }), fc.integer({ min: 0, max: 500 })),
      who,
      what: fc.constantFrom(
        'socket lost',
        'path lost',
        'network back',
        'signals lost',
        'reloaded',
        'crashed',
        'media changed',
      ),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(mishap, { minLength: 1, maxLength: 5 }),
        pace,
        async (mishaps, delayMs) => {
          const clock = new TestClock()
          const meeting = new FakeMeeting(clock, delayMs)
          for (const id of names(3)) meeting.open(id)
          let count = 3
          const present = (id: string) =>
            [...meeting.pages.keys()].find((key) => key.startsWith(id))
          for (const mishap of mishaps) {
            await clock.advance(mishap.wait)
            const id = present(mishap.who)
            if (id === undefined) continue
            if (mishap.what === 'socket lost') meeting.cutSocket(id)
            else if (mishap.what === 'media changed') meeting.changeMedia(id)
            else if (mishap.what === 'signals lost') meeting.loseSignals(20_000)
            else if (mishap.what === 'network back') meeting.pages.get(id)?.session.networkBack()
            else if (mishap.what === 'path lost') {
              meeting.network.cutPaths()
              meeting.network.report('disconnected')
            } else {
              // A page that is opened again is somebody else, until the server misses the one before.
              if (mishap.what === 'reloaded') meeting.reload(id)
              else meeting.crash(id)
              meeting.open(`${mishap.who}-${count++}`)
            }
          }
          await untilComplete(meeting, clock, 180_000)
          // Until what was lost on the way is given up, of which nothing may come any more.
          await clock.advance(15_000)
          await untilComplete(meeting, clock, 180_000)
          expect(linksOf(meeting)).toEqual(complete(meeting.pages.keys()))
          expect([...meeting.pages.values()].flatMap(({ askedTwice }) => askedTwice)).toEqual([])
        },
      ),
      { numRuns: 100 },
    )
  })
})

import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { TestClock } from '../../testing/TestClock.ts'
import { MediaWatch, watchMs } from './MediaWatch.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

type Listening = {
  packetMs?: number
  /** What the jitter buffer holds. */
  bufferMs?: number
  readMs?: number
  camera?: boolean
  /** The browser says when packets came. */
  stamps?: boolean
}

/** A page on the SFU that hears each of `others` every 20 ms, for as long as the test lets it. */
function listen(
  others: string[],
  { packetMs = 20, bufferMs = 0, readMs = 0, camera = true, stamps = true }: Listening = {},
) {
  const clock = new TestClock()
  const state = {
    cut: false,
    silent: new Set<string>(),
    due: new Set(others),
    connected: true,
    /** Signaling is there, whatever media does. */
    answers: false,
    disconnected: false,
  }
  const told: { at: number; ids: string[] }[] = []
  const recovered: { at: number; how: string }[] = []
  const stood: [number, boolean][] = []
  const pauses: string[] = []
  const played = new Map<string, number>()
  const arrived = new Map<string, number>()
  let packets = 0
  let questions = 0
  const come = (id: string) => {
    const at = clock.now()
    arrived.set(id, at)
    if (bufferMs === 0) played.set(id, at)
    else clock.after(bufferMs, () => played.set(id, at))
  }
  const flow = () => {
    if (!state.cut) {
      packets += 1
      for (const id of others) if (!state.silent.has(id)) come(id)
    }
    clock.after(packetMs, flow)
  }
  flow()
  const watch = new MediaWatch({
    clock,
    lastPlayed: () => new Map([...played].filter(([id]) => state.due.has(id))),
    read: () => {
      const reading = { packets, arrivedAt: new Map(stamps ? arrived : []) }
      return readMs === 0
        ? Promise.resolve(reading)
        : new Promise((resolve) => clock.after(readMs, () => resolve(reading)))
    },
    cameraIsDue: () => camera,
    connected: () => state.connected,
    disconnected: () => state.disconnected,
    askServer: () => {
      questions++
      return state.answers ? Promise.resolve() : Promise.reject(new Error('nobody answers'))
    },
    onSilent: (times) => told.push({ at: clock.now(), ids: [...times.keys()].sort() }),
    onPause: (id, paused) => pauses.push(`${id} ${paused ? 'pauses' : 'is back'}`),
    onStill: (still) => stood.push([clock.now(), still]),
    recover: (how) => recovered.push({ at: clock.now(), how }),
  })
  watch.start()
  return {
    ...{ clock, state, told, stood, pauses, recovered, watch },
    /** A packet that is nobody's. */
    trickle: () => {
      packets += 1
    },
    /** A packet of this one alone. */
    bring: (id: string) => {
      packets += 1
      come(id)
    },
    questions: () => questions,
  }
}

const people = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 })

describe('MediaWatch', () => {
  it('REQ-P7: a cut of this end is told of within a second, and the way tried anew as soon as the browser says that it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(people, fc.integer({ min: 500, max: 9000 }), async (others, cutAt) => {
        const { clock, state, told, recovered } = listen(others)
        await clock.advance(cutAt)
        expect([told, recovered]).toEqual([[], []])
        state.cut = true
        await clock.advance(1000)
        expect(told).toMatchObject([{ ids: [...others].sort() }])
        await clock.advance(4000)
        expect(recovered).toEqual([])
        state.disconnected = true
        await clock.advance(watchMs)
        expect(recovered.map(({ how }) => how)).toEqual(['resume'])
        state.cut = false
        await clock.advance(2 * watchMs)
        expect(told.at(-1)?.ids).toEqual([])
        await clock.advance(20_000)
        expect(recovered).toHaveLength(1)
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-P7: tells of a cut within a second though its timers ring late, and of none in a page that slept', async () => {
    const { clock, state, told } = listen(['a'])
    await clock.advance(1000)
    await clock.freeze(20_000)
    await clock.advance(1000)
    expect(told).toEqual([])
    state.cut = true
    await clock.advance(300)
    await clock.freeze(400)
    await clock.advance(300)
    expect(told).toMatchObject([{ ids: ['a'] }])
  })

  it('REQ-P7: knows that the way stands still before it tells of anybody, and of the first that comes over it', async () => {
    const { clock, state, told, stood } = listen(['a', 'b'])
    await clock.advance(1000)
    state.silent = new Set(['a', 'b'])
    await clock.advance(600)
    // Something arrives, though it is nobody's.
    expect(stood).toEqual([])
    state.silent.clear()
    await clock.advance(1000)
    const cutAt = clock.now()
    state.cut = true
    await clock.advance(640)
    expect([stood.map(([, still]) => still), told]).toEqual([[true], []])
    expect(stood[0]?.[0]).toBeLessThanOrEqual(cutAt + 7 * watchMs)
    state.cut = false
    await clock.advance(2 * watchMs)
    expect(stood.map(([, still]) => still)).toEqual([true, false])
  })

  it('REQ-P7: tells of a pause of pictures before it is a silence, and of no pause of a voice alone', async () => {
    for (const camera of [true, false]) {
      const { clock, state, told, pauses } = listen(['a', 'b'], { camera })
      await clock.advance(1000)
      state.silent.add('a')
      await clock.advance(450)
      expect(pauses).toEqual([])
      await clock.advance(150)
      expect([pauses, told]).toEqual([camera ? ['a pauses'] : [], []])
      await clock.advance(2000)
      state.silent.clear()
      await clock.advance(200)
      expect(pauses).toEqual(camera ? ['a pauses', 'a is back'] : [])
      state.silent.add('b')
      await clock.advance(600)
      state.due.delete('b')
      await clock.advance(100)
      expect(pauses.slice(2)).toEqual(camera ? ['b pauses', 'b is back'] : [])
    }
  })

  it('REQ-P7: takes for no standstill that others are heard, however long the browser takes to count', async () => {
    for (const readMs of [0, 110, 220, 300, 700]) {
      const { clock, state, told, stood } = listen(['a', 'b', 'c'], { readMs })
      await clock.advance(1000)
      state.silent.add('c')
      await clock.advance(10_000)
      expect([stood, told.map(({ ids }) => ids)]).toEqual([[], [['c']]])
      state.cut = true
      await clock.advance(2500)
      expect(stood.map(([, still]) => still)).toEqual([true])
      state.cut = false
      await clock.advance(2 * watchMs)
      expect(stood.map(([, still]) => still)).toEqual([true, false])
    }
  })

  it('REQ-P7: takes no verdict while it waits for a count', async () => {
    for (const readMs of [110, 220, 300]) {
      const { clock, state, stood } = listen(['a'], { readMs })
      await clock.advance(1000)
      state.silent.add('a')
      await clock.advance(10_000)
      expect(stood).toEqual([])
    }
  })

  it('REQ-P7: where little comes but media, stops once for nothing, and not again until somebody is heard', async () => {
    const { clock, state, stood } = listen(['a'], { packetMs: 420 })
    state.silent.add('a')
    await clock.advance(10_000)
    expect(stood.map(([, still]) => still)).toEqual([true, false])
    state.silent.clear()
    await clock.advance(1000)
    state.cut = true
    await clock.advance(1000)
    expect(stood.map(([, still]) => still).slice(2)).toEqual([true])
  })

  it('REQ-P7: of a silent voice one packet may be lost, and a cut is told of within a second all the same', async () => {
    const { clock, state, told } = listen(['a'], { packetMs: 400, camera: false })
    for (let times = 0; times < 20; times++) {
      await clock.advance(650)
      state.cut = true
      await clock.advance(400)
      state.cut = false
      await clock.advance(550)
    }
    expect(told).toEqual([])
    state.cut = true
    await clock.advance(1000)
    expect(told.map(({ ids }) => ids)).toEqual([['a']])
  })

  it('REQ-P7: of others who are cut, only they are told of, and this end stays as it is', async () => {
    await fc.assert(
      fc.asyncProperty(people, fc.nat(3), async (others, index) => {
        const gone = others[index % others.length] as string
        const { clock, state, told, recovered } = listen(others)
        await clock.advance(2000)
        state.silent.add(gone)
        await clock.advance(1000)
        expect(told).toMatchObject([{ ids: [gone] }])
        await clock.advance(20_000)
        expect(recovered).toEqual([])
        state.silent.clear()
        await clock.advance(2 * watchMs)
        expect(told.at(-1)?.ids).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  it('takes for no silence that nothing is due, a page that slept, or a reconnection', async () => {
    const { clock, state, told, recovered } = listen(['a', 'b'])
    await clock.advance(1000)
    state.cut = true
    state.due.clear()
    await clock.advance(5000)
    state.due.add('a')
    await clock.advance(400)
    await clock.freeze(10_000)
    await clock.advance(400)
    state.connected = false
    await clock.advance(10_000)
    expect([told, recovered]).toEqual([[], []])
  })

  it('REQ-P7: a cut is told of within 0.72 s, whatever the jitter buffer holds, and however few packets come', async () => {
    const cuts = fc.record({
      cutAt: fc.integer({ min: 1500, max: 3000 }),
      bufferMs: fc.integer({ min: 0, max: 200 }),
      packetMs: fc.integer({ min: 10, max: 200 }),
      readMs: fc.integer({ min: 0, max: 50 }),
    })
    await fc.assert(
      fc.asyncProperty(cuts, async ({ cutAt, ...how }) => {
        const { clock, state, told } = listen(['a', 'b'], how)
        await clock.advance(cutAt)
        state.cut = true
        await clock.advance(2000)
        expect(told.map(({ ids }) => ids)).toEqual([['a', 'b']])
        const shownMs = (told[0]?.at ?? Infinity) - cutAt
        // The last packet came up to packetMs before it.
        expect(shownMs).toBeGreaterThanOrEqual(650 - how.packetMs)
        expect(shownMs).toBeLessThanOrEqual(720)
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-P7: where a browser says nothing of arrivals, goes by what is played', async () => {
    const { clock, state, told } = listen(['a'], { stamps: false, bufferMs: 100 })
    await clock.advance(2000)
    state.cut = true
    await clock.advance(1000)
    expect(told.map(({ ids }) => ids)).toEqual([['a']])
  })

  it('REQ-P7: is not alarmed by losses of 5 %, by pictures of 6 a second alone, nor by a layer that changes', async () => {
    const pictures = fc.record({
      seed: fc.integer(),
      perSecond: fc.integer({ min: 6, max: 30 }),
      jitterMs: fc.integer({ min: 0, max: 60 }),
      bufferMs: fc.integer({ min: 0, max: 200 }),
      changeMs: fc.integer({ min: 0, max: 350 }),
    })
    await fc.assert(
      fc.asyncProperty(pictures, async ({ seed, perSecond, jitterMs, bufferMs, changeMs }) => {
        const { clock, told, state, bring, watch } = listen(['a'], { bufferMs })
        state.silent.add('a')
        const random = lots(seed)
        let changed = false
        const send = () => {
          // A picture is two packets or more, each of which may be lost.
          const arrives = random() >= 0.05 || random() >= 0.05
          if (arrives) clock.after(random() * jitterMs, () => bring('a'))
          const gap = !changed && clock.now() > 5000 ? changeMs : 0
          if (gap > 0) changed = true
          clock.after(1000 / perSecond + gap, send)
        }
        send()
        await clock.advance(10_000)
        expect(told).toEqual([])
        watch.stop()
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-P7: leaves a way alone on which nothing comes for seconds, unless signaling answers meanwhile', async () => {
    const { clock, state, recovered } = listen(['a', 'b'])
    for (const ms of [1300, 2000, 4000, 12_000]) {
      await clock.advance(1000)
      state.cut = true
      await clock.advance(ms)
      state.cut = false
    }
    expect(recovered).toEqual([])
    await clock.advance(1000)
    state.answers = true
    state.cut = true
    await clock.advance(1500)
    expect(recovered).toEqual([])
    await clock.advance(300)
    expect(recovered.map(({ how }) => how)).toEqual(['resume'])
  })

  it('REQ-P7: takes an answer for no sign once something has come after it, and asks no more than once in 3 s', async () => {
    const { clock, state, recovered, questions, trickle } = listen(['a'])
    await clock.advance(1000)
    state.cut = true
    state.answers = true
    await clock.advance(1500)
    expect(questions()).toBe(1)
    trickle()
    await clock.advance(600)
    expect(recovered).toEqual([])
    await clock.advance(400)
    expect(recovered.map(({ how }) => how)).toEqual(['resume'])
    state.cut = false
    state.answers = false
    await clock.advance(1000)
    state.cut = true
    const before = questions()
    await clock.advance(10_000)
    expect(questions() - before).toBe(3)
  })

  it('does nothing any more once it is stopped, though it was in the middle of a look', async () => {
    const { clock, state, told, watch } = listen(['a'], { readMs: 90 })
    await clock.advance(1000)
    state.cut = true
    // The look that would tell of it waits for what it reads.
    await clock.advance(700)
    watch.stop()
    await clock.advance(20_000)
    expect(told).toEqual([])
  })

  it('tries the session first, then another one, then no more until media has come', async () => {
    const { clock, state, recovered } = listen(['a'])
    const ways = () => recovered.map(({ how }) => how)
    await clock.advance(1000)
    state.cut = true
    state.answers = true
    // So long the browser keeps the connection.
    await clock.advance(17_000)
    expect(ways()).toEqual(['resume'])
    await clock.advance(15_000)
    expect(ways()).toEqual(['resume', 'restart'])
    state.cut = false
    await clock.advance(1000)
    state.cut = true
    await clock.advance(5000)
    expect(ways()).toEqual(['resume', 'restart', 'resume'])
  })

  it('begins another session where nobody answers and the browser has given the connection up, and gives what was tried late some time', async () => {
    const { clock, state, recovered } = listen(['a'])
    const ways = () => recovered.map(({ how }) => how)
    await clock.advance(1000)
    state.cut = true
    await clock.advance(17_000)
    expect(ways()).toEqual([])
    await clock.advance(500)
    expect(ways()).toEqual(['restart'])
    state.cut = false
    await clock.advance(1000)
    state.cut = true
    await clock.advance(14_000)
    state.disconnected = true
    await clock.advance(watchMs)
    expect(ways()).toEqual(['restart', 'resume'])
    await clock.advance(7000)
    expect(ways()).toEqual(['restart', 'resume'])
    await clock.advance(1500)
    expect(ways()).toEqual(['restart', 'resume', 'restart'])
  })
})

/** Numbers between 0 and 1, the same for the same seed (mulberry32). */
function lots(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

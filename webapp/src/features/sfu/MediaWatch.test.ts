import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { TestClock } from '../../testing/TestClock.ts'
import { MediaWatch, watchMs } from './MediaWatch.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

/** A page on the SFU that hears each of `others` every 20 ms, for as long as the test lets it. */
function listen(others: string[], { packetMs = 20, readMs = 0, camera = true } = {}) {
  const clock = new TestClock()
  const state = { cut: false, silent: new Set<string>(), due: new Set(others), connected: true }
  const told: { at: number; ids: string[] }[] = []
  const recovered: { at: number; how: string }[] = []
  const stood: [number, boolean][] = []
  const pauses: string[] = []
  const played = new Map<string, number>()
  let packets = 0
  const flow = () => {
    if (!state.cut) {
      packets += 1
      for (const id of others) if (!state.silent.has(id)) played.set(id, clock.now())
    }
    clock.after(packetMs, flow)
  }
  flow()
  const watch = new MediaWatch({
    now: () => clock.now(),
    lastPlayed: () => new Map([...played].filter(([id]) => state.due.has(id))),
    packetsReceived: () => {
      const read = packets
      return readMs === 0
        ? Promise.resolve(read)
        : new Promise((resolve) => clock.after(readMs, () => resolve(read)))
    },
    cameraIsDue: () => camera,
    connected: () => state.connected,
    onSilent: (times) => told.push({ at: clock.now(), ids: [...times.keys()].sort() }),
    onPause: (id, paused) => pauses.push(`${id} ${paused ? 'pauses' : 'is back'}`),
    onStill: (still) => stood.push([clock.now(), still]),
    recover: (how) => recovered.push({ at: clock.now(), how }),
  })
  const look = () => {
    void watch.look()
    clock.after(watchMs, look)
  }
  clock.after(watchMs, look)
  return { clock, state, told, stood, pauses, recovered }
}

const people = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 })

describe('MediaWatch', () => {
  it('REQ-P7: a cut of this end is told of within a second, and the way tried anew soon after', async () => {
    await fc.assert(
      fc.asyncProperty(people, fc.integer({ min: 500, max: 9000 }), async (others, cutAt) => {
        const { clock, state, told, recovered } = listen(others)
        await clock.advance(cutAt)
        expect([told, recovered]).toEqual([[], []])
        state.cut = true
        await clock.advance(1000)
        expect(told).toMatchObject([{ ids: [...others].sort() }])
        await clock.advance(500)
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
    await clock.advance(700)
    // Something arrives, though it is nobody's.
    expect(stood).toEqual([])
    state.silent.clear()
    await clock.advance(1000)
    const cutAt = clock.now()
    state.cut = true
    await clock.advance(700)
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
      await clock.advance(200)
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

  it('tries the session first, then another one, then no more until media has come', async () => {
    const { clock, state, recovered } = listen(['a'])
    await clock.advance(1000)
    state.cut = true
    // So long the browser keeps the connection.
    await clock.advance(17_000)
    expect(recovered.map(({ how }) => how)).toEqual(['resume'])
    await clock.advance(15_000)
    expect(recovered.map(({ how }) => how)).toEqual(['resume', 'restart'])
    state.cut = false
    await clock.advance(1000)
    state.cut = true
    await clock.advance(5000)
    expect(recovered.map(({ how }) => how)).toEqual(['resume', 'restart', 'resume'])
  })
})

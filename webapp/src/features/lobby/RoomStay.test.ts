import { describe, expect, it, jest } from '@jest/globals'
import { displayNameSchema } from '@parley/protocol'
import fc from 'fast-check'
import type { Cell } from '../../state.ts'
import { TestClock } from '../../testing/TestClock.ts'
import { CallMemory } from '../call/callMemory.ts'
import type { JoinOptions } from '../call/callOptions.ts'
import { type CallState, initialCall } from '../call/callState.ts'
import { initialLocal, type LocalState } from '../media/localState.ts'
import { RoomStay } from './RoomStay.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

function cellOf<T extends object>(initial: T, changed = () => {}): Cell<T> {
  let state = initial
  return {
    get: () => state,
    set: (patch) => {
      state = { ...state, ...patch }
      changed()
    },
  }
}

/** A tab's session storage, which a refresh leaves as it is. */
const storage = () => {
  const items = new Map<string, string>()
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  }
}

/**
 * One load of the page in a tab.
 * @param loadMs what the call's code takes to load
 * @param served whether the server has it
 * @param autojoin of the page's link
 * @param refreshed how the page was come to
 */
function load(
  kept: ReturnType<typeof storage>,
  loadMs = 0,
  served = () => true,
  { autojoin = false, mayLead = () => false as boolean, refreshed = () => true as boolean } = {},
) {
  const clock = new TestClock()
  const joins: (JoinOptions & { at: number; on: [boolean, boolean] })[] = []
  const changed = () => stay.remember()
  const call = cellOf<CallState>(initialCall, () => changed())
  const local = cellOf<LocalState>(initialLocal, () => changed())
  const stay: RoomStay = new RoomStay({
    call,
    local,
    memory: new CallMemory(() => kept),
    media: { open: async () => {}, close() {} },
    loadCall: () =>
      new Promise((resolve, reject) => {
        const session = {
          async join(options: JoinOptions) {
            const { audio, video } = local.get()
            joins.push({ ...options, at: clock.now(), on: [audio.on, video.on] })
            call.set({ phase: 'joined', room: options.room, name: options.name })
          },
          leave: () => call.set({ phase: 'left' }),
        }
        clock.after(loadMs, () =>
          served() ? resolve(session) : reject(new TypeError('it did not come')),
        )
      }),
    now: () => clock.now(),
    link: () => ({ name: undefined, autojoin, relayForced: false }),
    mayLead,
    refreshed,
    ownName: () => 'Ana',
    pushToTalk: () => false,
  })
  const mute = (audio: boolean, video: boolean) => {
    const { audio: mic, video: camera } = local.get()
    local.set({ audio: { ...mic, on: audio }, video: { ...camera, on: video } })
  }
  return { clock, stay, call, joins, mute }
}

const room = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)
const name = fc.stringMatching(/^[A-Za-zÀ-ɏẠ-ỹ]{1,64}$/)
const mutes = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1, maxLength: 8 })

describe('a stay in a room', () => {
  it('REQ-P3: Feature: webrtc-improvements, Property 3: who joins does so with a real, non-empty name', async () => {
    const typed = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), name, fc.constant('   '))
    await fc.assert(
      fc.asyncProperty(room, typed, async (id, what) => {
        const { clock, stay, call, joins } = load(storage())
        stay.enter(id)
        void stay.join(what)
        await clock.advance(10)
        if (displayNameSchema.safeParse(what).success) {
          expect(joins).toMatchObject([{ name: what.trim() }])
          expect(what.trim()).toMatch(/[^\p{C}\p{Z}\p{M}]/u)
        } else expect([joins, call.get().phase]).toEqual([[], 'idle'])
      }),
      { numRuns: 200 },
    )
  })

  it('REQ-P26: Feature: webrtc-improvements, Property 26: while in a call its id is in session storage', async () => {
    await fc.assert(
      fc.asyncProperty(room, name, mutes, async (id, who, changes) => {
        const kept = storage()
        const { clock, stay, mute } = load(kept)
        stay.enter(id)
        expect(kept.items.size).toBe(0)
        void stay.join(who)
        await clock.advance(10)
        const inStorage = () => JSON.parse([...kept.items.values()].join() || 'null')
        expect(inStorage()).toMatchObject({ room: id })
        for (const [audio, video] of changes) {
          mute(audio, video)
          expect(inStorage()).toMatchObject({ room: id })
        }
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-P27: Feature: webrtc-improvements, Property 27: after a refresh the rejoin starts within 2 s of load', async () => {
    await fc.assert(
      fc.asyncProperty(room, name, fc.nat(1900), async (id, who, loadMs) => {
        const kept = storage()
        const before = load(kept)
        before.stay.enter(id)
        void before.stay.join(who)
        await before.clock.advance(10)
        const { clock, stay, call, joins } = load(kept, loadMs)
        stay.enter(id)
        // Shown at once, whatever still has to be loaded.
        expect(call.get().phase).toBe('joining')
        await clock.advance(2000)
        expect(joins).toMatchObject([{ room: id, name: who, startedAt: 0 }])
        expect(joins[0]?.at).toBeLessThanOrEqual(2000)
        // Another room is another call.
        const other = load(kept, loadMs)
        other.stay.enter(`${id.slice(0, 62)}-x`)
        await other.clock.advance(2000)
        expect(other.joins).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-P28: Feature: webrtc-improvements, Property 28: mute and video are after the rejoin as they were', async () => {
    await fc.assert(
      fc.asyncProperty(room, name, mutes, async (id, who, changes) => {
        const kept = storage()
        const { clock, stay, mute } = load(kept)
        stay.enter(id)
        void stay.join(who)
        await clock.advance(10)
        for (const [audio, video] of changes) mute(audio, video)
        const again = load(kept)
        again.stay.enter(id)
        await again.clock.advance(10)
        expect(again.joins.map(({ on }) => on)).toEqual([changes.at(-1)])
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-P29: Feature: webrtc-improvements, Property 29: after leaving by hand nothing of the call is left', async () => {
    await fc.assert(
      fc.asyncProperty(room, name, mutes, async (id, who, changes) => {
        const kept = storage()
        const { clock, stay, mute } = load(kept)
        stay.enter(id)
        void stay.join(who)
        await clock.advance(10)
        stay.leave()
        expect(kept.items.size).toBe(0)
        // Nor comes it back when a device is switched afterwards.
        for (const [audio, video] of changes) mute(audio, video)
        expect(kept.items.size).toBe(0)
        const again = load(kept)
        again.stay.enter(id)
        await again.clock.advance(2000)
        expect(again.joins).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  it('REQ-W1: says that the server does not answer where the call’s code does not come, and tries again when asked', async () => {
    const kept = storage()
    let served = false
    const { clock, stay, call, joins } = load(kept, 10, () => served)
    stay.enter('room')
    void stay.join('Ana')
    expect(call.get().phase).toBe('joining')
    await clock.advance(20)
    expect(call.get()).toMatchObject({ phase: 'failed', error: 'offline', name: 'Ana' })
    served = true
    void stay.joinAgain()
    await clock.advance(20)
    expect(joins).toMatchObject([{ room: 'room', name: 'Ana' }])
    expect(call.get().phase).toBe('joined')
  })

  it('REQ-W5: a link leads straight only into a room that it may lead into', async () => {
    for (const [autojoin, known, expected] of [
      [true, 'ours', [{ room: 'ours', name: 'Ana' }]],
      [true, 'theirs', []],
      [false, 'ours', []],
    ] as const) {
      const mayLead = (room?: string) => room === known
      const { clock, stay, call, joins } = load(storage(), 0, () => true, { autojoin, mayLead })
      stay.enter('ours')
      await clock.advance(2000)
      expect(joins).toMatchObject(expected)
      expect(call.get().phase).toBe(expected.length > 0 ? 'joined' : 'idle')
    }
  })

  it('REQ-W5: no link of anybody leads back into a call that was not left by hand, nor does a refresh of the lobby then', async () => {
    const kept = storage()
    const before = load(kept)
    before.stay.enter('room')
    void before.stay.join('Ana')
    await before.clock.advance(10)
    expect(kept.items.size).toBe(1)
    for (const refreshed of [false, true]) {
      const { clock, stay, call, joins } = load(kept, 0, () => true, { refreshed: () => refreshed })
      stay.enter('room')
      await clock.advance(2000)
      expect([joins, call.get().phase, kept.items.size]).toEqual([[], 'idle', 0])
    }
  })

  it('REQ-W1: who clicks twice joins once', async () => {
    const { clock, stay, joins } = load(storage(), 10)
    stay.enter('room')
    for (let click = 0; click < 3; click++) void stay.join('Ana')
    await clock.advance(20)
    expect(joins).toHaveLength(1)
  })

  it('has turned elsewhere: code that did not come for an earlier room says nothing of this one', async () => {
    const { clock, stay, call } = load(storage(), 10, () => false)
    const end = stay.enter('room')
    void stay.join('Ana')
    end()
    await clock.advance(20)
    expect(call.get().phase).toBe('idle')
  })

  it('forgets a call that others ended, and keeps one that a server lost', async () => {
    for (const [error, left] of [
      ['removed', 0],
      ['replaced', 0],
      ['offline', 1],
    ] as const) {
      const kept = storage()
      const { clock, stay, call } = load(kept)
      stay.enter('room')
      void stay.join('Ana')
      await clock.advance(10)
      call.set({ phase: 'failed', error })
      expect(kept.items.size).toBe(left)
    }
  })
})

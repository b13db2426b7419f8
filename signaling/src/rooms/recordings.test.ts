import { describe, expect, it, jest } from '@jest/globals'
import fc from 'fast-check'
import { memoryRoomStore } from './memory-room-store.ts'
import type { RoomStore } from './room-store.ts'

// Hundreds of runs on a machine that may be busy.
jest.setTimeout(60_000)

const key = { tenant: 't', room: 'r' }
const media = { audio: true, video: true }
const limits = { total: 9, mesh: 9 }

function join(store: RoomStore, id: string, agrees = false) {
  const participant = { id, name: id, media, joinedAt: 0, role: 'member' as const }
  return store.join(key, { participant, session: id }, { ...limits, agrees })
}

const people = ['p-a', 'p-b', 'p-c', 'p-d']
const who = fc.constantFrom(...people)
const recording = fc.constantFrom('r-1', 'r-2')
/** Whatever can happen to a room and its recording, and time that passes. */
const step = fc.oneof(
  fc.record({ do: fc.constant('join' as const), who, agrees: fc.boolean() }),
  fc.record({ do: fc.constantFrom('leave' as const, 'lose' as const, 'remove' as const), who }),
  fc.record({ do: fc.constant('ask' as const), who, recording }),
  fc.record({ do: fc.constant('answer' as const), who, recording, yes: fc.boolean() }),
  fc.record({ do: fc.constant('stop' as const), recording }),
  fc.record({ do: fc.constant('sweep' as const) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

describe('recordings', () => {
  it('REQ-W5: none ever runs while anybody with a seat has not said yes to it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        let now = 1000
        const store = memoryRoomStore(() => now, { markMs: 1000, leaseMs: 1000 })
        /** Who has said yes to what, as this test knows it. */
        const yes = new Set<string>()
        let at = 0
        let running: string | undefined
        const run = async (one: Step) => {
          switch (one.do) {
            case 'join': {
              const { kind } = await join(store, one.who, one.agrees)
              if (kind === 'joined' && one.agrees) yes.add(`${one.who} ${running}`)
              return
            }
            case 'leave':
              return void (await store.leave(key, one.who, one.who))
            case 'lose':
              return void (await store.detach(key, one.who, one.who, 5))
            case 'remove':
              return void (await store.door.remove(key, one.who))
            case 'ask': {
              const asked = await store.recordings.ask(key, one.who, one.recording)
              if (asked && asked !== 'taken') yes.add(`${asked.recording?.by} ${one.recording}`)
              return
            }
            case 'answer':
              if (one.yes) yes.add(`${one.who} ${one.recording}`)
              return void (await store.recordings.answer(key, one.who, one.recording, one.yes))
            case 'stop':
              return void (await store.recordings.stop(key, one.recording))
            case 'sweep':
              now += 10
              return void (await store.sweep(key))
          }
        }
        for (const one of steps) {
          await run(one)
          const state = await store.recordings.look(key)
          const seated = (await store.seated(key)) ?? []
          expect(state.at).toBeGreaterThanOrEqual(seated.length > 0 ? at : 0)
          at = seated.length > 0 ? state.at : 0
          running = state.recording?.on ? state.recording.id : undefined
          if (!state.recording) continue
          expect(seated).toContain(state.recording.by)
          for (const id of state.recording.agreed)
            expect(yes).toContain(`${id} ${state.recording.id}`)
          if (running !== undefined)
            expect([...state.recording.agreed].sort()).toEqual([...seated].sort())
        }
      }),
      { numRuns: 300 },
    )
  })

  it('REQ-W5: starts with the last yes, or when who was waited for has left', async () => {
    const store = memoryRoomStore(() => 0, { markMs: 1000, leaseMs: 1000 })
    for (const id of ['p-a', 'p-b', 'p-c']) await join(store, id)
    const asked = await store.recordings.ask(key, 'p-a', 'r-1')
    expect(asked).toMatchObject({ recording: { on: false, agreed: ['p-a'] }, started: false })
    expect(await store.recordings.ask(key, 'p-b', 'r-2')).toBe('taken')
    const one = await store.recordings.answer(key, 'p-b', 'r-1', true)
    expect(one).toMatchObject({ recording: { on: false }, started: false })
    await store.leave(key, 'p-c', 'p-c')
    expect(await store.recordings.look(key)).toMatchObject({
      recording: { on: true },
      started: true,
    })
    expect(await store.recordings.look(key)).toMatchObject({ started: false })
  })

  it('REQ-W5: who comes while it runs gets a seat only with a yes; a no, and who makes it leaving, end it', async () => {
    const store = memoryRoomStore(() => 0, { markMs: 1000, leaseMs: 1000 })
    await join(store, 'p-a')
    expect(await store.recordings.ask(key, 'p-a', 'r-1')).toMatchObject({ started: true })
    expect(await join(store, 'p-b')).toEqual({ kind: 'recorded', expired: [] })
    expect(await join(store, 'p-b', true)).toMatchObject({
      kind: 'joined',
      recording: { recording: { on: true, agreed: ['p-a', 'p-b'] } },
    })
    expect(await store.recordings.answer(key, 'p-b', 'r-1', false)).toMatchObject({
      recording: null,
    })
    await store.recordings.ask(key, 'p-a', 'r-2')
    await store.leave(key, 'p-a', 'p-a')
    expect(await store.recordings.look(key)).toMatchObject({ recording: null, started: false })
  })
})

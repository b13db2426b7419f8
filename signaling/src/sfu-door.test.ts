import { describe, expect, it } from '@jest/globals'
import { pino } from 'pino'
import type { Mark } from './rooms/room-door.ts'
import { sfuDoor } from './sfu-door.ts'

const key = { tenant: 't', room: 'r' }
const log = pino({ level: 'silent' })

/** An SFU with these people in it, and a store with those seats. */
function door(inside: string[], seated: string[] | undefined) {
  const asked: string[] = []
  const marks = new Map<string, Mark>()
  const state = { inside, seated, marks, away: false, asked, now: 0, slow: Promise.resolve() }
  const { dismiss, look, keep, seenOut } = sfuDoor({
    log,
    absentMs: 30_000,
    now: () => state.now,
    rooms: {
      has: async (_, id) => state.seated?.includes(id) ?? false,
      seated: async () => state.seated,
      door: { watch: async () => ({ marks: state.marks, locked: false }) },
    },
    sfu: {
      async participants() {
        asked.push('participants')
        return state.inside
      },
      async remove(_, id) {
        await state.slow
        if (state.away) throw new Error('away')
        state.inside = state.inside.filter((one) => one !== id)
      },
    },
  })
  return { state, dismiss, look, keep, seenOut }
}

describe('REQ-K8: the SFU’s rooms are for those who have a seat', () => {
  it('who is there without one all the while is seen out after half a minute', async () => {
    const { state, look } = door(['ada', 'bo', 'eve'], ['ada', 'bo'])
    for (state.now = 0; state.now < 30_000; state.now += 5000) await look(key, ['ada'])
    expect(state.inside).toContain('eve')
    await look(key, ['ada'])
    expect(state.inside).toEqual(['ada', 'bo'])
  })

  it('REQ-W5: whom a host has removed is seen out at once, however often they come back with an old token', async () => {
    const { state, look } = door(['ada', 'bo', 'eve'], ['ada'])
    state.marks.set('eve', 'removed').set('bo', 'admitted')
    for (let time = 0; time < 3; time++) {
      await look(key, ['ada'])
      expect(state.inside).toEqual(['ada', 'bo'])
      state.inside = ['ada', 'bo', 'eve']
    }
  })

  it('who comes back to a seat in time stays, as after a restart of signaling', async () => {
    const { state, look } = door(['ada', 'bo'], ['ada'])
    await look(key, ['ada'])
    state.now = 25_000
    state.seated = ['ada', 'bo']
    await look(key, ['ada'])
    state.now = 30_000
    state.seated = ['ada']
    await look(key, ['ada'])
    expect(state.inside).toEqual(['ada', 'bo'])
  })

  it('nobody is seen out by a store that may not know of everybody', async () => {
    const { state, look } = door(['ada', 'bo'], undefined)
    for (; state.now < 100_000; state.now += 10_000) await look(key, ['ada'])
    expect(state.inside).toEqual(['ada', 'bo'])
  })

  it('of all replicas the one with the first seat asks', async () => {
    const { state, look } = door(['ada', 'bo'], ['bo', 'ada'])
    await look(key, ['bo'])
    expect(state.asked).toEqual([])
    await look(key, ['ada'])
    expect(state.asked).toEqual(['participants'])
  })

  it('what was found counts no more once the room has left this replica', async () => {
    const { state, look, keep } = door(['ada', 'eve'], ['ada'])
    await look(key, ['ada'])
    state.now = 30_000
    keep(new Set())
    await look(key, ['ada'])
    expect(state.inside).toContain('eve')
  })

  it('who returns in the moment of being seen out comes in after it, and stays', async () => {
    const { state, dismiss, seenOut } = door(['ada', 'eve'], ['ada'])
    const { promise, resolve } = Promise.withResolvers<void>()
    state.slow = promise
    const dismissed = dismiss(key, 'eve')
    let returned = false
    const back = seenOut(key, 'eve').then(() => {
      returned = true
      state.inside.push('eve')
    })
    await seenOut(key, 'ada')
    expect(returned).toBe(false)
    state.seated = ['ada', 'eve']
    resolve()
    await Promise.all([dismissed, back])
    await dismiss(key, 'eve')
    expect(state.inside).toEqual(['ada', 'eve'])
  })

  it('who leaves is seen out at once; who has come back stays; an SFU that is away is asked again', async () => {
    const { state, dismiss, look } = door(['ada', 'bo', 'eve'], ['ada', 'bo'])
    for (const id of ['bo', 'eve']) await dismiss(key, id)
    expect(state.inside).toEqual(['ada', 'bo'])
    state.seated = ['ada']
    state.away = true
    await dismiss(key, 'bo')
    await look(key, ['ada'])
    state.now = 30_000
    await look(key, ['ada'])
    expect(state.inside).toEqual(['ada', 'bo'])
    state.away = false
    await look(key, ['ada'])
    expect(state.inside).toEqual(['ada'])
  })
})

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { manualClock } from '../testing/manual-clock.ts'
import { memoryRoomStore } from './memory-room-store.ts'

const key = { tenant: 't', room: 'r' }
const media = { audio: true, video: false }

function store() {
  const clock = manualClock()
  const rooms = memoryRoomStore(clock.now, { markMs: 60_000, leaseMs: 15_000 })
  const join = (id: string, session: string, total = 3, mesh = 9, sfu = false) =>
    rooms.join(
      key,
      { participant: { id, name: id, media, joinedAt: clock.now(), role: 'guest' }, session },
      { total, mesh, sfu },
    )
  return { clock, rooms, join }
}

describe('memoryRoomStore', () => {
  it('a seat is changed and given up by its holder only', async () => {
    const { rooms, join } = store()
    await join('a', 'old')
    expect(await join('a', 'new')).toMatchObject({ returned: true, replaced: 'old' })
    expect(await rooms.leave(key, 'a', 'old')).toBe(false)
    expect(await rooms.detach(key, 'a', 'old', 0)).toBe(false)
    expect(await rooms.setMedia(key, 'a', 'old', media)).toBe(false)
    expect((await rooms.occupancy(key)).seats).toBe(1)
    expect(await rooms.leave(key, 'a', 'new')).toBe(true)
    expect((await rooms.occupancy(key)).seats).toBe(0)
  })

  it('REQ-K8: a room moves to the SFU once, stays there until it is empty, and begins anew', async () => {
    const { rooms, join } = store()
    expect(await join('a', '1', 9, 2)).toMatchObject({ sfu: false, moved: false })
    expect(await join('b', '2', 9, 2)).toMatchObject({ sfu: false, moved: false })
    expect(await join('c', '3', 9, 2)).toMatchObject({ sfu: true, moved: true })
    expect(await join('d', '4', 9, 2)).toMatchObject({ sfu: true, moved: false })
    for (const [id, session] of ['2b', '3c', '4d'].map((s) => [s[1] ?? '', s[0] ?? ''] as const))
      await rooms.leave(key, id, session)
    expect(await rooms.occupancy(key)).toEqual({ seats: 1, sfu: true, cameBack: false })
    await rooms.leave(key, 'a', '1')
    expect(await join('a', '1', 9, 2)).toMatchObject({ sfu: false })
    await rooms.leave(key, 'a', '1')
    // A server that forgot the room learns of it from whoever comes back.
    expect(await join('a', '1', 9, 2, true)).toMatchObject({ sfu: true, moved: true })
  })

  it('REQ-K8: a room on the SFU that has been small for long enough is a mesh again, whatever its people remember', async () => {
    const { clock, rooms, join } = store()
    for (const id of ['a', 'b', 'c']) await join(id, id, 9, 2)
    const renew = () => rooms.renew(key, [], true, { seats: 1, forMs: 30_000 })
    expect(await renew()).toMatchObject({ sfu: true, moved: false })
    await rooms.leave(key, 'c', 'c')
    clock.advance(60_000)
    // Two are one too many.
    expect(await renew()).toMatchObject({ sfu: true, moved: false })
    await rooms.leave(key, 'b', 'b')
    expect(await renew()).toMatchObject({ sfu: true, moved: false })
    clock.advance(29_000)
    expect(await renew()).toMatchObject({ sfu: true, moved: false })
    // One who comes and goes begins the time anew.
    await join('d', 'd', 9, 2)
    await rooms.leave(key, 'd', 'd')
    clock.advance(1000)
    expect(await renew()).toMatchObject({ sfu: true, moved: false })
    clock.advance(30_000)
    expect(await renew()).toMatchObject({ sfu: false, cameBack: true, moved: true })
    expect(await renew()).toMatchObject({ sfu: false, cameBack: true, moved: false })
    expect(await join('a', 'a', 9, 2, true)).toMatchObject({ sfu: false, cameBack: true })
    await join('b', 'b', 9, 2)
    expect(await join('c', 'c', 9, 2)).toMatchObject({ sfu: true, cameBack: false, moved: true })
  })

  it('REQ-K8: a room leaves an SFU that is away only where it is small enough', async () => {
    const { rooms, join } = store()
    for (const id of ['a', 'b', 'c']) await join(id, id, 9, 2)
    expect(await rooms.leaveSfu(key, 2)).toBe(false)
    await rooms.leave(key, 'c', 'c')
    expect(await rooms.leaveSfu(key, 2)).toBe(true)
    expect(await rooms.leaveSfu(key, 2)).toBe(false)
    expect(await rooms.occupancy(key)).toEqual({ seats: 2, sfu: false, cameBack: true })
  })

  it('REQ-W5: who was removed stays out, also as somebody whom a host had let in before', async () => {
    const { rooms, join } = store()
    await join('a', '1')
    await rooms.door.settle(key, 'guest', { id: 'a', account: 'eve' })
    const again = { id: 'b', account: 'eve', knocks: true, passes: false }
    await rooms.door.knock(key, again, { id: 'b', name: 'b', since: 1 }, '2')
    await rooms.door.answer(key, 'b', true)
    expect(await rooms.door.standing(key, again)).toBe('open')
    await rooms.door.remove(key, 'a')
    expect(await rooms.door.standing(key, again)).toBe('removed')
    expect(await rooms.door.standing(key, { ...again, account: 'ann' })).toBe('open')
  })

  it("a seat in its grace period counts for who comes, and is the participant's own to take", async () => {
    const { clock, rooms, join } = store()
    await join('a', '1', 1)
    await rooms.detach(key, 'a', '1', 5000)
    expect(await join('b', '2', 1)).toMatchObject({ kind: 'full' })
    expect(await join('a', '3', 1)).toMatchObject({ kind: 'joined', returned: true })
    await rooms.detach(key, 'a', '3', 5000)
    clock.advance(5000)
    expect(await join('b', '2', 1)).toMatchObject({
      kind: 'joined',
      expired: ['a'],
    })
  })

  it('REQ-P8: a return keeps name and joining time, and takes the media it comes with', async () => {
    const { clock, rooms, join } = store()
    const first = await join('a', '1')
    await rooms.detach(key, 'a', '1', 5000)
    clock.advance(1000)
    const second = await join('a', '2')
    if (first.kind !== 'joined' || second.kind !== 'joined') throw new Error('full')
    expect(second.self).toEqual(first.self)
  })

  it('never holds more than its capacity, and each seat ends once', async () => {
    const action = fc.record({
      do: fc.constantFrom('join', 'leave', 'detach', 'sweep', 'wait'),
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        const { clock, rooms, join } = store()
        const inside = new Set<string>()
        const ended = (ids: string[]) => {
          for (const id of ids) expect(inside.delete(id)).toBe(true)
        }
        for (const { do: what, id } of actions) {
          if (what === 'join') {
            const outcome = await join(id, id)
            ended(outcome.expired)
            if (outcome.kind === 'joined') {
              expect(outcome.returned).toBe(inside.has(id))
              inside.add(id)
              expect(new Set(outcome.participants.map((p) => p.id))).toEqual(inside)
            } else expect(inside.size).toBe(3)
          }
          if (what === 'leave' && (await rooms.leave(key, id, id))) ended([id])
          if (what === 'detach') expect(await rooms.detach(key, id, id, 10)).toBe(inside.has(id))
          if (what === 'wait') clock.advance(7)
          if (what === 'sweep') ended(await rooms.sweep(key))
          expect(inside.size).toBeLessThanOrEqual(3)
          expect(await rooms.has(key, id)).toBe(inside.has(id))
          expect(new Set(await rooms.seated(key))).toEqual(inside)
        }
      }),
      { numRuns: 200 },
    )
  })
})

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { Redis } from 'ioredis'
import { manualClock } from '../testing/manual-clock.ts'
import { startRedis } from '../testing/redis-process.ts'
import { until } from '../testing/signaling-rig.ts'
import { redisRoomStore } from './redis-room-store.ts'

// Servers and sockets on a machine that may be busy.
jest.setTimeout(120_000)

const media = { audio: true, video: false }
const leaseMs = 60_000
/** No room is small. */
const never = { seats: 0, forMs: 0 }
let server: Awaited<ReturnType<typeof startRedis>>
const connections: Redis[] = []

beforeAll(async () => {
  server = await startRedis()
})
afterAll(async () => {
  for (const connection of connections) connection.disconnect()
  await server.stop()
})

/** A replica's view of one room, with a clock of its own for what is not Redis' to time. It may have just begun. */
function replica(room: string) {
  const redis = new Redis(server.url, { retryStrategy: () => 10, disconnectTimeout: 100 })
  connections.push(redis)
  const clock = manualClock()
  const rooms = redisRoomStore(redis, { prefix: 'test', leaseMs, markMs: 60_000, now: clock.now })
  const key = { tenant: 't', room }
  const seat = (id: string, session: string) => ({
    participant: { id, name: id.toUpperCase(), media, joinedAt: 1, role: 'guest' as const },
    session,
  })
  return {
    redis,
    clock,
    rooms,
    key,
    seat,
    join: (id: string, session: string, total = 3, mesh = 9, sfu = false) =>
      rooms.join(key, seat(id, session), { total, mesh, sfu }),
    /** A seat whose lease has run out, as its replica has gone or could not renew it. */
    async expire(id: string, session: string) {
      await rooms.join(key, seat(id, session), { total: 9, mesh: 9 })
      await redis.zadd(`test:room:{t.${room}}:leases`, 1, id)
    },
  }
}

/** One that has known Redis for longer than a lease. */
async function settledReplica(room: string) {
  const one = replica(room)
  await until('it is there', () => one.rooms.ready())
  one.clock.advance(leaseMs)
  return one
}

describe('redisRoomStore', () => {
  it('a seat is changed and given up by its holder only', async () => {
    const { rooms, key, join } = replica('holder')
    await join('a', 'old')
    await rooms.introduced(key, 'a')
    expect(await join('a', 'new')).toMatchObject({ returned: true, replaced: 'old' })
    expect(await rooms.leave(key, 'a', 'old')).toBe(false)
    expect(await rooms.setMedia(key, 'a', 'old', { audio: false, video: false })).toBe(false)
    expect(await rooms.detach(key, 'a', 'old', 0)).toBe(false)
    expect(await rooms.sweep(key)).toEqual([])
    expect(await join('a', 'new')).toMatchObject({ self: { id: 'a', name: 'A', media } })
    expect(await rooms.leave(key, 'a', 'new')).toBe(true)
    expect(await rooms.has(key, 'a')).toBe(false)
  })

  it('REQ-W1: who has a seat, of whom nobody was told as its answer was lost, is new until everybody knows', async () => {
    const { rooms, key, seat, join } = replica('unheard')
    await join('a', 'lost')
    expect(await join('a', 'next')).toMatchObject({ returned: false, replaced: 'lost' })
    await rooms.introduced(key, 'a')
    expect(await join('a', 'third')).toMatchObject({ returned: true, replaced: 'next' })
    // Who was restored by a renewal whose answer was lost may be back before the next one.
    await rooms.renew(key, [seat('b', '1')], false, never)
    expect(await join('b', '2')).toMatchObject({ returned: false, replaced: '1' })
  })

  it('REQ-K8: a room moves to the SFU once, stays there until it is empty, and begins anew', async () => {
    const { rooms, key, seat, join } = await settledReplica('sfu')
    expect(await join('a', '1', 9, 1)).toMatchObject({ sfu: false, moved: false })
    expect(await join('b', '2', 9, 1)).toMatchObject({ sfu: true, moved: true })
    expect(await join('c', '3', 9, 1)).toMatchObject({ sfu: true, moved: false })
    await rooms.leave(key, 'c', '3')
    await rooms.leave(key, 'b', '2')
    expect(await rooms.occupancy(key)).toEqual({ seats: 1, sfu: true, cameBack: false })
    await rooms.detach(key, 'a', '1', 0)
    expect(await rooms.sweep(key)).toEqual(['a'])
    expect(await join('a', '1', 9, 1)).toMatchObject({ sfu: false, participants: [{ id: 'a' }] })
    // A Redis that came back empty learns it from whoever knows.
    expect(await rooms.renew(key, [seat('a', '1')], true, never)).toMatchObject({ sfu: true })
    expect(await join('b', '2', 9, 9)).toMatchObject({ sfu: true, moved: false })
  })

  it('REQ-K8: a room that has been small for long enough is a mesh again, by one replica, whatever others remember', async () => {
    const one = await settledReplica('small')
    const two = await settledReplica('small')
    const { key, join, seat } = one
    const renew = ({ rooms }: typeof one, forMs: number) =>
      rooms.renew(key, [seat('a', '1')], true, { seats: 1, forMs })
    for (const id of ['a', 'b', 'c']) await join(id, id === 'a' ? '1' : id, 9, 2)
    expect(await renew(one, 0)).toMatchObject({ sfu: true, moved: false })
    await one.rooms.leave(key, 'c', 'c')
    await one.rooms.leave(key, 'b', 'b')
    expect(await renew(two, leaseMs)).toMatchObject({ sfu: true, moved: false })
    const both = await Promise.all([renew(one, 0), renew(two, 0)])
    expect(both.map(({ moved }) => moved).sort()).toEqual([false, true])
    expect(both.map(({ sfu, cameBack }) => [sfu, cameBack])).toEqual(Array(2).fill([false, true]))
    // A token from before says that it is on the SFU.
    expect(await join('a', '1', 9, 2, true)).toMatchObject({ sfu: false, cameBack: true })
    await join('b', 'b', 9, 2)
    expect(await join('c', 'c', 9, 2)).toMatchObject({ sfu: true, cameBack: false, moved: true })
    expect(await one.rooms.leaveSfu(key, 2)).toBe(false)
    expect(await one.rooms.leaveSfu(key, 3)).toBe(true)
    expect(await two.rooms.occupancy(key)).toEqual({ seats: 3, sfu: false, cameBack: true })
  })

  it('a seat that has run out counts no more, and is swept by exactly one replica', async () => {
    const one = await settledReplica('swept')
    const two = await settledReplica('swept')
    await one.join('a', '1')
    await one.expire('b', '2')
    expect((await one.rooms.occupancy(one.key)).seats).toBe(1)
    const swept = await Promise.all([one, two].map(({ rooms, key }) => rooms.sweep(key)))
    expect(swept.flat()).toEqual(['b'])
  })

  it('REQ-W1: who has left, and of whom nobody was told, is named once more, and not who is back', async () => {
    const { redis, rooms, key, join, clock } = await settledReplica('untold')
    const options = { prefix: 'test', leaseMs, markMs: 60_000, untoldMs: 1500, now: clock.now }
    const other = redisRoomStore(redis, options)
    await other.ready()
    await join('a', '1')
    const gone = ['b', 'c', 'd']
    for (const id of gone) await join(id, id, 9)
    await redis.zadd('test:room:{t.untold}:leases', ...gone.flatMap((id) => [1, id]))
    expect((await rooms.sweep(key)).sort()).toEqual(gone)
    expect(await other.sweep(key)).toEqual([])
    await rooms.told(key, ['b'])
    await join('c', 'c', 9)
    await until('it is time', async () => (await other.sweep(key)).join() === 'd')
    expect(await other.sweep(key)).toEqual([])
    expect(await rooms.leave(key, 'c', 'c')).toBe(true)
    await until('the answer seems lost', async () => (await other.sweep(key)).includes('c'))
    await other.told(key, ['c', 'd'])
    expect(await redis.hexists('test:room:{t.untold}:seats', 'untold')).toBe(0)
  })

  it('REQ-W1: who is back by a replica of an earlier version, which does not say so, is not named as gone', async () => {
    const { redis, rooms, key, join, clock } = await settledReplica('untold-before')
    const options = { prefix: 'test', leaseMs, markMs: 60_000, untoldMs: 0, now: clock.now }
    const other = redisRoomStore(redis, options)
    await other.ready()
    await join('a', '1')
    await join('b', '2')
    expect(await rooms.leave(key, 'b', '2')).toBe(true)
    expect(await other.sweep(key)).toEqual(['b'])
    const seats = 'test:room:{t.untold-before}:seats'
    const left = await redis.hget(seats, 'untold')
    await join('b', '3')
    await redis.hset(seats, 'untold', left ?? '')
    expect(await other.sweep(key)).toEqual([])
    expect(await redis.hexists(seats, 'untold')).toBe(0)
  })

  it('who comes to a full room takes the place of a seat that has run out, and tells of it', async () => {
    const { join, expire } = await settledReplica('place')
    await expire('a', '1')
    expect(await join('b', '2', 1)).toMatchObject({ kind: 'joined', expired: ['a'] })
    expect(await join('c', '3', 1)).toMatchObject({ kind: 'full', expired: [] })
  })

  it('a room is shared with a newer replica, which keeps more of its people', async () => {
    const { redis, rooms, key, join } = replica('newer')
    const person = { id: 'b', name: 'B', joinedAt: 2, role: 'member', pronouns: 'they' }
    const kept = [
      'b:p',
      JSON.stringify(person),
      'b:m',
      JSON.stringify({ ...media, hologram: true }),
    ]
    await redis.hset('test:room:{t.newer}:seats', ...kept, 'b:s', '2')
    const { id, name, joinedAt, role } = person
    expect(await join('a', '1')).toMatchObject({
      participants: [{ id: 'a' }, { id, name, joinedAt, role, media }],
    })
    const knocker = { id: 'c', name: 'C', since: 1, avatar: 'x' }
    const comer = { id: 'c', knocks: true, passes: false }
    await rooms.door.knock(key, comer, knocker, '3')
    expect((await rooms.door.settle(key, 'guest')).lobby).toEqual([
      { id: 'c', name: 'C', since: 1 },
    ])
  })

  it('renewing restores a seat that was lost, and names a session whose seat was taken', async () => {
    const { rooms, key, seat, join } = replica('renew')
    await join('a', 'other')
    expect(
      await rooms.renew(key, [seat('a', 'mine'), seat('b', 'mine-too')], false, never),
    ).toEqual({
      restored: ['b'],
      lost: ['mine'],
      sfu: false,
      cameBack: false,
      moved: false,
    })
    expect(await join('a', 'other')).toMatchObject({
      participants: [{ id: 'a' }, { id: 'b', name: 'B', media }],
    })
  })

  it('who was restored by a renewal whose answer was lost is so once more, until one is answered', async () => {
    const { rooms, key, seat } = replica('unsure')
    const renew = async (unsure: boolean) =>
      (await rooms.renew(key, [{ ...seat('a', '1'), unsure }], false, never)).restored
    expect(await renew(false)).toEqual(['a'])
    expect(await renew(true)).toEqual(['a'])
    expect(await renew(false)).toEqual([])
    expect(await renew(true)).toEqual([])
  })

  it('for one lease after an outage nobody is removed who may only have had no way to renew', async () => {
    const { redis, clock, rooms, key, join, expire } = await settledReplica('outage')
    await expire('a', '1')
    redis.disconnect(true)
    await until('it is back', () => rooms.ready())
    expect(await rooms.sweep(key)).toEqual([])
    expect(await rooms.seated(key)).toBeUndefined()
    expect(await join('b', '2', 1)).toMatchObject({ kind: 'full', expired: [] })
    clock.advance(leaseMs)
    expect(await rooms.seated(key)).toEqual(['a'])
    expect(await rooms.sweep(key)).toEqual(['a'])
  })

  it('nor by a process that has just begun, which cannot know of an outage, unless the socket is known to be lost', async () => {
    const { clock, rooms, key, join, expire } = replica('begun')
    await expire('a', '1')
    await join('c', '3')
    await rooms.detach(key, 'c', '3', 0)
    expect(await rooms.sweep(key)).toEqual(['c'])
    await join('d', '4')
    await rooms.detach(key, 'd', '4', 0)
    await join('d', '5')
    expect(await rooms.sweep(key)).toEqual([])
    expect(await rooms.seated(key)).toBeUndefined()
    expect(await join('b', '2', 2)).toMatchObject({ kind: 'full', expired: [] })
    clock.advance(leaseMs)
    expect(await join('b', '2', 2)).toMatchObject({ kind: 'joined', expired: ['a'] })
  })

  it('answers unavailable when Redis does, and tells a fault of ours apart', async () => {
    const { redis, rooms, key, join } = replica('fault')
    await redis.set('test:room:{t.fault}:seats', 'not a hash')
    await expect(join('a', '1')).rejects.toThrow('WRONGTYPE')
    redis.disconnect()
    await expect(rooms.occupancy(key)).rejects.toMatchObject({ code: 'unavailable' })
    expect(await rooms.ready()).toBe(false)
    expect(rooms.reachable()).toBe(false)
  })
})

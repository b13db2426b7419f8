import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { roles } from '@parley/protocol'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { startRedis } from '../testing/redis-process.ts'
import { memoryRoomStore } from './memory-room-store.ts'
import type { RecordingChange } from './recordings.ts'
import { redisRoomStore } from './redis-room-store.ts'
import type { Comer } from './room-door.ts'
import type { RoomStore } from './room-store.ts'

// A server on a machine that may be busy.
jest.setTimeout(120_000)

const times = { markMs: 3_600_000, leaseMs: 3_600_000 }
const media = { audio: true, video: false }
let server: Awaited<ReturnType<typeof startRedis>>
let redis: Redis
/** Of another replica. */
let other: Redis

beforeAll(async () => {
  server = await startRedis()
  redis = new Redis(server.url, { replyMapping: 'legacy' })
  other = new Redis(server.url, { replyMapping: 'legacy' })
})
afterAll(async () => {
  redis.disconnect()
  other.disconnect()
  await server.stop()
})

type Step = (store: RoomStore, key: { tenant: string; room: string }) => Promise<unknown>

const id = fc.constantFrom('p-a', 'p-b', 'p-c', 'p-d')
const account = fc.constantFrom(undefined, 'ann', 'bob', 'invite:cid')
const comer: fc.Arbitrary<Comer> = fc.record({
  id,
  account,
  knocks: fc.boolean(),
  passes: fc.boolean(),
})
const least = fc.constantFrom('guest' as const, 'member' as const)
/** A session for each participant and try: some of them are of others. */
const session = fc.constantFrom('1', '2')

const recording = fc.constantFrom('r-1', 'r-2')
/** Without the time, which the two stores take from different clocks. */
const recorded = (change: RecordingChange | 'taken' | undefined) =>
  change === undefined || change === 'taken'
    ? change
    : {
        started: change.started,
        recording: change.recording && {
          ...change.recording,
          agreed: change.recording.agreed.toSorted(),
        },
      }

/** Whatever can happen at a door, with what it shows as it is compared. */
const step = fc.oneof<fc.Arbitrary<{ says: string; run: Step }>[]>(
  fc
    .tuple(id, fc.constantFrom(...roles), fc.nat(3), session, fc.boolean())
    .map(([who, role, joinedAt, session, agrees]) => ({
      says: `${who} takes a seat as ${role} at ${joinedAt}, agrees: ${agrees}`,
      run: (store, key) => {
        const participant = { id: who, name: who, media, joinedAt, role }
        const limits = { total: 9, mesh: 9, agrees }
        return store.join(key, { participant, session }, limits).then(({ kind }) => kind)
      },
    })),
  fc.tuple(id, session).map(([who, session]) => ({
    says: `${who} leaves`,
    run: (store, key) => store.leave(key, who, session),
  })),
  comer.map((one) => ({
    says: `${JSON.stringify(one)} asks`,
    run: (store, key) => store.door.standing(key, one),
  })),
  fc.tuple(comer, session, fc.nat(9)).map(([one, session, since]) => ({
    says: `${JSON.stringify(one)} knocks`,
    // Two places, so that some find none.
    run: (store, key) =>
      store.door.knock(key, one, { id: one.id, name: one.id, since }, session, 2),
  })),
  fc.tuple(id, session).map(([who, session]) => ({
    says: `${who} does not wait`,
    run: (store, key) => store.door.withdraw(key, who, session),
  })),
  fc.tuple(id, fc.boolean()).map(([who, admitted]) => ({
    says: `${who} is ${admitted ? 'admitted' : 'denied'}`,
    run: (store, key) => store.door.answer(key, who, admitted),
  })),
  fc.tuple(least, fc.option(id, { nil: undefined }), account).map(([least, who, account]) => ({
    says: `settled, ${who} came`,
    run: async (store, key) => {
      const came = who === undefined ? undefined : { id: who, account }
      const state = await store.door.settle(key, least, came)
      return {
        ...state,
        roles: [...state.roles].sort(),
        changed: state.changed.toSorted(),
        doubles: state.doubles.toSorted(),
        lobby: state.lobby.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      }
    },
  })),
  fc.boolean().map((locked) => ({
    says: locked ? 'locked' : 'unlocked',
    run: (store, key) => store.door.setLocked(key, locked),
  })),
  id.map((who) => ({
    says: `${who} is removed`,
    run: (store, key) => store.door.remove(key, who),
  })),
  fc.tuple(id, recording).map(([who, which]) => ({
    says: `${who} asks to record ${which}`,
    run: async (store, key) => recorded(await store.recordings.ask(key, who, which)),
  })),
  fc.tuple(id, recording, fc.boolean()).map(([who, which, yes]) => ({
    says: `${who} answers ${which}: ${yes}`,
    run: async (store, key) => recorded(await store.recordings.answer(key, who, which, yes)),
  })),
  recording.map((which) => ({
    says: `${which} is stopped`,
    run: async (store, key) => recorded(await store.recordings.stop(key, which)),
  })),
  fc.constant({
    says: 'looked at the recording',
    run: async (store, key) => recorded(await store.recordings.look(key)),
  }),
  fc.constant({ says: 'ended', run: (store, key) => store.door.end(key) }),
  fc.constant({
    says: 'watched',
    run: async (store, key) => {
      const { marks, locked } = await store.door.watch(key, ['p-a', 'p-b', 'p-c', 'p-d'])
      return { marks: [...marks], locked }
    },
  }),
)

it('REQ-W5: a door and a recording in Redis and those in memory say the same, whatever happens to them', async () => {
  let run = 0
  const inRedis = redisRoomStore(redis, { prefix: 'test', now: () => 0, ...times })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const key = { tenant: 't', room: `r-${run++}` }
      const inMemory = memoryRoomStore(() => 1000, times)
      for (const { says, run } of steps) {
        const [one, other] = [await run(inMemory, key), await run(inRedis, key)]
        expect({ says, answer: other }).toEqual({ says, answer: one })
      }
    }),
    { numRuns: 150 },
  )
})

it('REQ-W5: what may be used once is used by one of those who try, on whichever store', async () => {
  const stores = [
    redisRoomStore(redis, { prefix: 'once', now: () => 0, ...times }),
    memoryRoomStore(Date.now, times),
  ]
  for (const { door } of stores) {
    const until = Date.now() + 60_000
    const tries = await Promise.all(
      Array.from({ length: 5 }, () => door.spend('x', undefined, until)),
    )
    expect(tries.filter(Boolean)).toHaveLength(1)
    expect(await door.spend('x', 'ann', until)).toBe(false)
    // Who has a secret of their own uses it again, and nobody else does.
    for (const [holder, used] of [
      ['ann', true],
      ['bob', false],
      ['ann', true],
      [undefined, false],
    ] as const)
      expect([holder, await door.spend('y', holder, until)]).toEqual([holder, used])
  }
})

it('REQ-W5: an invitation for one lets its device in twice at once, by whichever replicas', async () => {
  const replicas = [redis, other].map((each) =>
    redisRoomStore(each, { prefix: 'twice', now: () => 0, ...times }),
  )
  const until = Date.now() + 60_000
  for (let n = 0; n < 100; n++) {
    const both = replicas.map(({ door }) => door.spend(`invite:${n}`, 'ann', until))
    expect(await Promise.all(both)).toEqual([true, true])
  }
})

it('REQ-W5: a no is of one knock, and an end of one meeting: their account is not kept out of the next', async () => {
  const key = { tenant: 't', room: 'next' }
  const stores = [
    redisRoomStore(redis, { prefix: 'next', now: () => 0, ...times }),
    memoryRoomStore(Date.now, times),
  ]
  for (const { door, join } of stores) {
    const ann = (id: string, knocks: boolean) => ({ id, account: 'ann', knocks, passes: false })
    await door.knock(key, ann('p-a', true), { id: 'p-a', name: 'Ann', since: 1 }, '1')
    await door.answer(key, 'p-a', false)
    expect(await door.standing(key, ann('p-a', true))).toBe('denied')
    expect(await door.standing(key, ann('p-b', true))).toBe('waiting')
    const participant = { id: 'p-c', name: 'Ann', media, joinedAt: 1, role: 'guest' as const }
    await join(key, { participant, session: '1' }, { total: 9, mesh: 9, agrees: false })
    await door.settle(key, 'guest', { id: 'p-c', account: 'ann' })
    await door.end(key)
    expect(await door.standing(key, ann('p-c', false))).toBe('ended')
    expect(await door.standing(key, ann('p-d', false))).toBe('open')
  }
})

it('REQ-W5: who was removed has nothing to come back with once nobody remembers that', async () => {
  const short = { ...times, markMs: 300 }
  const stores = [
    redisRoomStore(redis, { prefix: 'short', now: () => 0, ...short }),
    memoryRoomStore(Date.now, short),
  ]
  const account = 'invite:x'
  const comer = { id: 'p-b', account, knocks: false, passes: false }
  const key = { tenant: 't', room: 'r' }
  for (const store of stores) {
    const { door } = store
    const again = () => door.spend(account, 'ann', Date.now() + 60_000)
    expect([await again(), await again()]).toEqual([true, true])
    const participant = { id: 'p-a', name: 'Ann', media, joinedAt: 1, role: 'guest' as const }
    await store.join(key, { participant, session: '1' }, { total: 9, mesh: 9, agrees: false })
    await door.settle(key, 'guest', { id: 'p-a', account })
    await door.remove(key, 'p-a')
    expect(await door.standing(key, comer)).toBe('removed')
    while ((await door.standing(key, comer)) === 'removed') await setImmediate()
    expect(await again()).toBe(false)
  }
})

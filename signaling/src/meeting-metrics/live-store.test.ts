import { beforeEach, describe, expect, it } from '@jest/globals'
import type { Redis } from 'ioredis'
import { Registry } from 'prom-client'
import { createClientMetrics } from './client-metrics.ts'
import type { LiveState, UserKey } from './live-meetings.ts'
import { type LiveStore, redisLiveStore } from './live-store.ts'

const everybody = Array.from({ length: 100 }, (_, index) => ({
  ...{ tenant: 't', room: 'town', participant: `p-${index}` },
}))
const stateOf = (participant: string, second: number) =>
  ({ user: { userId: participant, at: second }, alerts: [] }) as unknown as LiveState

/** As much of Redis as writing needs: states by the name of their hash. */
function fakeRedis() {
  const states = new Map<string, LiveState>()
  const state = { away: false, refused: undefined as string | undefined }
  /** Commands that have come and are not answered yet; undefined: they are answered at once. */
  let held: (() => void)[] | undefined
  const answered = async <T>(does: () => T): Promise<T> => {
    if (held) await new Promise<void>((resolve) => held?.push(resolve))
    if (state.away) throw new Error('Connection is closed.')
    return does()
  }
  const redis = {
    defineCommand() {},
    metrics_put: (hash: string, _all: string, epoch: number, json: string) =>
      answered(() => {
        if (state.refused && hash.includes(state.refused))
          throw Object.assign(new Error('WRONGTYPE of another kind'), { name: 'ReplyError' })
        states.set(hash, JSON.parse(json) as LiveState)
        return Math.max(1, epoch)
      }),
    metrics_remove: (hash: string) => answered(() => Number(states.delete(hash))),
  }
  return {
    ...{ state, redis: redis as unknown as Redis },
    at: ({ tenant, room, participant }: UserKey) =>
      states.get(`parley:town:meeting:${tenant}.${room}:user:${participant}:metrics`)?.user.at,
    hold() {
      held = []
    },
    release() {
      const all = held ?? []
      held = undefined
      for (const answer of all) answer()
    },
  }
}

describe('REQ-G1: live states while Redis is away', () => {
  const bufferSize = 60
  let world: ReturnType<typeof fakeRedis>
  let store: LiveStore
  let dropped: () => Promise<number>
  let second: number
  let faults: string[]

  beforeEach(() => {
    world = fakeRedis()
    second = 0
    faults = []
    const registry = new Registry()
    const metrics = createClientMetrics(registry)
    store = redisLiveStore({
      ...{ redis: world.redis, cluster: 'town', ttlMs: 300_000, bufferSize },
      ...{ now: () => second * 1000, onDropped: () => metrics.dropped('state') },
      onFault: ({ message }) => void faults.push(message),
    })
    dropped = async () => {
      const { values = [] } =
        (await registry.getSingleMetric('parley_client_dropped_total')?.get()) ?? {}
      return values.find(({ labels }) => labels.what === 'state')?.value ?? Number.NaN
    }
  })

  /** In each of them some say something; what waits is written at its end. */
  const pass = async (seconds: number, who: readonly UserKey[]) => {
    for (let left = seconds; left > 0; left--) {
      second += 1
      for (const key of who) store.put(key, stateOf(key.participant, second))
      await store.flush()
    }
  }
  const stored = (who: readonly UserKey[]) => who.map(world.at)

  it('for a minute keeps the last of each, and writes it when Redis is back', async () => {
    const some = everybody.slice(0, bufferSize)
    await pass(1, some)
    world.state.away = true
    await pass(60, some)
    expect([store.waiting(), await dropped()]).toEqual([bufferSize, 0])
    expect(stored(some)).toEqual(some.map(() => 1))
    world.state.away = false
    await pass(1, [])
    expect([store.waiting(), await dropped()]).toEqual([0, 0])
    expect(stored(some)).toEqual(some.map(() => 61))
  })

  it('keeps no more than the bound: what is dropped is counted each time, and is there with the next word', async () => {
    world.state.away = true
    await pass(60, everybody)
    const [kept, others] = [everybody.slice(0, bufferSize), everybody.slice(bufferSize)]
    expect([store.waiting(), await dropped()]).toEqual([bufferSize, 60 * others.length])
    world.state.away = false
    await pass(1, [])
    expect(stored(kept)).toEqual(kept.map(() => 60))
    expect(stored(others)).toEqual(others.map(() => undefined))
    await pass(1, others)
    expect(stored(others)).toEqual(others.map(() => 62))
    expect([store.waiting(), await dropped()]).toEqual([0, 60 * others.length])
  })

  it('keeps no more than the bound from one writing to the next, either', async () => {
    for (const key of everybody) store.put(key, stateOf(key.participant, 1))
    // Who waits already may change.
    for (const key of everybody.slice(0, bufferSize)) store.put(key, stateOf(key.participant, 2))
    expect([store.waiting(), await dropped()]).toEqual([bufferSize, 100 - bufferSize])
    await store.flush()
    expect(stored(everybody.slice(0, bufferSize))).toEqual(Array(bufferSize).fill(2))
  })

  it('forgets who is gone as soon as it can, also where they left meanwhile', async () => {
    const [one] = everybody as [UserKey]
    await pass(1, [one])
    world.state.away = true
    store.put(one, undefined)
    await pass(60, [])
    expect([store.waiting(), world.at(one)]).toEqual([1, 1])
    world.state.away = false
    await pass(1, [])
    expect([store.waiting(), world.at(one)]).toEqual([0, undefined])
  })

  it('forgets who is gone also where no more states may wait, and takes in nobody for it', async () => {
    const [full, leaving] = [everybody.slice(0, bufferSize), everybody.slice(bufferSize)]
    await pass(1, leaving)
    world.state.away = true
    await pass(1, full)
    for (const key of leaving) store.put(key, undefined)
    await pass(60, full)
    expect([store.waiting(), await dropped()]).toEqual([everybody.length, 0])
    world.state.away = false
    await pass(1, [])
    expect(stored(leaving)).toEqual(leaving.map(() => undefined))
    expect(stored(full)).toEqual(full.map(() => 62))
    expect(store.waiting()).toBe(0)
  })

  it('keeps nothing of who comes and goes while Redis is away', async () => {
    world.state.away = true
    for (const key of everybody) {
      await pass(1, [key])
      store.put(key, undefined)
    }
    expect([store.waiting(), await dropped()]).toEqual([0, 0])
  })

  it('forgets who is gone while their first state is being written', async () => {
    const [one] = everybody as [UserKey]
    world.hold()
    store.put(one, stateOf(one.participant, 1))
    const writing = store.flush()
    store.put(one, undefined)
    world.release()
    await writing
    expect(world.at(one)).toBe(1)
    await pass(1, [])
    expect([store.waiting(), world.at(one)]).toEqual([0, undefined])
  })

  it('that was being written as it went: the later state counts, and of more than may wait the rest is counted', async () => {
    const [first, others] = [everybody.slice(0, bufferSize), everybody.slice(bufferSize)]
    world.hold()
    for (const key of first) store.put(key, stateOf(key.participant, 1))
    const writing = store.flush()
    const [one] = first as [UserKey]
    for (const key of [one, ...others]) store.put(key, stateOf(key.participant, 2))
    world.state.away = true
    world.release()
    await writing
    expect([store.waiting(), await dropped()]).toEqual([bufferSize, others.length])
    world.state.away = false
    await pass(1, [])
    expect(stored([one, ...others])).toEqual([one, ...others].map(() => 2))
  })

  it('says what is refused by a Redis that is there, once a flush, writes the others and tries it again', async () => {
    const [one, two] = everybody as [UserKey, UserKey]
    world.state.refused = one.participant
    await pass(2, [one, two])
    expect(stored([one, two])).toEqual([undefined, 2])
    expect([store.waiting(), faults]).toEqual([1, Array(2).fill('WRONGTYPE of another kind')])
    world.state.refused = undefined
    world.state.away = true
    await pass(1, [])
    expect(faults).toHaveLength(2)
    world.state.away = false
    await pass(1, [])
    expect([store.waiting(), stored([one, two])]).toEqual([0, [2, 2]])
  })
})

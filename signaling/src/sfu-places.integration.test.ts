import { afterEach, describe, expect, it, jest } from '@jest/globals'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { systemClock } from './clock.ts'
import { keepSfuPlaces } from './sfu-places.ts'
import { startLiveKit } from './testing/livekit-process.ts'
import { startRedis } from './testing/redis-process.ts'
import { until } from './testing/signaling-rig.ts'

// Servers on a machine that may be busy; LiveKit may have to be built first.
jest.setTimeout(300_000)

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const places = 'room_node_map'
const key = 'default.town'

describe('REQ-K8: a Redis that comes back without its data', () => {
  it('is told again which LiveKit pod has a room; and whoever came to another one meanwhile is met', async () => {
    const first = await startRedis()
    stops.push(() => first.stop())
    const pods = [await startLiveKit(first.port), await startLiveKit(first.port)]
    for (const pod of pods) stops.push(() => pod.end())
    const store = new Redis(first.url)
    stops.push(() => store.disconnect())
    const enter = async (participant: string) => {
      const [pod] = pods
      const socket = await pod?.enter(await pod.token('town', participant))
      stops.push(() => socket?.close())
      return store.hget(places, key)
    }
    const nodes = () => store.hkeys('nodes')

    const home = await enter('p-a')
    const [other = ''] = (await nodes()).filter((id) => id !== home)
    const lost: [replica: number, ...rooms: string[]][] = []
    const looked = new Set<number>()
    const watches = [1, 2].map((replica) =>
      keepSfuPlaces({
        redis: store,
        clock: {
          now: systemClock.now,
          after(ms, task) {
            looked.add(replica)
            return systemClock.after(ms, task)
          },
        },
        log: pino({ level: 'silent' }),
        rooms: () => [key],
        onSplit: (rooms) => lost.push([replica, ...rooms]),
      }),
    )
    for (const watch of watches) stops.push(() => watch.close())
    await until('both have looked', () => looked.size === 2, 60_000)

    await first.stop()
    const second = await startRedis(first.port)
    stops.push(() => second.stop())
    await until('it is put back', async () => (await store.hget(places, key)) === home, 60_000)
    expect(await enter('p-b')).toBe(home)
    expect(lost).toEqual([])

    // As LiveKit does for somebody who comes before that.
    await store.hset(places, key, other)
    await until('each replica tells its people', () => lost.length === 2, 60_000)
    // As LiveKit does when the pod that all have left closes the room.
    await store.hdel(places, key)
    await until('it is put back', async () => (await store.hget(places, key)) === other, 60_000)
    expect(lost.toSorted()).toEqual([
      [1, key],
      [2, key],
    ])
  })
})

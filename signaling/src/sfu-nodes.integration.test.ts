import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { systemClock } from './clock.ts'
import { watchSfuNodes } from './sfu-nodes.ts'
import { startLiveKit } from './testing/livekit-process.ts'
import { startRedis } from './testing/redis-process.ts'
import { until } from './testing/signaling-rig.ts'

// Servers on a machine that may be busy; LiveKit may have to be built first.
jest.setTimeout(120_000)

type LiveKit = Awaited<ReturnType<typeof startLiveKit>>

let redis: Awaited<ReturnType<typeof startRedis>>
let store: Redis
let one: LiveKit
let two: LiveKit
const stops: (() => unknown)[] = []

beforeAll(async () => {
  redis = await startRedis()
  store = new Redis(redis.url)
  one = await startLiveKit(redis.port)
}, 300_000)
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})
afterAll(async () => {
  await one?.end()
  store?.disconnect()
  await redis?.stop()
})

const nodes = () => store.hkeys('nodes')

/** On which pod somebody who comes in finds the room. */
async function enter(room: string): Promise<string> {
  const socket = await one.enter(await one.token(room, 'p-a'))
  stops.push(() => socket.close())
  return `${await store.hget('room_node_map', `default.${room}`)}`
}

/** A watch that looks often. */
function watch(lost: string[][]) {
  let looks = 0
  const watching = watchSfuNodes({
    redis: store,
    clock: {
      now: systemClock.now,
      after(ms, task) {
        looks++
        return systemClock.after(ms, task)
      },
    },
    log: pino({ level: 'silent' }),
    onLost: (rooms) => lost.push(rooms),
    everyMs: 50,
  })
  stops.push(() => watching.close())
  return { afterLooks: (more: number) => until('it has looked', () => looks >= more, 60_000) }
}

describe('REQ-K7: a LiveKit pod that dies without a word', () => {
  it('is taken off the list at once, by one of two who look; its rooms begin anew on another pod', async () => {
    const [first] = await nodes()
    two = await startLiveKit(redis.port)
    stops.push(() => two.end())
    const [second] = (await nodes()).filter((id) => id !== first)
    const lost: string[][] = []
    const watches = [watch(lost), watch(lost)]
    // Which of the two a new room goes to is LiveKit's own business.
    const there: string[] = []
    for (let i = 0; there.length === 0; i++)
      if ((await enter(`room-${i}`)) === second) there.push(`room-${i}`)
    for (const { afterLooks } of watches) await afterLooks(30)
    expect((await nodes()).sort()).toEqual([first, second].sort())

    await two.stop()
    await until('its rooms are given up', () => lost.length > 0, 60_000)
    expect(lost).toEqual([there.map((room) => `default.${room}`)])
    expect(await nodes()).toEqual([first])
    expect(await enter(there[0] ?? '')).toBe(first)
    for (const { afterLooks } of watches) await afterLooks(60)
    expect(lost).toHaveLength(1)
  })
})

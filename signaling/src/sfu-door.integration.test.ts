import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import type { SignalingConfig } from './config.ts'
import { type Signaling, startSignaling } from './server.ts'
import { closed, liveKitKey, startLiveKit } from './testing/livekit-process.ts'
import { startRedis } from './testing/redis-process.ts'
import { clients, signalingFiles, until } from './testing/signaling-rig.ts'

// Servers on a machine that may be busy; LiveKit may have to be built first.
jest.setTimeout(120_000)

const files = signalingFiles()
const people = clients()
const sockets: WebSocket[] = []
const servers: Signaling[] = []
let redis: Awaited<ReturnType<typeof startRedis>>
let liveKit: Awaited<ReturnType<typeof startLiveKit>>

beforeAll(async () => {
  redis = await startRedis()
  liveKit = await startLiveKit(redis.port)
}, 300_000)
afterEach(async () => {
  people.close()
  for (const socket of sockets.splice(0)) socket.close()
  await Promise.all(servers.splice(0).map((server) => server.close()))
})
afterAll(async () => {
  await liveKit?.end()
  await redis?.stop()
  files.remove()
})

/** Signaling on the real LiveKit, with every room of two on it. */
async function signaling(overrides: Partial<SignalingConfig> = {}): Promise<Signaling> {
  const server = await startSignaling(
    files.config({
      redisUrlFile: files.file('redis-url', redis.url),
      sfu: {
        keysFile: files.file('livekit-keys', `${liveKitKey.apiKey}: ${liveKitKey.secret}\n`),
        url: liveKit.url,
      },
      meshMax: 1,
      leaseMs: 900,
      graceMs: 200,
      ...overrides,
    }),
    { log: pino({ level: 'silent' }) },
  )
  servers.push(server)
  await until('signaling is ready', async () => (await fetch(`${server.url}/readyz`)).ok)
  return server
}

/** Seats them all, and brings each to the place on the SFU that comes with the seat. */
async function call<const Names extends string[]>(server: Signaling, room: string, names: Names) {
  const seated = []
  for (const name of names) seated.push(await people.enter(server.url, room, name))
  return Promise.all(seated.map(onSfu)) as Promise<{
    [I in keyof Names]: Awaited<ReturnType<typeof onSfu>>
  }>
}

async function onSfu(seated: Awaited<ReturnType<typeof people.enter>>) {
  const answer = await seated.client.timeout(5000).emitWithAck('media:refresh', {})
  if (!answer.ok || answer.data.media.mode !== 'sfu') throw new Error('there is no token')
  return { ...seated, ...(await inside(answer.data.media.token)) }
}

async function inside(token: string) {
  const media = await liveKit.enter(token)
  sockets.push(media)
  return { token, media }
}

/** Heartbeats are far apart, so that whoever leaves is seen out by that, and not found later. */
const rarely = { leaseMs: 600_000 }

describe('REQ-K8: who has no seat hears nobody on the SFU', () => {
  it('who leaves and keeps the connection to the SFU loses it; the others keep theirs', async () => {
    const server = await signaling(rarely)
    const [ada, eve] = await call(server, 'left', ['Ada', 'Eve'])
    await eve.client.timeout(5000).emitWithAck('room:leave', {})
    await closed(eve.media)
    expect(ada.media.readyState).toBe(WebSocket.OPEN)
  })

  it('so does the last one, whose room is forgotten with the seat', async () => {
    const server = await signaling(rarely)
    for (const { client, media } of await call(server, 'last', ['Ada', 'Eve'])) {
      await client.timeout(5000).emitWithAck('room:leave', {})
      await closed(media)
    }
  })

  it('who does not come back after a lost socket loses it, who does keeps it', async () => {
    const server = await signaling({ graceMs: 600 })
    const [ada, bo, eve] = await call(server, 'lost', ['Ada', 'Bo', 'Eve'])
    bo.client.disconnect()
    await people.take(server.url, bo.snapshot.resume)
    eve.client.disconnect()
    await closed(eve.media)
    expect([ada, bo].map(({ media }) => media.readyState)).toEqual([WebSocket.OPEN, WebSocket.OPEN])
  })

  it('so does one whose replica has ended, and who comes to no other: another one sweeps the seat', async () => {
    const [one, two] = await Promise.all([signaling(), signaling({ graceMs: 3000 })])
    const eve = await people.enter(two.url, 'died', 'Eve')
    await two.close()
    const [ada] = await call(one, 'died', ['Ada'])
    const { media } = await inside(await liveKit.token('died', eve.id))
    await closed(media)
    expect(ada.media.readyState).toBe(WebSocket.OPEN)
  })

  it('who comes again with an old token is found and seen out', async () => {
    const server = await signaling()
    const [ada, eve] = await call(server, 'again', ['Ada', 'Eve'])
    await eve.client.timeout(5000).emitWithAck('room:leave', {})
    await closed(eve.media)
    const { media } = await inside(eve.token)
    await closed(media)
    expect(ada.media.readyState).toBe(WebSocket.OPEN)
  })

  it('who left while LiveKit was away is seen out when it is back', async () => {
    const server = await signaling()
    await people.enter(server.url, 'away', 'Ada')
    const eve = await people.enter(server.url, 'away', 'Eve')
    await liveKit.stop()
    await eve.client.timeout(5000).emitWithAck('room:leave', {})
    await liveKit.start()
    await closed((await inside(await liveKit.token('away', eve.id))).media)
  })

  it('of two LiveKits each has its rooms; people come in, and are seen out, through either', async () => {
    const other = await startLiveKit(redis.port)
    const server = await signaling(rarely)
    const store = new Redis(redis.url)
    try {
      // Which of them a new room goes to is LiveKit's own business.
      const onNode = new Map<string, Awaited<ReturnType<typeof call<['Ada', 'Eve']>>>>()
      for (let i = 0; onNode.size < 2; i++) {
        const people = await call(server, `spread-${i}`, ['Ada', 'Eve'])
        const node = await store.hget('room_node_map', `default.spread-${i}`)
        onNode.set(`${node}`, people)
      }
      // All of them came in through the first one, and signaling asks that one alone.
      for (const [ada, eve] of onNode.values()) {
        await eve.client.timeout(5000).emitWithAck('room:leave', {})
        await closed(eve.media)
        expect(ada.media.readyState).toBe(WebSocket.OPEN)
      }
    } finally {
      store.disconnect()
      await other.end()
    }
  })
})

import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import type { RoomMedia } from '@parley/protocol'
import { Redis } from 'ioredis'
import { decodeJwt } from 'jose'
import { pino } from 'pino'
import type { SignalingConfig } from './config.ts'
import { type Signaling, startSignaling } from './server.ts'
import { cuttable } from './testing/cuttable.ts'
import { manualClock } from './testing/manual-clock.ts'
import { startRedis } from './testing/redis-process.ts'
import {
  type Client,
  clients,
  requestJoin,
  settle,
  signalingFiles,
  until,
} from './testing/signaling-rig.ts'

// Servers and sockets on a machine that may be busy.
jest.setTimeout(120_000)

const log = pino({ level: 'silent' })
const files = signalingFiles()
const people = clients()
let redis: Awaited<ReturnType<typeof startRedis>>
const servers: Signaling[] = []

/** Keys of an SFU that is not there: nobody here gets as far as to media. */
const sfu = () => ({
  keysFile: files.file('livekit-keys', 'key: a-secret-of-this-test-alone'),
  url: 'http://127.0.0.1:9',
})

async function replica(overrides: Partial<SignalingConfig> = {}): Promise<Signaling> {
  const server = await startSignaling(
    files.config({
      redisUrlFile: files.file('redis-url', redis.url),
      sfu: sfu(),
      meshMax: 2,
      roomMax: 4,
      leaseMs: 2000,
      graceMs: 500,
      drainMs: 4000,
      joinsPerSecond: 1000,
      ...overrides,
    }),
    { log },
  )
  servers.push(server)
  await until('the replica is ready', async () => (await fetch(`${server.url}/readyz`)).ok)
  return server
}

/** What a client is given when it is told that the room has moved. */
function moved(client: Client) {
  return new Promise<{ media: RoomMedia; resume: string }>((resolve, reject) => {
    client.once('room:media', async () => {
      const answer = await client.timeout(5000).emitWithAck('media:refresh', {})
      if (answer.ok) resolve(answer.data)
      else reject(new Error(answer.error.message))
    })
  })
}

beforeAll(async () => {
  redis = await startRedis()
})
afterEach(async () => {
  people.close()
  await Promise.all(servers.splice(0).map((server) => server.close()))
})
afterAll(async () => {
  await redis.stop()
  files.remove()
})

describe('a room that outgrows the mesh', () => {
  it('REQ-K8: moves everybody to the SFU, each with a token, on whichever replica; and ends full', async () => {
    // Heartbeats are far apart: nobody is told by the next one only.
    const [one, two] = await Promise.all([
      replica({ leaseMs: 60_000 }),
      replica({ leaseMs: 60_000 }),
    ])
    const ada = await people.enter(one.url, 'grown', 'Ada')
    const bo = await people.enter(two.url, 'grown', 'Bo')
    expect([ada.snapshot.media, bo.snapshot.media, bo.joined.media]).toEqual(
      Array(3).fill({ mode: 'mesh' }),
    )
    const moves = Promise.all([moved(ada.client), moved(bo.client)])
    const cem = await people.enter(two.url, 'grown', 'Cem')
    // Whoever is on the SFU has a seat, which everybody sees: before it there is no token.
    expect(cem.joined.media).toEqual({ mode: 'sfu', engine: 'LiveKit' })
    expect(cem.snapshot).toMatchObject({ media: { mode: 'sfu' }, maxParticipants: 4 })
    for (const [index, { media, resume }] of (await moves).entries()) {
      const id = [ada, bo][index]?.id
      expect(media.mode === 'sfu' && decodeJwt(media.token)).toMatchObject({
        sub: id,
        video: { room: 'default.grown' },
      })
      expect(decodeJwt(resume)).toMatchObject({ sub: id, sfu: true })
    }
    // They hear of it before they hear of the newcomer, whom they need not try to reach directly.
    await until('Ada hears of Cem', () => ada.events.joined.length === 2)
    expect(ada.events.names).toEqual(['participant:joined', 'room:media', 'participant:joined'])
    // It stays there, also when it could be a mesh again.
    cem.client.disconnect()
    bo.client.disconnect()
    await until('they are gone', () => ada.events.left.length === 2)
    const dee = await people.enter(two.url, 'grown', 'Dee')
    expect(dee.snapshot.media.mode).toBe('sfu')
    const fresh = await ada.client.timeout(5000).emitWithAck('media:refresh', {})
    expect(fresh).toMatchObject({ ok: true, data: { media: { mode: 'sfu' } } })
    for (const name of ['Eli', 'Fay']) await people.enter(one.url, 'grown', name)
    await expect(requestJoin(one.url, 'grown', { name: 'Gus' })).rejects.toThrow('room-full')
  })

  it('REQ-W2: seats who asks for it with the request for a token, seen by all, and for whom no socket comes, not for long', async () => {
    // Their socket comes within the grace period, however busy the machine is.
    const patient = { graceMs: 3000 }
    const [one, two] = await Promise.all([replica(patient), replica(patient)])
    const ada = await people.enter(one.url, 'hasty', 'Ada')
    const early = { name: 'Cem', seat: true }
    // In a mesh nobody could reach them yet.
    expect((await requestJoin(two.url, 'hasty', early)).media).toEqual({ mode: 'mesh' })
    const bo = await people.enter(one.url, 'hasty', 'Bo')
    await until('Ada hears of Bo', () => ada.events.joined.length > 0)
    expect(ada.events.joined.map(({ name }) => name)).toEqual(['Bo'])

    const asked = await requestJoin(two.url, 'hasty', early)
    const token = asked.media.mode === 'sfu' ? asked.media.token : undefined
    expect(decodeJwt(token ?? '')).toMatchObject({
      sub: asked.participantId,
      video: { room: 'default.hasty' },
    })
    await until('both see them', () => bo.events.joined.length + ada.events.joined.length === 3)
    expect(bo.events.joined[0]).toMatchObject({ id: asked.participantId, name: 'Cem' })
    const cem = await people.take(one.url, asked.token)
    expect(cem.id).toBe(asked.participantId)
    expect(cem.snapshot.participants.map(({ name }) => name)).toEqual(['Ada', 'Bo', 'Cem'])
    await until('their media are told', () => bo.events.names.includes('participant:media'))

    const { participantId } = await requestJoin(two.url, 'hasty', { name: 'Dee', seat: true })
    await until('no socket has come', () => bo.events.left.includes(participantId))
    expect(bo.events.left).toEqual([participantId])
    expect(bo.events.joined).toHaveLength(2)
    expect(cem.events.names).not.toContain('session:replaced')
  })

  it('REQ-W1, REQ-W2: nobody sits unseen whose seat before the socket was taken, and Redis lost the answer', async () => {
    const way = await cuttable(redis.port)
    const redisUrlFile = files.file('redis-url-cut', `redis://127.0.0.1:${way.port}/0`)
    const [one, two] = await Promise.all([
      replica({ meshMax: 1 }),
      replica({ meshMax: 1, redisUrlFile }),
    ])
    const reader = new Redis(redis.url)
    try {
      const ada = await people.enter(one.url, 'unheard', 'Ada')
      await people.enter(one.url, 'unheard', 'Bo')
      await until('Ada hears of Bo', () => ada.events.joined.length === 1)
      way.loseAnswersTo('request:')
      const asking = requestJoin(two.url, 'unheard', { name: 'Cem', seat: true })
      const seats = 'parley:local:room:{default.unheard}:seats'
      await until('the seat is taken', async () =>
        (await reader.hvals(seats)).some((value) => value.startsWith('request:')),
      )
      way.cut()
      way.mend()
      const asked = await asking
      // Without a token for the SFU, where they could listen and nobody would know.
      expect(asked.media).toEqual({ mode: 'sfu', engine: 'LiveKit' })
      await settle(ada.client)
      expect(ada.events.joined.map(({ name }) => name)).toEqual(['Bo'])

      await people.take(one.url, asked.token)
      await until('Ada hears of Cem', () => ada.events.joined.length === 2)
      expect(ada.events.joined[1]).toMatchObject({ id: asked.participantId, name: 'Cem' })
      // Who is known and comes over another socket does so without a word.
      await people.take(one.url, asked.token)
      await until('they are back', () => ada.events.names.includes('participant:media'))
      expect(ada.events.joined).toHaveLength(2)
    } finally {
      reader.disconnect()
      await way.close()
    }
  })

  it('REQ-K8: a seat whose socket does not come outlives nobody, and a lock with it', async () => {
    // The last question is asked until the answer is another one.
    const asked = { joinsPerSecond: 1000 }
    const { redisUrlFile: _, ...memory } = files.config({
      ...{ sfu: sfu(), meshMax: 1, graceMs: 300, ...asked },
    })
    const clock = manualClock()
    const server = await startSignaling(memory, { log, clock })
    servers.push(server)
    const ada = await people.enter(server.url, 'left', 'Ada')
    const bo = await people.enter(server.url, 'left', 'Bo')
    const { media } = await requestJoin(server.url, 'left', { name: 'Cem', seat: true })
    expect(media).toHaveProperty('token')
    await ada.client.emitWithAck('room:lock', { locked: true })
    for (const { client } of [bo, ada]) await client.emitWithAck('room:leave', {})
    const { iceServers: before } = await requestJoin(server.url, 'left', { name: 'Dee' })
    expect(before[0]).not.toHaveProperty('credential')
    clock.advance(300)
    await until('the room is open again', async () => {
      const { iceServers } = await requestJoin(server.url, 'left', { name: 'Dee' })
      return iceServers[0]?.credential !== undefined
    })
  })

  it('REQ-K8: seats nobody before a socket comes who has to be let in, or does not ask for it', async () => {
    const server = await replica({ meshMax: 1 } as Partial<SignalingConfig>)
    const ada = await people.enter(server.url, 'locked', 'Ada')
    await people.enter(server.url, 'locked', 'Bo')
    const sfuWithoutToken = { mode: 'sfu', engine: 'LiveKit' }
    expect((await requestJoin(server.url, 'locked', { name: 'Cem' })).media).toEqual(
      sfuWithoutToken,
    )
    await ada.client.emitWithAck('room:lock', { locked: true })
    expect((await requestJoin(server.url, 'locked', { name: 'Cem', seat: true })).media).toEqual(
      sfuWithoutToken,
    )
    await ada.client.emitWithAck('room:lock', { locked: false })
    await people.enter(server.url, 'locked', 'Hal')
    await until('Ada hears of both', () => ada.events.joined.length === 2)
    expect(ada.events.joined.map(({ name }) => name)).toEqual(['Bo', 'Hal'])
  })

  it('REQ-K8: is still on the SFU for a server that knows nothing of it', async () => {
    const before = await replica({ meshMax: 1 } as Partial<SignalingConfig>)
    const ada = await people.enter(before.url, 'forgotten', 'Ada')
    const bo = await people.enter(before.url, 'forgotten', 'Bo')
    expect(decodeJwt(bo.snapshot.resume)).toMatchObject({ sub: bo.id, sfu: true })
    people.close()
    const { redisUrlFile: _, ...memory } = files.config({
      sfu: sfu(),
      meshMax: 2,
    })
    const after = await startSignaling(memory, { log })
    servers.push(after)
    const again = await people.take(after.url, bo.snapshot.resume)
    expect([again.id, again.snapshot.media.mode]).toEqual([bo.id, 'sfu'])
    expect(ada.snapshot.media.mode).toBe('mesh')
  })

  it('REQ-K7: is on the SFU again when Redis came back empty', async () => {
    const server = await replica({ meshMax: 2 })
    for (const name of ['Ada', 'Bo', 'Cem']) await people.enter(server.url, 'emptied', name)
    await redis.stop()
    redis = await startRedis(redis.port)
    await until('the seats are restored', async () => {
      const answer = await requestJoin(server.url, 'emptied', { name: 'Dee' }).catch(
        () => undefined,
      )
      return answer?.media.mode === 'sfu'
    })
  })
})

describe('a room on the SFU that is small again', () => {
  /** Resolves with what `room:media` says of a mesh. */
  const cameBack = (client: Client) =>
    new Promise<string>((resolve) => {
      client.on('room:media', (way) => {
        if (way.mode === 'mesh') resolve(way.reason)
      })
    })

  it('REQ-K8: is a mesh for everybody, on whichever replica, and for who returns with an old token', async () => {
    const small = { meshMax: 3, meshReturnMs: 0 }
    const [one, two] = await Promise.all([replica(small), replica(small)])
    const ada = await people.enter(one.url, 'shrunk', 'Ada')
    const bo = await people.enter(two.url, 'shrunk', 'Bo')
    const cem = await people.enter(one.url, 'shrunk', 'Cem')
    const dee = await people.enter(two.url, 'shrunk', 'Dee')
    expect(dee.snapshot.media.mode).toBe('sfu')
    const told = Promise.all([ada, bo].map(({ client }) => cameBack(client)))
    for (const { client } of [cem, dee]) await client.timeout(5000).emitWithAck('room:leave', {})
    expect(await told).toEqual(['small', 'small'])
    for (const { client } of [ada, bo])
      expect(await client.timeout(5000).emitWithAck('media:refresh', {})).toMatchObject({
        data: { media: { mode: 'mesh', cameBack: true } },
      })
    const again = await people.take(two.url, dee.snapshot.resume)
    expect(again.snapshot.media).toEqual({ mode: 'mesh', cameBack: true })
  })

  it('REQ-K8: leaves an SFU that nobody reaches, and only then', async () => {
    const server = await replica({ meshMax: 3 })
    const [ada, bo, cem, dee] = [
      await people.enter(server.url, 'left', 'Ada'),
      await people.enter(server.url, 'left', 'Bo'),
      await people.enter(server.url, 'left', 'Cem'),
      await people.enter(server.url, 'left', 'Dee'),
    ]
    const ask = () => ada.client.timeout(10_000).emitWithAck('media:unreachable', {})
    // Four are too many for a mesh.
    expect(await ask()).toMatchObject({ ok: true, data: { media: { mode: 'sfu' } } })
    const told = Promise.all([ada, bo, cem].map(({ client }) => cameBack(client)))
    await dee.client.timeout(5000).emitWithAck('room:leave', {})
    expect(await ask()).toMatchObject({ data: { media: { mode: 'mesh', cameBack: true } } })
    expect(await told).toEqual(Array(3).fill('sfu-away'))
  })
})

describe('a replica that drains', () => {
  it('REQ-K7: hands its sockets over to another one, and nobody hears of a leave or a join', async () => {
    const [one, two] = await Promise.all([replica(), replica()])
    const ada = await people.enter(one.url, 'drained', 'Ada')
    const bo = await people.enter(two.url, 'drained', 'Bo')
    const moved = new Promise<string>((resolve) => {
      ada.client.on('session:move', async ({ resume }) => {
        const next = await people.take(two.url, resume)
        expect(ada.client.connected || ada.events.names.includes('session:replaced')).toBe(true)
        resolve(next.id)
      })
    })
    const drained = one.drain()
    await until('it is not ready', async () => (await fetch(`${one.url}/readyz`)).status === 503)
    const late = people.socket(one.url, ada.joined.token)
    await new Promise((resolve) => late.once('connect_error', resolve))
    late.disconnect()
    expect(await moved).toBe(ada.id)
    await drained
    await until('the old socket has ended', () => !ada.client.connected)
    expect(bo.events.names.filter((name) => /joined|left/.test(name))).toEqual([])
    // Signals reach the participant where it is now.
    const answer = await bo.client
      .timeout(5000)
      .emitWithAck('signal', { to: ada.id, signal: { candidate: null } })
    expect(answer.ok).toBe(true)
  })

  it('REQ-K7: waits no longer than it may for clients that have nowhere to go', async () => {
    const alone = await replica({ drainMs: 300 })
    const ada = await people.enter(alone.url, 'alone', 'Ada')
    await alone.drain()
    expect(ada.client.connected).toBe(true)
    await until('Ada was asked', () => ada.events.names.includes('session:move'))
  })
})

import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { execa } from 'execa'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import type { SignalingConfig } from './config.ts'
import { type Signaling, startSignaling } from './server.ts'
import { cuttable } from './testing/cuttable.ts'
import { firstLine } from './testing/first-line.ts'
import { startRedis } from './testing/redis-process.ts'
import {
  clients,
  postJoin,
  requestJoin,
  seat,
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
let one: Signaling
let two: Signaling

/** Short leases: Redis' own clock rules them, so a dead replica is noticed in test time. */
const leases = { leaseMs: 3000, graceMs: 500 }

async function replica(overrides: Partial<SignalingConfig> = {}): Promise<Signaling> {
  const redisUrlFile = files.file('redis-url', redis.url)
  // A test asks until an answer is another one.
  const often = { joinsPerSecond: 1000, messagesPerSecond: 1000 }
  const config = { redisUrlFile, meshMax: 4, ...often, ...leases, ...overrides }
  const server = await startSignaling(files.config(config), { log })
  await isReady(server)
  return server
}

const readiness = async ({ url }: Signaling) => (await fetch(`${url}/readyz`)).status
const isReady = (server: Signaling) =>
  until('the replica is ready', async () => (await readiness(server)) === 200)

async function roomShares({ url }: Signaling): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(/^parley_signaling_room_shares (.*)$/m.exec(text)?.[1])
}

beforeAll(async () => {
  redis = await startRedis()
  one = await replica()
  two = await replica()
})
let victim: { kill(signal: NodeJS.Signals): boolean } | undefined
afterEach(() => {
  people.close()
  victim?.kill('SIGKILL')
})
afterAll(async () => {
  await Promise.all([one?.close(), two?.close()])
  await redis.stop()
  files.remove()
})

describe('two replicas on one Redis', () => {
  it('share a room: three people meet, signals and leaves cross', async () => {
    const ann = await people.enter(one.url, 'shared', 'Ann')
    const bob = await people.enter(two.url, 'shared', 'Bob')
    const cid = await people.enter(one.url, 'shared', 'Cid')
    expect(cid.snapshot.participants.map(({ name }) => name)).toEqual(['Ann', 'Bob', 'Cid'])
    // REQ-K6: of one room with two of its three people here.
    expect(await roomShares(one)).toBeCloseTo(2 / 3)
    expect(await roomShares(two)).toBeCloseTo(1 / 3)
    await until('Ann hears of both', () => ann.events.joined.length === 2)
    await until('Bob hears of Cid', () => bob.events.joined.length === 1)
    expect(bob.events.joined).toMatchObject([{ id: cid.id, name: 'Cid' }])

    for (let i = 0; i < 10; i++)
      ann.client.emit(
        'signal',
        { to: bob.id, signal: { candidate: { candidate: `${i}` } } },
        () => {},
      )
    await bob.client.emitWithAck('signal', { to: cid.id, signal: { candidate: null } })
    await until('signals cross', () => bob.events.signals.length + cid.events.signals.length === 11)
    expect(bob.events.signals.map(({ signal }) => signal)).toEqual(
      Array.from({ length: 10 }, (_, i) => ({ candidate: { candidate: `${i}` } })),
    )
    expect(cid.events.signals).toEqual([{ from: bob.id, signal: { candidate: null } }])

    await bob.client.emitWithAck('room:leave', {})
    await until('both hear it', () => ann.events.left.length + cid.events.left.length === 2)
    expect((await seat(ann.client)).participants.map(({ id }) => id)).toEqual([ann.id, cid.id])
    const answer = await ann.client.emitWithAck('signal', {
      to: bob.id,
      signal: { candidate: null },
    })
    expect(answer).toMatchObject({ ok: false, error: { code: 'not-found' } })
  })

  it('share what is said: whoever comes late to the other one has it, and nothing twice', async () => {
    const ann = await people.enter(one.url, 'chat', 'Ann')
    const bob = await people.enter(two.url, 'chat', 'Bob')
    const heard: string[] = []
    bob.client.on('chat:message', ({ text }) => heard.push(text))
    const say = (person: { client: typeof ann.client }, n: number) =>
      person.client.emitWithAck('chat:send', { id: `message-number-${n}`, text: `said ${n}` })
    const first = await say(ann, 1)
    await say(bob, 2)
    await until('Bob hears both', () => heard.length === 2)

    // Ann's socket is lost before she has the answer; she says it again, to the other replica.
    ann.client.disconnect()
    const again = await people.take(two.url, ann.joined.token)
    expect(await say(again, 1)).toEqual(first)
    const cid = await people.enter(two.url, 'chat', 'Cid')
    const history = await cid.client.emitWithAck('chat:history', {})
    expect(history).toMatchObject({
      ok: true,
      data: {
        messages: [
          { id: 'message-number-1', text: 'said 1', from: ann.id, name: 'Ann' },
          { id: 'message-number-2', text: 'said 2', from: bob.id, name: 'Bob' },
        ],
      },
    })

    // The last of them leaves, and what was said goes soon after.
    for (const person of [again, bob, cid]) await person.client.emitWithAck('room:leave', {})
    const client = new Redis(redis.url)
    const lives = await Promise.all(
      ['chat', 'chat-ids'].map((name) => client.pttl(`parley:local:room:{default.chat}:${name}`)),
    )
    client.disconnect()
    // -2: it is gone already.
    for (const ms of lives) expect(ms === -2 || (ms > 0 && ms <= 10_000)).toBe(true)
  })

  it('share raised hands, which hosts lower, and reactions', async () => {
    const ann = await people.enter(one.url, 'hands', 'Ann')
    const bob = await people.enter(two.url, 'hands', 'Bob')
    const seen: unknown[] = []
    ann.client.on('participant:hand', (hand) => seen.push(hand))
    ann.client.on('reaction', (reaction) => seen.push(reaction))
    const up = await bob.client.emitWithAck('hand:set', { raised: true })
    if (!up.ok) throw new Error(up.error.message)
    await bob.client.emitWithAck('reaction:send', { reaction: 'applause' })
    await until('Ann sees both', () => seen.length === 2)
    expect(seen).toEqual([
      { id: bob.id, at: up.data.at },
      { id: bob.id, reaction: 'applause' },
    ])
    const { snapshot } = await people.enter(one.url, 'hands', 'Cid')
    expect(snapshot.participants.map(({ handAt }) => handAt ?? null)).toEqual([
      null,
      up.data.at,
      null,
    ])
    // Ann was the first here, and is the host.
    expect(await bob.client.emitWithAck('hand:lower', { id: ann.id })).toMatchObject({
      error: { code: 'forbidden' },
    })
    expect(await ann.client.emitWithAck('hand:lower', { id: bob.id })).toMatchObject({ ok: true })
    await until('it is down', () => seen.length === 3)
    expect((await seat(ann.client)).participants[1]).not.toHaveProperty('handAt')
  })

  it('hold the capacity together, however many come at once to either', async () => {
    const tokens = await Promise.all(
      Array.from({ length: 16 }, (_, i) => requestJoin(one.url, 'race', { name: `P${i}` })),
    )
    const outcomes = await Promise.allSettled(
      tokens.map(({ token }, i) => people.take(i % 2 ? one.url : two.url, token)),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'room-full' })
    expect((await postJoin(two.url, 'race', { name: 'Late' })).status).toBe(409)
  })

  it('a participant comes back to the other replica without a flicker', async () => {
    const ann = await people.enter(one.url, 'move', 'Ann')
    const bob = await people.enter(one.url, 'move', 'Bob')
    await until('Ann hears of Bob', () => ann.events.joined.length > 0)
    bob.client.disconnect()
    const again = await people.take(two.url, bob.joined.token)
    // Long enough for the old replica's grace period and for a lease that nobody renewed.
    await new Promise((resolve) => setTimeout(resolve, leases.leaseMs + leases.graceMs))
    await settle(ann.client)
    expect(ann.events.left).toEqual([])
    expect(ann.events.joined.map(({ id }) => id)).toEqual([bob.id])
    await ann.client.emitWithAck('signal', { to: bob.id, signal: { candidate: null } })
    await until('the signal follows', () => again.events.signals.length === 1)
  })

  it('a second socket on the other replica ends the first', async () => {
    const bob = await people.enter(one.url, 'twin', 'Bob')
    const ended = new Promise((resolve) => bob.client.once('disconnect', resolve))
    await people.take(two.url, bob.joined.token)
    expect(await ended).toBe('io server disconnect')
    expect(bob.events.names).toContain('session:replaced')
  })

  it('whoever does not come back leaves after the grace period, for all replicas', async () => {
    const ann = await people.enter(one.url, 'gone', 'Ann')
    const bob = await people.enter(two.url, 'gone', 'Bob')
    bob.client.disconnect()
    await until('Ann hears it', () => ann.events.left.length > 0)
    expect(ann.events.left).toEqual([bob.id])
  })

  it('the people of a replica that is killed vanish, once each, and nothing of them stays', async () => {
    const redisUrlFile = files.file('redis-url', redis.url)
    const doomed = execa(process.execPath, ['signaling/src/main.ts'], {
      env: {
        ...files.env,
        REDIS_URL_FILE: redisUrlFile,
        PARLEY_LEASE_SECONDS: '2',
        PARLEY_MESH_MAX: '4',
      },
      reject: false,
      buffer: false,
    })
    victim = doomed
    const started = await firstLine(doomed.stdout, (line) => line.includes('signaling started'))
    const { url } = JSON.parse(started) as { url: string }
    await until('it is ready', async () => (await fetch(`${url}/readyz`)).status === 200)
    const ann = await people.enter(one.url, 'killed', 'Ann')
    const bob = await people.enter(url, 'killed', 'Bob')
    const cid = await people.enter(url, 'killed', 'Cid')
    const dan = await people.enter(two.url, 'killed', 'Dan')
    for (const { client } of [bob, cid]) client.io.reconnection(false)
    doomed.kill('SIGKILL')
    await until('both are gone', () => ann.events.left.length >= 2 && dan.events.left.length >= 2)
    await settle(ann.client)
    expect([...ann.events.left].sort()).toEqual([bob.id, cid.id].sort())
    expect([...dan.events.left].sort()).toEqual([bob.id, cid.id].sort())
    expect((await seat(ann.client)).participants.map(({ id }) => id)).toEqual([ann.id, dan.id])
    const eve = await people.enter(two.url, 'killed', 'Eve')
    expect(eve.snapshot.participants).toHaveLength(3)
  })

  it('a replica that is told to stop gives its seats over: its people return elsewhere unnoticed', async () => {
    // However long it takes to end, and Bob to return.
    const third = await replica({ graceMs: 20_000 })
    const ann = await people.enter(one.url, 'drain', 'Ann')
    const bob = await people.enter(third.url, 'drain', 'Bob')
    const ended = new Promise((resolve) => bob.client.once('disconnect', resolve))
    await third.close()
    expect(await ended).toBe('transport close') // after which socket.io returns by itself
    const again = await people.take(two.url, bob.joined.token)
    await settle(ann.client)
    expect(again.id).toBe(bob.id)
    expect(ann.events.left).toEqual([])
  })
})

describe('a replica that alone is cut off from Redis', () => {
  it('gets its people to move while their seats still stand: nobody is taken for gone; it serves again afterwards', async () => {
    const way = await cuttable(redis.port)
    const redisUrlFile = files.file('redis-url-of-one', `redis://127.0.0.1:${way.port}/0`)
    // Two thirds of it are over when people are told; they need a moment to move, and more where a machine is busy.
    const alone = await replica({ redisUrlFile, leaseMs: 2 * leases.leaseMs })
    try {
      const ann = await people.enter(one.url, 'cut', 'Ann')
      const bob = await people.enter(alone.url, 'cut', 'Bob')
      const told = new Promise<string>((resolve) =>
        bob.client.once('session:move', ({ resume }) => resolve(resume)),
      )
      way.cut()
      const again = await people.take(one.url, await told)
      expect(again.id).toBe(bob.id)
      expect(bob.client.connected).toBe(true)
      bob.client.disconnect()
      await new Promise((resolve) => setTimeout(resolve, leases.leaseMs + leases.graceMs))
      await settle(ann.client)
      expect(ann.events.left).toEqual([])
      expect(again.client.connected).toBe(true)
      way.mend()
      await isReady(alone)
      const eve = await people.enter(alone.url, 'cut', 'Eve')
      expect(eve.snapshot.participants.map(({ name }) => name)).toEqual(['Ann', 'Bob', 'Eve'])
    } finally {
      await alone.close()
      await way.close()
    }
  })

  it('REQ-W1: tells of who has a seat of which it has lost the answer, once they ask again', async () => {
    const way = await cuttable(redis.port)
    const redisUrlFile = files.file('redis-url-of-one', `redis://127.0.0.1:${way.port}/0`)
    const alone = await replica({ redisUrlFile })
    const reader = new Redis(redis.url)
    try {
      const ann = await people.enter(one.url, 'unheard', 'Ann')
      const { token, participantId } = await requestJoin(alone.url, 'unheard', { name: 'Bob' })
      const bob = people.socket(alone.url, token)
      way.loseAnswersTo('"name":"Bob"')
      const refused = seat(bob).catch((error) => error)
      const seats = 'parley:local:room:{default.unheard}:seats'
      await until(
        'the seat is taken',
        async () => (await reader.hexists(seats, `${participantId}:s`)) === 1,
      )
      way.cut()
      way.mend()
      expect(await refused).toMatchObject({ code: 'unavailable' })
      await settle(ann.client)
      expect(ann.events.joined).toEqual([])
      await isReady(alone)
      await seat(bob)
      await until('Ann hears of Bob', () => ann.events.joined.length > 0)
      expect(ann.events.joined).toMatchObject([{ id: participantId, name: 'Bob' }])
    } finally {
      reader.disconnect()
      await alone.close()
      await way.close()
    }
  })

  it('keeps those who cannot move, and says so when it is back', async () => {
    const way = await cuttable(redis.port)
    const redisUrlFile = files.file('redis-url-of-one', `redis://127.0.0.1:${way.port}/0`)
    const alone = await replica({ redisUrlFile })
    try {
      const ann = await people.enter(one.url, 'kept', 'Ann')
      const bob = await people.enter(alone.url, 'kept', 'Bob')
      way.cut()
      await until('Bob is missed', () => ann.events.left.length > 0)
      await settle(bob.client)
      way.mend()
      await until('Bob is back', () => ann.events.joined.length === 2)
      expect(ann.events.joined.map(({ id }) => id)).toEqual([bob.id, bob.id])
      expect(bob.events.names.filter((name) => name === 'session:move')).toHaveLength(1)
    } finally {
      await alone.close()
      await way.close()
    }
  })
})

describe('an outage of Redis', () => {
  it('keeps the server alive and calls going, refuses joins as unavailable, and heals', async () => {
    const ann = await people.enter(one.url, 'outage', 'Ann')
    const bob = await people.enter(one.url, 'outage', 'Bob')
    const { port } = redis
    await redis.stop()

    await until('it is not ready', async () => (await readiness(one)) === 503)
    expect((await fetch(`${one.url}/healthz`)).status).toBe(200)
    const response = await postJoin(one.url, 'outage', { name: 'Cid' })
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ code: 'unavailable' })
    expect(
      await ann.client.emitWithAck('media:state', { audio: false, video: false }),
    ).toMatchObject({
      ok: false,
      error: { code: 'unavailable' },
    })
    expect(await ann.client.emitWithAck('turn:refresh', {})).toMatchObject({ ok: true })
    // Between two people on one replica even signals go on.
    expect(
      await ann.client.emitWithAck('signal', { to: bob.id, signal: { candidate: null } }),
    ).toMatchObject({ ok: true })
    await until('the signal arrives', () => bob.events.signals.length === 1)

    // It comes back with nothing in it.
    redis = await startRedis(port)
    await Promise.all([isReady(one), isReady(two)])
    const cid = await people.enter(two.url, 'outage', 'Cid')
    const seen = async () => (await seat(cid.client)).participants.map(({ name }) => name)
    await until('the seats are back', async () => (await seen()).length === 3)
    await new Promise((resolve) => setTimeout(resolve, 1.5 * leases.leaseMs))
    expect((await seen()).sort()).toEqual(['Ann', 'Bob', 'Cid'])
    expect([ann.events.left, bob.events.left, cid.events.left]).toEqual([[], [], []])
    await cid.client.emitWithAck('signal', { to: ann.id, signal: { candidate: null } })
    await until('signals cross again', () => ann.events.signals.length === 1)
  })

  it('that outlasts every lease loses nobody when Redis kept its data', async () => {
    const ann = await people.enter(one.url, 'frozen', 'Ann')
    const bob = await people.enter(two.url, 'frozen', 'Bob')
    redis.signal('SIGSTOP')
    await until('it is not ready', async () => (await readiness(one)) === 503)
    redis.signal('SIGCONT')
    await Promise.all([isReady(one), isReady(two)])
    await new Promise((resolve) => setTimeout(resolve, 1.5 * leases.leaseMs))
    const { participants } = await seat(ann.client)
    expect(participants.map(({ id }) => id).sort()).toEqual([ann.id, bob.id].sort())
  })

  it('before the first connection is an outage like any other, also for stopping', async () => {
    const nowhere = files.file('redis-nowhere', 'redis://127.0.0.1:1/0')
    const server = await startSignaling(files.config({ redisUrlFile: nowhere }), { log })
    expect(await readiness(server)).toBe(503)
    expect((await postJoin(server.url, 'r', { name: 'Ann' })).status).toBe(503)
    await server.close()
  })

  it('rooms leave no keys behind', async () => {
    const ann = await people.enter(one.url, 'keys', 'Ann')
    const client = new Redis(redis.url)
    const keys = () => client.keys('parley:local:room:{default.keys}:*')
    expect((await keys()).sort()).toEqual([
      'parley:local:room:{default.keys}:leases',
      'parley:local:room:{default.keys}:seats',
    ])
    await ann.client.emitWithAck('room:leave', {})
    expect(await keys()).toEqual([])
    client.disconnect()
  })
})

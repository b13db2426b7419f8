import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  type Ack,
  type AdminHistory,
  type AdminTokenResponse,
  type FullMetrics,
  type LinkReport,
  type LiveSnapshot,
  type LiveUpdate,
  type MeetingAlert,
  metricsNamespace,
} from '@parley/protocol'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { io, type Socket } from 'socket.io-client'
import { signAdminLink } from '../access/admin-token.ts'
import { signInvite } from '../access/invite-token.ts'
import type { SignalingConfig } from '../config.ts'
import { type Signaling, startSignaling } from '../server.ts'
import { startRedis } from '../testing/redis-process.ts'
import { clients, joinKey, requestJoin, signalingFiles, until } from '../testing/signaling-rig.ts'

const log = pino({ level: 'silent' })
const full = (more: Partial<FullMetrics> = {}): FullMetrics => ({
  ...{ n: 1, full: true, up: 500, down: 800, rtt: 40, min: 38, max: 45, loss: 0, jitter: 2 },
  ...{ links: 1, relayed: 0, tx: 10, rx: 20, back: 0, ...more },
})

const files = signalingFiles()
const people = clients()
const sockets: Socket[] = []
const readers: Redis[] = []
const signalings: Signaling[] = []
const redises: RedisProcess[] = []
let server: Signaling
let redis: RedisProcess
let replicas: Signaling[]

type RedisProcess = Awaited<ReturnType<typeof startRedis>>

async function signalingOf(config: SignalingConfig) {
  const one = await startSignaling(config, { log })
  signalings.push(one)
  return one
}
async function redisAt(port?: number) {
  const one = await startRedis(port)
  redises.push(one)
  return one
}
function readerOf({ url }: RedisProcess) {
  const one = new Redis(url)
  readers.push(one)
  return one
}

beforeAll(async () => {
  redis = await redisAt()
  server = await signalingOf(files.config())
  const redisUrlFile = files.file('redis-url', redis.url)
  const config = files.config({ redisUrlFile, cluster: 'metrics' })
  replicas = [await signalingOf(config), await signalingOf(config)]
}, 120_000)

// Whatever became of a test: one handle that is left keeps the process.
afterAll(async () => {
  for (const one of [...sockets, ...readers]) one.disconnect()
  people.close()
  const closed = await Promise.allSettled(signalings.map((one) => one.close()))
  await Promise.all(redises.map((one) => one.stop()))
  files.remove()
  expect(closed.filter(({ status }) => status === 'rejected')).toEqual([])
}, 120_000)

/** A socket of the namespace; `ask` resolves with the acknowledgement. */
function metricsSocket(url: string, token: unknown, headers: Record<string, string> = {}) {
  const socket = io(`${url}${metricsNamespace}`, {
    ...{ auth: { token }, transports: ['websocket'], forceNew: true, extraHeaders: headers },
    ...{ reconnectionDelay: 20, reconnectionDelayMax: 50 },
  })
  sockets.push(socket)
  const ask = <T = null>(event: string, message: unknown): Promise<Ack<T>> =>
    socket.timeout(10_000).emitWithAck(event, message)
  return { socket, ask, say: (message: unknown) => ask('meeting:metrics', message) }
}

async function seated(url: string, room: string) {
  const person = await people.enter(url, room, 'Ana')
  const { token, participantId: id } = person.joined
  return { ...person, id, ...metricsSocket(url, token) }
}

async function adminAt(url: string) {
  const claims = { room: 'office', tenant: 'default', role: 'admin' as const, name: 'Ada' }
  const { invite } = await signInvite(joinKey, claims, Date.now(), 600)
  const { token } = await requestJoin(url, 'office', { name: 'Ada', invite })
  const admin = metricsSocket(url, token)
  const heard = { updates: [] as LiveUpdate[], alerts: [] as MeetingAlert[] }
  admin.socket.on('meeting:metrics:update', ({ updates }) => heard.updates.push(...updates))
  admin.socket.on('meeting:alerts', ({ alerts }) => heard.alerts.push(...alerts))
  const answer = await admin.ask<LiveSnapshot>('admin:subscribe', {})
  if (!answer.ok) throw new Error(answer.error.message)
  return { ...admin, heard, snapshot: answer.data }
}

/** What a page says of a link that it was told to relay. */
const relayedTo = (peer: string): LinkReport => ({
  ...{ link: 0, ageMs: 1, peer, policy: 'relay', errors: [], mappingVaries: false },
  ...{ gathered: { host: false, srflx: false, relay: true }, failedPairs: 0, ended: false },
  answered: { udp: true, tcp: false, tls: false },
  selected: { local: 'relay', remote: 'host', relayProtocol: 'udp' },
})

/** An admin of a tenant without a seat, by a link. */
async function adminByLink(url: string, tenant = 'default') {
  const link = await signAdminLink(joinKey, { tenant }, Date.now(), 600)
  const response = await fetch(`${url}/api/admin/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ link }),
  })
  const { token } = (await response.json()) as AdminTokenResponse
  return { token, ...metricsSocket(url, token) }
}

const refusalOf = (socket: Socket) =>
  new Promise<string>((resolve) =>
    socket.once('connect_error', (error) =>
      resolve((error as Error & { data?: { code: string } }).data?.code ?? error.message),
    ),
  )
const code = (answer: Ack<unknown>) => (answer.ok ? 'ok' : answer.error.code)

describe('the metrics gateway', () => {
  it('REQ-G1, REQ-G2: what a page says comes merged to an admin, and so does that it is gone', async () => {
    const ana = await seated(server.url, 'daily')
    expect(code(await ana.say({ meetingId: 'daily', metrics: full(), timestamp: 1 }))).toBe('ok')
    const admin = await adminAt(server.url)
    expect(admin.snapshot.users).toMatchObject([{ meetingId: 'daily', userId: ana.id }])

    expect(code(await ana.say({ metrics: { n: 2, up: 700, rtt: 450, relayed: 1 } }))).toBe('ok')
    await until('an update', () =>
      admin.heard.updates.some((one) => 'metrics' in one && one.metrics.up === 700),
    )
    expect(admin.heard.updates.at(-1)).toMatchObject({ quality: 'poor', metrics: { down: 800 } })
    expect(admin.heard.alerts.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
      'latency open',
      'quality open',
      'relay open',
    ])

    ana.socket.disconnect()
    await until('that she is gone', () =>
      admin.heard.updates.some((one) => 'gone' in one && one.userId === ana.id),
    )
    expect(admin.heard.alerts.filter(({ state }) => state === 'resolved')).toHaveLength(3)
    expect((await adminAt(server.url)).snapshot).toEqual({ users: [], alerts: [] })
  }, 120_000)

  it('REQ-G5: nobody without a token, of another origin, or who is no admin', async () => {
    expect(await refusalOf(metricsSocket(server.url, 'forged').socket)).toBe('unauthenticated')
    expect(await refusalOf(metricsSocket(server.url, undefined).socket)).toBe('unauthenticated')
    const { joined } = await people.enter(server.url, 'origin', 'Ana')
    const evil = metricsSocket(server.url, joined.token, { origin: 'https://evil.example' })
    expect(await refusalOf(evil.socket)).toMatch(/error/)
    const ana = await seated(server.url, 'daily')
    expect(code(await ana.ask('admin:subscribe', {}))).toBe('forbidden')
  }, 120_000)

  it('REQ-G2: an admin without a seat sees their tenant, says nothing of any meeting, and takes no seat', async () => {
    const ana = await seated(server.url, 'watched')
    expect(code(await ana.say({ metrics: full({ relayed: 1 }) }))).toBe('ok')
    const admin = await adminByLink(server.url)
    const seen = await admin.ask<LiveSnapshot>('admin:subscribe', {})
    expect(seen.ok && seen.data.users.map(({ userId }) => userId)).toContain(ana.id)
    expect(code(await admin.say({ metrics: full() }))).toBe('not-joined')
    const other = await adminByLink(server.url, 'acme')
    expect(await other.ask('admin:subscribe', {})).toEqual({
      ok: true,
      data: { users: [], alerts: [] },
    })

    const bob = await people.enter(server.url, 'watched', 'Bob')
    const who = { meetingId: 'watched', userId: ana.id }
    expect(
      await ana.client.timeout(5000).emitWithAck('link:report', relayedTo(bob.id)),
    ).toMatchObject({
      ok: true,
    })
    const links = [
      { peer: bob.id, relayed: true, relayOf: 'self', reason: 'policy', relayProtocol: 'udp' },
    ]
    expect(await admin.ask<AdminHistory>('admin:history', who)).toMatchObject({
      ok: true,
      data: { links },
    })
    expect(await other.ask<AdminHistory>('admin:history', who)).toEqual({
      ok: true,
      data: { minutes: [], links: [] },
    })
    expect(code(await admin.ask('admin:history', { meetingId: 'watched' }))).toBe('invalid')
    expect(code(await ana.ask('admin:history', who))).toBe('forbidden')
    // The call's own sockets take another token.
    expect(await refusalOf(people.socket(server.url, admin.token) as unknown as Socket)).toBe(
      'unauthenticated',
    )
  }, 120_000)

  it('REQ-G1: only of the room one sits in, and of oneself; what is absurd is refused by name', async () => {
    const ana = await seated(server.url, 'mine')
    const of = async (message: unknown) => code(await ana.say(message))
    expect(await of({ meetingId: 'theirs', metrics: full() })).toBe('forbidden')
    expect(await of({ userId: 'p-somebody', metrics: full() })).toBe('forbidden')
    for (const up of [-1, 1e12, 0.5, 'x', null])
      expect(await of({ metrics: { ...full(), up } })).toBe('invalid')
    for (const odd of [undefined, null, 'x', [], { metrics: {} }])
      expect(await of(odd)).toBe('invalid')
    // A token alone is no seat.
    const { token } = await requestJoin(server.url, 'mine', { name: 'Eve' })
    const eve = metricsSocket(server.url, token)
    expect(code(await eve.say({ metrics: full() }))).toBe('not-joined')
  }, 120_000)

  it('REQ-G1, REQ-G5: a gap asks for all of it, once; too many events are refused', async () => {
    const ana = await seated(server.url, 'gaps')
    let asked = 0
    ana.socket.on('meeting:metrics:full', () => asked++)
    await ana.say({ metrics: full() })
    // Together: two seconds later it would be asked for again.
    await Promise.all([3, 4].map((n) => ana.say({ metrics: { n, up: 1 } })))
    expect(code(await ana.say({ metrics: full({ up: 9 }) }))).toBe('ok')
    expect(asked).toBe(1)
    const many = await Promise.all(
      Array.from({ length: 30 }, (_, index) => ana.say({ metrics: { n: 2 + index } })),
    )
    expect(many.map(code)).toContain('rate-limited')
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toMatch(/parley_client_events_total\{outcome="gap"\} [1-9]/)
    expect(metrics).toMatch(/parley_client_events_refused_total\{code="rate-limited"\} [1-9]/)
    // Neither rooms nor people are in them.
    expect(metrics).not.toMatch(/^(parley_client|video_connection).*(gaps|p-[a-z0-9]{8})/m)
  }, 120_000)

  it('REQ-G1, REQ-G2: replicas share the live state by way of Redis, and what it misses while it is away', async () => {
    const [first, second] = replicas as [Signaling, Signaling]
    const ana = await seated(first.url, 'shared')
    await ana.say({ metrics: full({ relayed: 1 }) })
    const reader = readerOf(redis)
    const key = `parley:metrics:meeting:default.shared:user:${ana.id}:metrics`
    await until('the state is in Redis', async () => (await reader.hexists(key, 'state')) === 1)
    expect(await reader.pttl(key)).toBeGreaterThan(200_000)

    const admin = await adminAt(second.url)
    expect(admin.snapshot.users).toMatchObject([{ userId: ana.id }])
    expect(admin.snapshot.alerts).toMatchObject([{ kind: 'relay', state: 'open' }])
    await ana.say({ metrics: { n: 2, relayed: 0 } })
    await until('the other replica tells of it', () =>
      admin.heard.alerts.some(({ kind, state }) => kind === 'relay' && state === 'resolved'),
    )

    // Her page goes on at the other replica: what the first one has to say is of no interest any more.
    const again = metricsSocket(second.url, ana.joined.token)
    expect(code(await again.say({ metrics: full({ up: 1234 }) }))).toBe('ok')
    const up = async () => JSON.parse((await reader.hget(key, 'state')) ?? '{}').user?.metrics.up
    await until('the newer state is there', async () => (await up()) === 1234)
    await ana.say({ metrics: { n: 3, up: 1 } })
    ana.socket.disconnect()

    redis.signal('SIGSTOP')
    const said = await again.say({ metrics: { n: 2, up: 4321 } }).finally(() => {
      redis.signal('SIGCONT')
    })
    expect(code(said)).toBe('ok')
    await until('what was said meanwhile is there', async () => (await up()) === 4321)
    again.socket.disconnect()
    await until('she is gone from Redis', async () => (await reader.exists(key)) === 0)
  }, 120_000)

  it('REQ-G1: while Redis is gone keeps as many states as it may, counts what it drops, and tells admins on', async () => {
    const own = await redisAt()
    const redisUrlFile = files.file('redis-url-own', own.url)
    const { meetingMetrics } = files.config()
    if (!meetingMetrics) throw new Error('no metrics of meetings')
    const config = files.config({
      ...{ redisUrlFile, cluster: 'gone', meetingMetrics: { ...meetingMetrics, bufferSize: 1 } },
    })
    const one = await signalingOf(config)
    const figure = async (of: string) => {
      const text = await (await fetch(`${one.url}/metrics`)).text()
      return Number(
        text
          .split('\n')
          .find((line) => line.startsWith(of))
          ?.split(' ')[1],
      )
    }
    const drops = () => figure('parley_client_dropped_total{what="state"}')
    const waiting = () => figure('parley_client_states_waiting')
    const admin = await adminAt(one.url)
    const [ana, ben] = [await seated(one.url, 'gone'), await seated(one.url, 'gone')]
    for (const { say } of [ana, ben]) {
      expect(code(await say({ metrics: full() }))).toBe('ok')
      await until('it is written', async () => (await waiting()) === 0)
    }
    expect(await drops()).toBe(0)

    await own.stop()
    for (const { say } of [ana, ben])
      expect(code(await say({ metrics: { n: 2, up: 1234 } }))).toBe('ok')
    await until('one state is too many', async () => (await drops()) === 1)
    await until('the other one waits', async () => (await waiting()) === 1)
    const updates = () => figure('parley_client_dropped_total{what="update"}')
    await until('replicas are not told', async () => (await updates()) > 0)
    const heard = () =>
      new Set(admin.heard.updates.flatMap((one) => ('gone' in one ? [] : [one.metrics.up])))
    await until('the admin knows of both', () => heard().has(1234))

    const reader = readerOf(await redisAt(own.port))
    const ups = () =>
      Promise.all(
        [ana, ben].map(async ({ id }) => {
          const key = `parley:gone:meeting:default.gone:user:${id}:metrics`
          return JSON.parse((await reader.hget(key, 'state')) ?? '{}').user?.metrics.up
        }),
      )
    await until('the one is there', async () => (await ups()).filter(Boolean).length === 1)
    expect((await ups()).toSorted()).toEqual([1234, undefined])
    for (const { say } of [ana, ben]) await say({ metrics: { n: 3, up: 4321 } })
  }, 120_000)

  it('REQ-A1: why somebody is relayed is known to the admins of every replica', async () => {
    const [first, second] = replicas as [Signaling, Signaling]
    const ana = await seated(first.url, 'why')
    const bob = await people.enter(first.url, 'why', 'Bob')
    await ana.client.timeout(5000).emitWithAck('link:report', relayedTo(bob.id))
    const admin = await adminByLink(second.url)
    let known: Ack<AdminHistory> | undefined
    await until('the other replica knows', async () => {
      known = await admin.ask<AdminHistory>('admin:history', { meetingId: 'why', userId: ana.id })
      return known.ok && known.data.links.length > 0
    })
    expect(known).toMatchObject({ data: { links: [{ peer: bob.id, reason: 'policy' }] } })
  }, 120_000)
})

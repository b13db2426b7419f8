import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { type ErrorCode, type InviteRequest, roomSnapshotSchema } from '@parley/protocol'
import { pino } from 'pino'
import { signInvite } from './access/invite-token.ts'
import type { SignalingConfig } from './config.ts'
import { type Signaling, startSignaling } from './server.ts'
import { startRedis } from './testing/redis-process.ts'
import {
  type Client,
  clients,
  joinKey,
  postJoin,
  requestJoin,
  seat,
  signalingFiles,
  until,
} from './testing/signaling-rig.ts'

// Servers and sockets on a machine that may be busy.
jest.setTimeout(120_000)

const log = pino({ level: 'silent' })
const files = signalingFiles()
const people = clients()
const servers: Signaling[] = []
let redis: Awaited<ReturnType<typeof startRedis>>

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

type Access = SignalingConfig['access']
const guests = (guests: Access['guests']): Access => ({ mode: 'Token', guests })

async function replica(overrides: Partial<SignalingConfig>): Promise<Signaling> {
  const server = await startSignaling(files.config({ joinsPerSecond: 1000, ...overrides }), { log })
  servers.push(server)
  await until('the replica is ready', async () => (await fetch(`${server.url}/readyz`)).ok)
  return server
}

/** Two addresses to come in at: of one process that has its rooms in memory, or of two that share them. */
const places = {
  'one process': async (access: Access) => {
    const server = await replica({ access })
    return [server, server] as const
  },
  'two replicas on one Redis': async (access: Access) => {
    const redisUrlFile = files.file('redis-url', redis.url)
    const cluster = `c-${servers.length}-${Date.now()}`
    const one = await replica({ access, redisUrlFile, cluster })
    return [one, await replica({ access, redisUrlFile, cluster })] as const
  },
}

/** What one hears of an event, in order. */
function hears(client: Client, event: string): unknown[] {
  const heard: unknown[] = []
  client.on(event as never, ((message: unknown) => heard.push(message)) as never)
  return heard
}

const codeOf = (answer: { ok: boolean; error?: { code: string } }) =>
  answer.ok ? 'ok' : answer.error?.code

type Shown = { name: string; invite?: string; holder?: string }

async function arrive(url: string, room: string, body: Shown) {
  const joined = await requestJoin(url, room, body)
  const client = people.socket(url, joined.token)
  const media = { audio: true, video: true }
  const ask = () => client.timeout(10_000).emitWithAck('room:join', { media })
  return { client, joined, id: joined.participantId, ask }
}

const invitation = (room: string, role: InviteRequest['role'], more: { once?: boolean } = {}) =>
  signInvite(joinKey, { room, tenant: 'default', role, ...more }, Date.now(), 600).then(
    ({ invite }) => invite,
  )

describe.each(Object.entries(places))('REQ-W5: on %s', (_name, open) => {
  it('the first in a room is its host, hands it over by leaving, and moderates: others do not', async () => {
    const [one, two] = await open(guests('Admit'))
    const ann = await people.enter(one.url, 'r', 'Ann')
    const bob = await people.enter(two.url, 'r', 'Bob')
    const cid = await people.enter(one.url, 'r', 'Cid')
    const roles = async (client: Client) =>
      (await seat(client)).participants.map(({ name, role }) => `${name} ${role}`)
    expect(await roles(cid.client)).toEqual(['Ann host', 'Bob guest', 'Cid guest'])
    const asks = [
      () => bob.client.emitWithAck('moderation:mute', { id: cid.id, kind: 'audio' }),
      () => bob.client.emitWithAck('moderation:remove', { id: cid.id }),
      () => bob.client.emitWithAck('room:lock', { locked: true }),
      () => bob.client.emitWithAck('room:end', {}),
      () => bob.client.emitWithAck('lobby:admit', { id: cid.id }),
    ]
    for (const ask of asks) expect(codeOf(await ask())).toBe('forbidden')

    const muted = hears(bob.client, 'moderation:mute')
    expect(codeOf(await ann.client.emitWithAck('moderation:mute', { kind: 'audio' }))).toBe('ok')
    await until('Bob is asked to mute', () => muted.length === 1)
    expect(muted).toEqual([{ kind: 'audio', by: ann.id }])

    const crowned = hears(cid.client, 'participant:role')
    await ann.client.emitWithAck('room:leave', {})
    await until('the next one is host', () => crowned.length === 1)
    expect(crowned).toEqual([{ id: bob.id, role: 'host' }])
    expect(codeOf(await bob.client.emitWithAck('room:lock', { locked: true }))).toBe('ok')
  })

  it('who is removed is gone from the room, and does not come back with the same token', async () => {
    const [one, two] = await open(guests('Admit'))
    const ann = await people.enter(one.url, 'r', 'Ann')
    for (const { url } of [one, two]) {
      const eve = await people.enter(url, 'r', 'Eve')
      const removed = hears(eve.client, 'removed')
      const ended = new Promise((resolve) => eve.client.once('disconnect', resolve))
      expect(codeOf(await ann.client.emitWithAck('moderation:remove', { id: eve.id }))).toBe('ok')
      expect(await ended).toBe('io server disconnect')
      expect(removed).toHaveLength(1)
      await until('Ann hears it', () => ann.events.left.includes(eve.id))
      for (const token of [eve.joined.token, eve.snapshot.resume])
        await expect(people.take(one.url, token)).rejects.toMatchObject({ code: 'removed' })
    }
    expect((await seat(ann.client)).participants.map(({ id }) => id)).toEqual([ann.id])
  })

  it('who comes to a locked room knocks; a host hears it, lets in one and denies another', async () => {
    const [one, two] = await open(guests('Admit'))
    const ann = await people.enter(one.url, 'r', 'Ann')
    const bob = await people.enter(two.url, 'r', 'Bob')
    const locked = hears(bob.client, 'room:locked')
    await ann.client.emitWithAck('room:lock', { locked: true })
    await until('Bob hears that it is locked', () => locked.length === 1)
    // Who has a seat comes back to it all the same.
    expect((await seat(bob.client)).locked).toBe(true)

    const knocks = hears(ann.client, 'lobby:knocking')
    const gone = hears(ann.client, 'lobby:gone')
    const eve = await arrive(two.url, 'r', { name: 'Eve' })
    const dan = await arrive(two.url, 'r', { name: 'Dan' })
    expect(codeOf(await eve.ask())).toBe('locked')
    expect(codeOf(await eve.client.emitWithAck('lobby:knock', {}))).toBe('ok')
    expect(codeOf(await dan.client.emitWithAck('lobby:knock', {}))).toBe('ok')
    await until('both are heard', () => knocks.length === 2)
    expect(knocks).toMatchObject([
      { id: eve.id, name: 'Eve' },
      { id: dan.id, name: 'Dan' },
    ])
    expect((await seat(ann.client)).lobby).toEqual(knocks)
    // It is nobody's business but the hosts'.
    expect((await seat(bob.client)).lobby).toEqual([])

    const admitted = hears(dan.client, 'lobby:admitted')
    const denied = hears(eve.client, 'lobby:denied')
    expect(codeOf(await ann.client.emitWithAck('lobby:admit', { id: dan.id }))).toBe('ok')
    expect(codeOf(await ann.client.emitWithAck('lobby:deny', { id: eve.id }))).toBe('ok')
    await until('they hear it', () => admitted.length + denied.length === 2)
    await until('both are gone from the lobby', () => gone.length === 2)
    const answer = await dan.ask()
    if (!answer.ok) throw new Error(answer.error.message)
    expect(roomSnapshotSchema.parse(answer.data).participants).toHaveLength(3)
    expect(codeOf(await eve.ask())).toBe('denied')
    expect(codeOf(await ann.client.emitWithAck('lobby:admit', { id: eve.id }))).toBe('not-found')
  })

  it('whoever waits and goes is no longer heard of, and may try again once the room is unlocked', async () => {
    const [one, two] = await open(guests('Admit'))
    const ann = await people.enter(one.url, 'r', 'Ann')
    await ann.client.emitWithAck('room:lock', { locked: true })
    const [knocks, gone] = [hears(ann.client, 'lobby:knocking'), hears(ann.client, 'lobby:gone')]
    const [bob, cid] = [
      await arrive(two.url, 'r', { name: 'Bob' }),
      await arrive(one.url, 'r', { name: 'Cid' }),
    ]
    const admitted = hears(cid.client, 'lobby:admitted')
    await bob.client.emitWithAck('lobby:knock', {})
    await cid.client.emitWithAck('lobby:knock', {})
    await until('both are heard', () => knocks.length === 2)
    bob.client.disconnect()
    await until('Bob is gone', () => gone.length === 1)
    expect(gone).toEqual([{ id: bob.id }])
    await ann.client.emitWithAck('room:lock', { locked: false })
    await until('Cid hears of it', () => admitted.length === 1)
    expect(codeOf(await cid.ask())).toBe('ok')
    // Who has come in waits no more, and nobody denies them what they have.
    await until('Cid is gone from the lobby', () => gone.length === 2)
    expect(gone[1]).toEqual({ id: cid.id })
    expect((await seat(ann.client)).lobby).toEqual([])
    expect(codeOf(await ann.client.emitWithAck('lobby:deny', { id: cid.id }))).toBe('not-found')
  })

  it('what was said in a locked room, or before the end of a meeting, is not for who comes next', async () => {
    const [one, two] = await open(guests('Admit'))
    for (const end of ['room:leave', 'room:end'] as const) {
      const ann = await people.enter(one.url, end.slice(5), 'Ann')
      if (end === 'room:leave') await ann.client.emitWithAck('room:lock', { locked: true })
      await ann.client.emitWithAck('chat:send', { id: 'not-for-everybody', text: 'secret' })
      await ann.client.emitWithAck(end, {})
      const eve = await people.enter(two.url, end.slice(5), 'Eve')
      const said = await eve.client.emitWithAck('chat:history', {})
      expect(said).toEqual({ ok: true, data: { messages: [] } })
    }
  })

  it('where guests knock, a host comes in by invitation and lets them in', async () => {
    const [one, two] = await open(guests('Knock'))
    const eve = await arrive(two.url, 'r', { name: 'Eve' })
    expect(codeOf(await eve.ask())).toBe('waiting')
    await eve.client.emitWithAck('lobby:knock', {})
    const host = await arrive(one.url, 'r', {
      name: 'Ann',
      invite: await invitation('r', 'host'),
    })
    const answer = await host.ask()
    if (!answer.ok) throw new Error(answer.error.message)
    expect(answer.data.lobby).toMatchObject([{ id: eve.id, name: 'Eve' }])
    const admitted = hears(eve.client, 'lobby:admitted')
    await host.client.emitWithAck('lobby:admit', { id: eve.id })
    await until('Eve hears it', () => admitted.length === 1)
    expect(codeOf(await eve.ask())).toBe('ok')
  })

  it('the end is for all: those in the room and before it, on every replica, with every token of theirs', async () => {
    const [one, two] = await open(guests('Admit'))
    const ann = await people.enter(one.url, 'r', 'Ann')
    const bob = await people.enter(two.url, 'r', 'Bob')
    const eve = await people.enter(one.url, 'r', 'Eve')
    await ann.client.emitWithAck('room:lock', { locked: true })
    const cid = await arrive(two.url, 'r', { name: 'Cid' })
    await cid.client.emitWithAck('lobby:knock', {})
    const all = [ann, bob, cid, eve].map(({ client }) => client)
    const heard = all.map((client) => hears(client, 'room:ended'))
    const ended = all.map((client) => new Promise((resolve) => client.once('disconnect', resolve)))
    expect(codeOf(await ann.client.emitWithAck('room:end', {}))).toBe('ok')
    expect(await Promise.all(ended)).toEqual(Array(4).fill('io server disconnect'))
    expect(heard.map(({ length }) => length)).toEqual([1, 1, 1, 1])
    for (const token of [ann.snapshot.resume, bob.joined.token, cid.joined.token])
      await expect(people.take(two.url, token)).rejects.toMatchObject({ code: 'ended' })
    // Whoever comes anew begins another meeting.
    expect((await people.enter(one.url, 'r', 'Dan')).snapshot).toMatchObject({
      locked: false,
      participants: [{ name: 'Dan', role: 'host' }],
    })
  })

  it('an invitation for one join is good for one of those who try at once, wherever', async () => {
    const [one, two] = await open(guests('Refuse'))
    const invite = await invitation('r', 'member', { once: true })
    const tries = await Promise.all(
      [one, two, one, two].map(({ url }) => postJoin(url, 'r', { name: 'Eve', invite })),
    )
    const bodies = await Promise.all(tries.map((one) => one.json() as Promise<{ code?: string }>))
    expect(tries.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401])
    expect(bodies.filter(({ code }) => code === 'token-used')).toHaveLength(3)
  })

  it('an invitation for one join lets the same device in again, until a host removes who came by it', async () => {
    const [one, two] = await open(guests('Admit'))
    const host = await people.enter(one.url, 'again', 'Ann')
    const invite = await invitation('again', 'member', { once: true })
    const come = (url: string, holder: string) =>
      postJoin(url, 'again', { name: 'Eve', invite, holder })
    const mine = 'a-secret-of-this-device'
    const { token } = (await (await come(one.url, mine)).json()) as { token: string }
    const eve = await people.take(one.url, token)
    expect((await come(two.url, 'a-secret-of-another')).status).toBe(401)
    expect((await come(two.url, mine)).status).toBe(200)
    expect(codeOf(await host.client.emitWithAck('moderation:remove', { id: eve.id }))).toBe('ok')
    await until('she is not let in again', async () => (await come(two.url, mine)).status === 403)
  })

  it('an invitation for one join holds one seat, however many share the secret of a device', async () => {
    const [one, two] = await open(guests('Admit'))
    const host = await people.enter(one.url, 'single', 'Ann')
    const invite = await invitation('single', 'member', { once: true })
    const body = { name: 'Eve', invite, holder: 'a-secret-that-is-shared' }
    const first = await arrive(one.url, 'single', body)
    expect(codeOf(await first.ask())).toBe('ok')
    const replaced = hears(first.client, 'session:replaced')
    const left = hears(host.client, 'participant:left')
    const over = new Promise((resolve) => first.client.once('disconnect', resolve))
    const second = await arrive(two.url, 'single', { ...body, name: 'Mallory' })
    const answer = await second.ask()
    const { participants } = roomSnapshotSchema.parse(answer.data)
    expect(participants.map(({ name }) => name).sort()).toEqual(['Ann', 'Mallory'])
    await over
    await until('the host hears of it', () => left.length === 1)
    expect([replaced.length, left]).toEqual([1, [{ id: first.id }]])
  })
})

describe('REQ-W5: the join API', () => {
  const refusal = async (server: Signaling, room: string, body: object) => {
    const answer = await postJoin(server.url, room, { name: 'Eve', ...body })
    const { code, message } = (await answer.json()) as { code: ErrorCode; message: string }
    return { status: answer.status, code, message }
  }

  it('says what is wrong with an invitation, and what to do', async () => {
    const server = await replica({ access: guests('Refuse') })
    const member = { room: 'r', tenant: 'default', role: 'member' } as const
    const { invite: old } = await signInvite(joinKey, member, Date.now() - 120_000, 60)
    const { invite: forged } = await signInvite('another-key', member, Date.now(), 60)
    const { invite } = await signInvite(joinKey, member, Date.now(), 60)
    expect(await refusal(server, 'r', {})).toMatchObject({ status: 401, code: 'invite-needed' })
    expect(await refusal(server, 'r', { invite: old })).toMatchObject({
      status: 401,
      code: 'token-expired',
      message: 'the invitation has expired; ask for a new one',
    })
    expect(await refusal(server, 'r', { invite: forged })).toMatchObject({
      status: 401,
      code: 'unauthenticated',
    })
    expect(await refusal(server, 'other', { invite })).toMatchObject({
      status: 403,
      code: 'forbidden',
      message: expect.stringContaining('another room'),
    })
    expect(await requestJoin(server.url, 'r', { name: 'Eve', invite })).toMatchObject({
      role: 'member',
    })
  })

  it('makes invitations for hosts, to no more than they are themselves; for nobody else', async () => {
    const server = await replica({ access: guests('Admit') })
    const bob = await people.enter(server.url, 'r', 'Bob')
    const annJoined = await requestJoin(server.url, 'r', {
      name: 'Ann',
      invite: await invitation('r', 'host'),
    })
    const ann = await people.take(server.url, annJoined.token)
    const ask = (token: string | undefined, room: string, body: object) =>
      fetch(`${server.url}/api/rooms/${room}/invites`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(body),
      })
    const status = async (...args: Parameters<typeof ask>) => (await ask(...args)).status
    expect(await status(undefined, 'r', {})).toBe(401)
    expect(await status(bob.snapshot.resume, 'r', {})).toBe(403)
    expect(await status(ann.snapshot.resume, 'other', {})).toBe(403)
    expect(await status(ann.snapshot.resume, 'r', { role: 'admin' })).toBe(403)
    expect(await status(ann.snapshot.resume, 'r', { expiresInSeconds: 1e9 })).toBe(400)
    const made = await ask(ann.snapshot.resume, 'r', { role: 'host', name: 'Dr. Cid' })
    expect(made.status).toBe(200)
    const { path, invite } = (await made.json()) as { path: string; invite: string }
    expect(path).toBe(`/r/r#invite=${invite}`)
    const joined = await requestJoin(server.url, 'r', { name: 'x', invite })
    expect(joined).toMatchObject({ role: 'host', name: 'Dr. Cid' })
  })

  it('who is host only for want of another makes no host, no member and no link of weeks', async () => {
    const server = await replica({ access: guests('Admit') })
    const ann = await people.enter(server.url, 'r', 'Ann')
    const bob = await people.enter(server.url, 'r', 'Bob')
    const ask = async (body: object) => {
      const response = await fetch(`${server.url}/api/rooms/r/invites`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${ann.snapshot.resume}`,
        },
        body: JSON.stringify(body),
      })
      return response.status
    }
    expect(ann.snapshot.participants[0]?.role).toBe('host')
    expect(await ask({ role: 'host' })).toBe(403)
    expect(await ask({ role: 'member' })).toBe(403)
    expect(await ask({ expiresInSeconds: 86_401 })).toBe(403)
    expect(await ask({})).toBe(200)
    // A host who came as one rules; the one for want of one does not any more.
    const heard = hears(bob.client, 'participant:role')
    const cid = { name: 'Cid', invite: await invitation('r', 'host') }
    await people.take(server.url, (await requestJoin(server.url, 'r', cid)).token)
    await until('Ann is a guest again', () => heard.length === 1)
    expect(heard).toEqual([{ id: ann.id, role: 'guest' }])
    expect(await ask({})).toBe(403)
  })

  it('who was host is host again after a restart without Redis, also when others are back before them', async () => {
    const before = await replica({ access: guests('Admit') })
    const ann = await people.enter(before.url, 'r', 'Ann')
    const bob = await people.enter(before.url, 'r', 'Bob')
    await before.close()
    people.close()
    const after = await replica({ access: guests('Admit') })
    const bobAgain = await people.take(after.url, bob.snapshot.resume)
    expect(bobAgain.snapshot.participants).toMatchObject([{ name: 'Bob', role: 'host' }])
    const heard = hears(bobAgain.client, 'participant:role')
    const annAgain = await people.take(after.url, ann.snapshot.resume)
    const roles = annAgain.snapshot.participants.map(({ name, role }) => `${name} ${role}`)
    expect(roles.toSorted()).toEqual(['Ann host', 'Bob guest'])
    await until('Bob hears it', () => heard.length > 0)
    expect(heard).toEqual([{ id: bob.id, role: 'guest' }])
    // The token of a join says nothing of the kind, whoever asks.
    const { token } = await requestJoin(after.url, 'r', { name: 'Eve' })
    const eve = await people.take(after.url, token)
    expect(eve.snapshot.participants.find(({ id }) => id === eve.id)?.role).toBe('guest')
  })

  it('REQ-K3: who has to knock gets no credentials for relaying before somebody lets them in', async () => {
    const server = await replica({ access: guests('Knock') })
    const invite = await invitation('r', 'host')
    const ann = await arrive(server.url, 'r', { name: 'Ann', invite })
    await ann.ask()
    const bob = await arrive(server.url, 'r', { name: 'Bob' })
    const stun = [{ urls: ['stun:192.0.2.1:3478'] }]
    expect(bob.joined.iceServers).toEqual(stun)
    expect(codeOf(await bob.client.emitWithAck('turn:refresh', {}))).toBe('not-joined')
    await bob.client.emitWithAck('lobby:knock', {})
    const admitted = new Promise<void>((resolve) => bob.client.once('lobby:admitted', resolve))
    await ann.client.emitWithAck('lobby:admit', { id: bob.id })
    await admitted
    const inside = await bob.ask()
    expect(inside.ok && inside.data.iceServers[0]?.credential).toMatch(/./)
    // Nor does who comes while the room is locked, where nobody has to knock.
    await ann.client.emitWithAck('room:lock', { locked: true })
    const member = { name: 'Cid', invite: await invitation('r', 'member') }
    expect((await requestJoin(server.url, 'r', member)).iceServers).toEqual(stun)
  })

  it('says how people get in', async () => {
    const server = await replica({ access: guests('Knock') })
    const config = await fetch(`${server.url}/api/auth/config`)
    expect(await config.json()).toEqual({ mode: 'Token', guests: 'Knock' })
  })
})

it('REQ-A5: who waits at the door is no join that failed', async () => {
  const server = await replica({ access: guests('Knock') })
  const invite = await invitation('r', 'host')
  const ann = await arrive(server.url, 'r', { name: 'Ann', invite })
  expect(codeOf(await ann.ask())).toBe('ok')
  const bob = await arrive(server.url, 'r', { name: 'Bob' })
  expect(codeOf(await bob.ask())).toBe('waiting')
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  expect(metrics).toContain('video_connections_attempted_total 1')
  expect(metrics).toContain('video_connections_successful_total 1')
})

describe('REQ-W5: whoever takes too much', () => {
  it('says a request slowly: the connection ends, and others are served', async () => {
    const server = await replica({ access: guests('Admit'), requestMs: 2000 })
    const { hostname, port } = new URL(server.url)
    const slow = connect(Number(port), hostname)
    const ended = new Promise<string>((resolve) => {
      let answer = ''
      slow.on('data', (chunk) => {
        answer += String(chunk)
      })
      slow.on('close', () => resolve(answer))
    })
    slow.write('POST /api/rooms/r/join HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n')
    expect((await postJoin(server.url, 'r', { name: 'Ann' })).status).toBe(200)
    expect(await ended).toContain('408')
  })

  it('opens sockets without end: they are refused, and who is in a call stays', async () => {
    const server = await replica({ access: guests('Admit') })
    const ann = await people.enter(server.url, 'r', 'Ann')
    const { token } = await requestJoin(server.url, 'r', { name: 'Eve' })
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => {
        const client = people.socket(server.url, token)
        return new Promise<string>((resolve) => {
          client.once('connect', () => resolve('ok'))
          client.once('connect_error', (error) => {
            client.disconnect()
            resolve(error.message)
          })
        })
      }),
    )
    expect(new Set(answers)).toEqual(new Set(['ok', 'rate-limited']))
    expect(ann.client.connected).toBe(true)
    expect((await seat(ann.client)).self).toBe(ann.id)
  })

  it('asks for all that was said, over and over: most of it is refused, and nothing else of theirs', async () => {
    const server = await replica({ access: guests('Admit') })
    const { client } = await people.enter(server.url, 'r', 'Eve')
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => client.emitWithAck('chat:history', {})),
    )
    expect(new Set(answers.map(codeOf))).toEqual(new Set(['ok', 'rate-limited']))
    const said = await client.emitWithAck('chat:send', { id: 'one-message-more', text: 'hello' })
    expect(codeOf(said)).toBe('ok')
  })

  it('every answer has the headers that keep other pages out, those of Socket.IO too', async () => {
    const server = await replica({ access: guests('Admit') })
    for (const path of ['/healthz', '/api/auth/config', '/socket.io/?EIO=4&transport=polling']) {
      const { headers } = await fetch(server.url + path)
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
  })
})

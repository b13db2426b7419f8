import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { parseTurnUsername, roomSnapshotSchema } from '@parley/protocol'
import fc from 'fast-check'
import { signJoinToken } from './join-token.ts'
import { type Signaling, startSignaling } from './server.ts'
import { manualClock } from './testing/manual-clock.ts'
import {
  clients,
  joinKey,
  recordingLog,
  requestJoin,
  seat,
  settle,
  signalingFiles,
  turnSecret,
  until,
} from './testing/signaling-rig.ts'
import { mintTurnCredential } from './turn-credentials.ts'

// Servers and sockets on a machine that may be busy.
jest.setTimeout(120_000)

const files = signalingFiles()
const clock = manualClock()
const { log, text } = recordingLog()
let server: Signaling
let people: ReturnType<typeof clients>

beforeAll(async () => {
  people = clients()
  server = await startSignaling(files.config({ meshMax: 3, joinsPerSecond: 1000 }), { clock, log })
})
afterEach(() => people.close())
afterAll(async () => {
  await server.close()
  files.remove()
})

describe('a meeting', () => {
  it('REQ-P3 REQ-P4: those who come are announced by name, and later ones see everyone', async () => {
    const ann = await people.enter(server.url, 'names', 'Ann')
    const bob = await people.enter(server.url, 'names', '  Bob Ørsted 🌊 ')
    await settle(ann.client)
    expect(ann.events.joined).toEqual([
      {
        id: bob.id,
        name: 'Bob Ørsted 🌊',
        media: { audio: true, video: true },
        joinedAt: clock.now(),
        role: 'guest',
      },
    ])
    expect(roomSnapshotSchema.parse(bob.snapshot).participants.map(({ name }) => name)).toEqual([
      'Ann',
      'Bob Ørsted 🌊',
    ])
    expect(bob.events.joined).toEqual([])
  })

  it('Feature: webrtc-improvements, Property 3 and Property 4: the name of the join event is the real one, and the one that is shown', async () => {
    const ann = await people.enter(server.url, 'property', 'Ann')
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 64 })
      .filter((s) => s.trim() !== '' && s.trim().length <= 64 && /^\P{Cc}*$/u.test(s.trim()))
    await fc.assert(
      fc.asyncProperty(name, async (given) => {
        const someone = await people.enter(server.url, 'property', given)
        await settle(ann.client)
        const event = ann.events.joined.at(-1)
        expect(event?.name).toBe(given.trim())
        expect(event?.name).not.toBe('')
        const again = await seat(ann.client)
        expect(again.participants.find(({ id }) => id === someone.id)?.name).toBe(event?.name)
        await someone.client.timeout(5000).emitWithAck('room:leave', {})
        someone.client.disconnect()
      }),
      { numRuns: 100 },
    )
  })

  it('relays signals to the one they are for, in order, and to nobody else', async () => {
    const ann = await people.enter(server.url, 'signals', 'Ann')
    const bob = await people.enter(server.url, 'signals', 'Bob')
    const eve = await people.enter(server.url, 'signals', 'Eve')
    const sent = Array.from({ length: 20 }, (_, i) => ({
      candidate: { candidate: `candidate:${i}`, sdpMid: '0' },
    }))
    for (const signal of sent) ann.client.emit('signal', { to: bob.id, signal }, () => {})
    await settle(ann.client)
    await settle(bob.client)
    await settle(eve.client)
    expect(bob.events.signals).toEqual(sent.map((signal) => ({ from: ann.id, signal })))
    expect(eve.events.signals).toEqual([])
  })

  it('does not carry a signal into another room', async () => {
    const ann = await people.enter(server.url, 'here', 'Ann')
    const bob = await people.enter(server.url, 'there', 'Bob')
    const answer = await ann.client.emitWithAck('signal', {
      to: bob.id,
      signal: { candidate: null },
    })
    expect(answer).toMatchObject({ ok: false, error: { code: 'not-found' } })
    await settle(bob.client)
    expect(bob.events.signals).toEqual([])
  })

  it('tells the others of media states', async () => {
    const ann = await people.enter(server.url, 'media', 'Ann')
    const bob = await people.enter(server.url, 'media', 'Bob')
    const heard = new Promise((resolve) => ann.client.once('participant:media', resolve))
    await bob.client.emitWithAck('media:state', { audio: false, video: true })
    expect(await heard).toEqual({ id: bob.id, media: { audio: false, video: true } })
    const again = await seat(ann.client)
    expect(again.participants.find(({ id }) => id === bob.id)?.media.audio).toBe(false)
  })

  it('holds no more than its capacity, however many come at once', async () => {
    const tokens = await Promise.all(
      Array.from({ length: 10 }, (_, i) => requestJoin(server.url, 'small', { name: `P${i}` })),
    )
    const outcomes = await Promise.allSettled(
      tokens.map(({ token }) => people.take(server.url, token)),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'room-full' })
  })

  it('a participant who leaves is gone from every count at once', async () => {
    const ann = await people.enter(server.url, 'counts', 'Ann')
    const bob = await people.enter(server.url, 'counts', 'Bob')
    const metric = async () => await (await fetch(`${server.url}/metrics`)).text()
    expect(await metric()).toContain('video_active_participants{room_id="counts"} 2')
    await bob.client.emitWithAck('room:leave', {})
    await settle(ann.client)
    expect(ann.events.left).toEqual([bob.id])
    expect(await metric()).toContain('video_active_participants{room_id="counts"} 1')
    expect((await seat(ann.client)).participants).toHaveLength(1)
    await ann.client.emitWithAck('room:leave', {})
    expect(await metric()).not.toContain('"counts"')
  })
})

describe('reconnection', () => {
  it('keeps the seat through the grace period: nobody hears of a leave or a join', async () => {
    const ann = await people.enter(server.url, 'flicker', 'Ann')
    const bob = await people.enter(server.url, 'flicker', 'Bob')
    const before = text().length
    bob.client.disconnect()
    await until('the server noticed', () =>
      text().slice(before).includes('participant disconnected'),
    )
    clock.advance(4900)
    const again = await people.take(server.url, bob.joined.token)
    clock.advance(60_000)
    await settle(ann.client)
    expect(again.id).toBe(bob.id)
    expect(ann.events.left).toEqual([])
    expect(ann.events.joined.map(({ id }) => id)).toEqual([bob.id])
    expect(again.snapshot.participants.map(({ id }) => id).sort()).toEqual([ann.id, bob.id].sort())
  })

  it('after the grace period the participant has left', async () => {
    const ann = await people.enter(server.url, 'grace', 'Ann')
    const bob = await people.enter(server.url, 'grace', 'Bob')
    const before = text().length
    bob.client.disconnect()
    await until('the server noticed', () =>
      text().slice(before).includes('participant disconnected'),
    )
    clock.advance(4999)
    await settle(ann.client)
    expect(ann.events.left).toEqual([])
    clock.advance(1)
    await until('others are told', () => ann.events.left.length > 0)
    expect(ann.events.left).toEqual([bob.id])
    expect((await seat(ann.client)).participants).toHaveLength(1)
  })

  it('a second socket of a participant replaces the first without a flicker', async () => {
    const ann = await people.enter(server.url, 'twice', 'Ann')
    const bob = await people.enter(server.url, 'twice', 'Bob')
    const ended = new Promise((resolve) => bob.client.once('disconnect', resolve))
    const twin = await people.take(server.url, bob.joined.token)
    expect(await ended).toBe('io server disconnect')
    expect(bob.events.names.at(-1)).toBe('session:replaced')
    clock.advance(60_000)
    await settle(ann.client)
    expect(ann.events.left).toEqual([])
    await ann.client.emitWithAck('signal', { to: bob.id, signal: { candidate: null } })
    await settle(twin.client)
    expect(twin.events.signals).toHaveLength(1)
  })

  it('joining again on one socket is a fresh snapshot and nothing more', async () => {
    const ann = await people.enter(server.url, 'resync', 'Ann')
    const bob = await people.enter(server.url, 'resync', 'Bob')
    expect(await seat(bob.client)).toMatchObject({ self: bob.id })
    await settle(ann.client)
    expect(ann.events.joined).toHaveLength(1)
  })

  it('a token outlives the reconnections of a long meeting, and not much more', async () => {
    const { token } = await requestJoin(server.url, 'long', { name: 'Ann' })
    clock.advance(11 * 3600_000)
    expect((await people.take(server.url, token)).snapshot.self).toMatch(/^p-[a-z0-9]{12}$/)
    clock.advance(3600_000 + 1000)
    const late = people.socket(server.url, token)
    const refusal = await new Promise<Error>((resolve) => late.once('connect_error', resolve))
    expect(refusal).toMatchObject({ data: { code: 'unauthenticated' } })
  })
})

describe('admission', () => {
  const claims = { participant: 'p-1', room: 'r', tenant: 't', name: 'Ann', role: 'guest' } as const
  it.each([
    ['no token', async () => undefined],
    ['an object', async () => ({ toString: () => 'x' })],
    ['a text that is no token', async () => 'x.y.z'],
    ['a token of another key', () => signJoinToken('another', claims, clock.now(), 60)],
    ['an expired token', () => signJoinToken(joinKey, claims, clock.now() - 120_000, 60)],
    [
      'an unsigned token',
      async () =>
        `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify({ ...claims, sub: 'p-1', exp: 9e9 }))}.`,
    ],
  ])('refuses %s as unauthenticated', async (_what, token) => {
    const client = people.socket(server.url, await token())
    const refusal = await new Promise<Error>((resolve) => client.once('connect_error', resolve))
    expect(refusal).toMatchObject({ message: 'unauthenticated', data: { code: 'unauthenticated' } })
  })

  it('a socket that has not joined gets nothing but the advice to join', async () => {
    const { token } = await requestJoin(server.url, 'early', { name: 'Ann' })
    const client = people.socket(server.url, token)
    const answers = [
      await client.emitWithAck('signal', { to: 'p-1', signal: { candidate: null } }),
      await client.emitWithAck('media:state', { audio: true, video: true }),
      await client.emitWithAck('turn:refresh', {}),
      await client.emitWithAck('room:leave', {}),
    ]
    for (const answer of answers)
      expect(answer).toMatchObject({ ok: false, error: { code: 'not-joined' } })
  })
})

describe('TURN credentials', () => {
  it('REQ-K3: turn:refresh gives new credentials before the old ones end', async () => {
    const ann = await people.enter(server.url, 'turn', 'Ann')
    const [first] = ann.snapshot.iceServers
    clock.advance(1800_000)
    const answer = await ann.client.emitWithAck('turn:refresh', {})
    if (!answer.ok) throw new Error(answer.error.message)
    const [second] = answer.data.iceServers
    expect(second?.username).not.toBe(first?.username)
    const parsed = parseTurnUsername(second?.username ?? '')
    expect(parsed).toEqual({
      expiryEpochSeconds: Math.floor(clock.now() / 1000) + 3600,
      identity: { tenant: 'default', room: 'turn', participant: ann.id },
    })
    expect(second).toMatchObject(
      mintTurnCredential(
        turnSecret,
        { tenant: 'default', room: 'turn', participant: ann.id },
        clock.now(),
        3600,
      ),
    )
  })

  it('REQ-K3: neither secrets nor names nor tokens are in the log', async () => {
    const ann = await people.enter(server.url, 'log', 'Annabel-Unmistakable')
    await ann.client.emitWithAck('room:leave', {})
    expect(text()).toContain('participant joined')
    for (const secret of [turnSecret, joinKey, 'Annabel-Unmistakable', ann.joined.token])
      expect(text()).not.toContain(secret)
    expect(JSON.stringify([ann.joined, ann.snapshot])).not.toContain(turnSecret)
  })
})

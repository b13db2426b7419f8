import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { type LiveSnapshot, packMetrics } from '@parley/protocol'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { manualClock } from '../testing/manual-clock.ts'
import { createClientMetrics } from './client-metrics.ts'
import { noFeed } from './feed.ts'
import { memoryLastHour } from './last-hour.ts'
import {
  type MeetingMetricsDeps,
  serveMeetingMetrics,
  type Visitor,
} from './serve-meeting-metrics.ts'

const start = 1_800_000_000_000
const claims = { tenant: 't', room: 'r', participant: 'p-eve', name: 'Eve', role: 'guest' as const }
const metrics = {
  ...{ n: 1, full: true, up: 5, down: 5, rtt: 40, min: 38, max: 45, loss: 0, jitter: 2 },
  ...{ links: 1, relayed: 0, tx: 0, rx: 0, back: 0 },
}

type Answer = { ok: boolean; data?: LiveSnapshot; error?: { code: string } }

/** A socket without a network. */
class Visiting extends EventEmitter {
  readonly id: string
  readonly data: { visitor: Visitor }
  /** Of whom they were told. */
  readonly heard: string[] = []
  /** Versions of what it was told that the server reads. */
  readonly reads: number[] = []
  connected = true
  readonly #rooms: Map<string, Set<Visiting>>
  constructor(id: string, visitor: Visitor, rooms: Map<string, Set<Visiting>>) {
    super()
    this.id = id
    this.data = { visitor }
    this.#rooms = rooms
    this.on('meeting:metrics:reads', ({ version }: { version: number }) => this.reads.push(version))
  }

  join(room: string): void {
    this.#rooms.set(room, (this.#rooms.get(room) ?? new Set()).add(this))
  }

  disconnect(): void {
    this.connected = false
    for (const room of this.#rooms.values()) room.delete(this)
  }

  ask(event: string, message: unknown): Promise<Answer> {
    return new Promise((resolve) => this.emit(event, message, resolve))
  }
}

/** The namespace without a network: who has a seat, and who comes, is up to the test. */
function gateway(seated: () => Promise<string[] | undefined>) {
  const clock = manualClock(start)
  const log = pino({ level: 'silent' })
  const sockets = new Map<string, Visiting>()
  const rooms = new Map<string, Set<Visiting>>()
  let serve: (one: Visiting) => void = () => {}
  const namespace = {
    ...{ sockets, use() {} },
    on: (_event: string, listener: typeof serve) => {
      serve = listener
    },
    local: {
      to: (room: string) => ({
        emit(event: string, { updates }: { updates?: { userId: string }[] }) {
          if (event !== 'meeting:metrics:update') return
          for (const socket of rooms.get(room) ?? [])
            socket.heard.push(...(updates ?? []).map(({ userId }) => userId))
        },
      }),
    },
  }
  const { live } = serveMeetingMetrics({
    ...{ io: { of: () => namespace }, rooms: { has: async () => true, seated } },
    ...{ store: undefined, feed: () => noFeed, metrics: createClientMetrics(new Registry()) },
    ...{ clock, log, throttleMs: 2000, ttlMs: 300_000, eventsPerSecond: 1, history() {} },
    ...{ lastHour: memoryLastHour(clock.now), adminEnabled: true },
  } as unknown as MeetingMetricsDeps)

  const visit = (visitor: Visitor) => {
    const socket = new Visiting(`socket ${sockets.size}`, visitor, rooms)
    sockets.set(socket.id, socket)
    serve(socket)
    return socket
  }
  return { clock, live, visit }
}

/** Somebody who has a seat, and goes on to report whatever becomes of it. */
async function reporting(seated: () => Promise<string[] | undefined>) {
  const { clock, live, visit } = gateway(seated)
  const socket = visit({ seat: claims })
  expect(await socket.ask('meeting:metrics', { metrics })).toEqual({ ok: true, data: null })
  expect(live.users()).toHaveLength(1)
  clock.advance(60_000)
  await turn()
  return { shownOut: !socket.connected, users: live.users().length }
}

describe('REQ-G2: what admins hear', () => {
  const adminOf = (tenant: string): Visitor => ({
    admin: { id: 'a-1', tenant, expiresAtMs: start + 10_000 },
  })

  it('is of their tenant alone: at first, as it changes, and of the last hour', async () => {
    const { clock, visit } = gateway(async () => undefined)
    const [own, other] = [visit(adminOf('t')), visit(adminOf('acme'))]
    const said = async (from: typeof own) => (await from.ask('admin:subscribe', {})).data?.users
    expect([await said(own), await said(other)]).toEqual([[], []])
    await visit({ seat: claims }).ask('meeting:metrics', { metrics })
    clock.advance(2000)
    await turn()
    expect([own.heard, other.heard]).toEqual([['p-eve'], []])
    expect([await said(own), await said(other)]).toEqual([
      [expect.objectContaining({ meetingId: 'r', userId: 'p-eve' })],
      [],
    ])
  })

  it('ends with their token; with it they say nothing of a meeting', async () => {
    const { clock, live, visit } = gateway(async () => undefined)
    const admin = visit(adminOf('t'))
    await admin.ask('admin:subscribe', {})
    expect(await admin.ask('meeting:metrics', { metrics })).toMatchObject({
      error: { code: 'not-joined' },
    })
    expect(live.users()).toEqual([])
    clock.advance(9999)
    expect(admin.connected).toBe(true)
    clock.advance(1)
    expect(admin.connected).toBe(false)
  })

  it('is nothing for whoever is no admin', async () => {
    const { visit } = gateway(async () => undefined)
    const who = { meetingId: 'r', userId: 'p-eve' }
    for (const role of ['guest', 'member', 'host'] as const) {
      const person = visit({ seat: { ...claims, role } })
      const refused = { ok: false, error: { code: 'forbidden' } }
      expect(await person.ask('admin:subscribe', {})).toMatchObject(refused)
      expect(await person.ask('admin:history', who)).toMatchObject(refused)
    }
  })
})

describe('REQ-G1: what pages say', () => {
  it('is the same with names and packed, which the server says it reads', async () => {
    const { live, visit } = gateway(async () => undefined)
    const socket = visit({ seat: claims })
    expect(socket.reads).toEqual([2])
    const say = (one: unknown) => socket.ask('meeting:metrics', { metrics: one })
    expect(await say(metrics)).toMatchObject({ ok: true })
    expect(await say({ n: 2, up: 6, tx: 3 })).toMatchObject({ ok: true })
    expect(await say(packMetrics({ n: 3, up: 7, rtt: null, tx: 3 }))).toMatchObject({ ok: true })
    expect(live.states('t')[0]?.user.metrics).toMatchObject({ up: 7, rtt: null, min: 38, tx: 6 })
    for (const wrong of [[], [4, 1], [4, 1, 'x'], [4, 1, -1], [4, 1, null], null])
      expect(await say(wrong)).toMatchObject({ error: { code: 'invalid' } })
    expect(await socket.ask('meeting:metrics', null)).toMatchObject({ error: { code: 'invalid' } })
  })
})

describe('REQ-G1: what is refused, and changes nothing', () => {
  const seated = () => {
    const { clock, live, visit } = gateway(async () => undefined)
    const socket = visit({ seat: claims })
    const say = (message: object) => socket.ask('meeting:metrics', { metrics, ...message })
    return { clock, live, say, state: () => live.states('t')[0]?.user }
  }

  it('another meeting, another person, figures that cannot be', async () => {
    const { live, say, state } = seated()
    const forbidden = { ok: false, error: { code: 'forbidden' } }
    for (const other of [{ meetingId: 'theirs' }, { userId: 'p-ana' }]) {
      expect(await say(other)).toMatchObject(forbidden)
      expect(live.users()).toEqual([])
    }
    expect(await say({ meetingId: 'r', userId: 'p-eve' })).toMatchObject({ ok: true })
    const before = state()
    for (const other of [{ meetingId: 'theirs' }, { userId: 'p-ana' }])
      expect(await say({ ...other, metrics: { n: 2, up: 9 } })).toMatchObject(forbidden)
    for (const up of [Number.NaN, -1, 1e15, Number.MAX_VALUE])
      expect(await say({ metrics: { n: 2, up } })).toMatchObject({ error: { code: 'invalid' } })
    expect(state()).toEqual(before)
    expect(live.users()).toHaveLength(1)
    // None of these counts as one before it.
    expect(await say({ metrics: { n: 2, up: 6 } })).toMatchObject({ ok: true })
    expect(state()?.metrics.up).toBe(6)
  })

  it('is no clock of a page: whatever it says, the time is that of the server', async () => {
    const { clock, say, state } = seated()
    expect(await say({ timestamp: start + 3_600_000 })).toMatchObject({ ok: true })
    expect(state()?.at).toBe(start)
    clock.advance(1000)
    expect(await say({ metrics: { n: 2, up: 6 }, timestamp: 0 })).toMatchObject({ ok: true })
    expect(state()).toMatchObject({ at: start + 1000, metrics: { up: 6 } })
  })
})

describe('REQ-G5: who goes on to report', () => {
  it('without a seat is shown out, also of a room that nobody is left in', async () => {
    expect(await reporting(async () => ['p-ana'])).toEqual({ shownOut: true, users: 0 })
    expect(await reporting(async () => [])).toEqual({ shownOut: true, users: 0 })
  })

  it('is not, with a seat or while nobody can say who has one', async () => {
    const stays = { shownOut: false, users: 1 }
    expect(await reporting(async () => ['p-ana', 'p-eve'])).toEqual(stays)
    expect(await reporting(async () => undefined)).toEqual(stays)
    expect(await reporting(() => Promise.reject(new Error('away')))).toEqual(stays)
  })
})

import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { manualClock } from '../testing/manual-clock.ts'
import { createClientMetrics } from './client-metrics.ts'
import { noFeed } from './feed.ts'
import { type MeetingMetricsDeps, serveMeetingMetrics } from './serve-meeting-metrics.ts'

const claims = { tenant: 't', room: 'r', participant: 'p-eve', name: 'Eve', role: 'guest' as const }
const metrics = {
  ...{ n: 1, full: true, up: 5, down: 5, rtt: 40, min: 38, max: 45, loss: 0, jitter: 2 },
  ...{ links: 1, relayed: 0, tx: 0, rx: 0, back: 0 },
}

/** Somebody who has a seat, and goes on to report whatever becomes of it. */
async function reporting(seated: () => Promise<string[] | undefined>) {
  const clock = manualClock()
  const socket = Object.assign(new EventEmitter(), {
    ...{ id: 'socket', data: { claims }, connected: true, disconnected: false },
    disconnect(): void {
      socket.disconnected = true
    },
  })
  const sockets = new Map([[socket.id, socket]])
  let serve: (one: typeof socket) => void = () => {}
  const namespace = {
    ...{ sockets, use() {}, local: { to: () => ({ emit() {} }) } },
    on: (_event: string, listener: typeof serve) => {
      serve = listener
    },
  }
  const { live } = serveMeetingMetrics({
    ...{ io: { of: () => namespace }, rooms: { has: async () => true, seated } },
    ...{ store: undefined, feed: () => noFeed, metrics: createClientMetrics(new Registry()) },
    ...{ clock, log: pino({ level: 'silent' }), throttleMs: 2000, ttlMs: 300_000 },
    ...{ eventsPerSecond: 1, admit: async () => claims, history() {} },
  } as unknown as MeetingMetricsDeps)
  serve(socket)
  const answer = await new Promise((resolve) =>
    socket.emit('meeting:metrics', { metrics }, resolve),
  )
  expect(answer).toEqual({ ok: true, data: null })
  expect(live.users()).toHaveLength(1)
  clock.advance(60_000)
  await turn()
  return { shownOut: socket.disconnected, users: live.users().length }
}

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

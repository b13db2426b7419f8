import { describe, expect, it } from '@jest/globals'
import type { LinkReport, WebrtcSample } from '@parley/protocol'
import { Redis } from 'ioredis'
import { linkOf, memoryLastHour, redisLastHour } from './last-hour.ts'

const who = { tenant: 't', room: 'r', participant: 'ana' }
const minute = 60_000
const sample = (at: number, more: Partial<WebrtcSample> = {}): WebrtcSample => ({
  ...{ ...who, at, durationMs: minute, bytesSent: 750_000, bytesReceived: 1_500_000 },
  ...{ rttMs: { avg: 40, min: 30, max: 50 }, lossPercent: 1, jitterMs: 2, mos: 4, quality: 'good' },
  ...{ connectedMs: minute, relayedMs: 30_000, reconnections: 0, ...more },
})
const report = (more: Partial<LinkReport> = {}): LinkReport => ({
  ...{ link: 0, ageMs: 1, peer: 'bob', policy: 'all', errors: [], mappingVaries: false },
  ...{ gathered: { host: true, srflx: true, relay: true }, failedPairs: 0, ended: false },
  answered: { udp: true, tcp: false, tls: false },
  selected: { local: 'host', remote: 'host' },
  ...more,
})
const relay = { local: 'relay', remote: 'host', relayProtocol: 'udp' } as const

describe('REQ-A1: the last hour of a participant', () => {
  it('has sixty minutes, and of who is silent those of the last hour', async () => {
    let now = 0
    const book = memoryLastHour(() => now)
    for (let index = 1; index <= 70; index++) {
      now = index * minute
      book.addMinutes([sample(now)])
    }
    const { minutes } = await book.read(who)
    expect(minutes).toHaveLength(60)
    expect(minutes.at(-1)).toEqual({
      ...{ at: now, up: 100, down: 200, rtt: 40, loss: 1, mos: 4, quality: 'good', relayed: 0.5 },
    })
    now += 30 * minute
    expect((await book.read(who)).minutes).toHaveLength(30)
    expect((await book.read({ ...who, tenant: 'other' })).minutes).toEqual([])
    now += 31 * minute
    book.addMinutes([sample(now, { participant: 'bob' })])
    expect(await book.read(who)).toEqual({ minutes: [], links: [] })
  })

  it('says of each link that there is whether it is relayed, and why, by whichever end knows', async () => {
    const book = memoryLastHour(() => 1)
    book.noteLink(who, report({ selected: { local: 'host', remote: 'relay' } }))
    book.noteLink(who, report({ link: 1, peer: 'eve' }))
    book.noteLink(who, report({ link: 2, peer: 'gone', selected: relay, ended: true }))
    const bob = { ...who, participant: 'bob' }
    book.noteLink(bob, report({ peer: 'ana', policy: 'relay', selected: relay }))
    expect((await book.read(who)).links).toEqual([
      { peer: 'bob', relayed: true, relayOf: 'peer', reason: 'policy', relayProtocol: 'udp' },
      { peer: 'eve', relayed: false },
    ])
    expect((await book.read(bob)).links).toEqual([
      { peer: 'ana', relayed: true, relayOf: 'self', reason: 'policy', relayProtocol: 'udp' },
    ])
  })

  it('does not know why where the other end has not said', () => {
    const own = report({ selected: { local: 'host', remote: 'relay' } })
    expect(linkOf(own, undefined)).toMatchObject({ relayed: true, reason: 'unknown' })
  })
})

it('REQ-G1: what Redis does not take while it is away is counted', async () => {
  const redis = new Redis({ lazyConnect: true, enableOfflineQueue: false })
  redis.disconnect()
  const lost = { minute: 0, link: 0 }
  const book = redisLastHour({
    ...{ redis, cluster: 'town', now: () => 1 },
    onDropped: (what, count) => {
      lost[what] += count
    },
    onFault: (error) => {
      throw error
    },
  })
  book.addMinutes(Array.from({ length: 501 }, (_, index) => sample(index)))
  book.noteLink(who, report())
  await new Promise(setImmediate)
  expect(lost).toEqual({ minute: 501, link: 1 })
})

it('REQ-G1: what Redis refuses of one command is seen, whichever of them it is, and of one alone', async () => {
  const refused = Object.assign(new Error('WRONGTYPE of another kind'), { name: 'ReplyError' })
  const lost: [what: string, count: number][] = []
  const faults: Error[] = []
  for (const failing of ['rpush', 'ltrim', 'hset', 'pexpire']) {
    /** Of a pipeline with this command the first one fails. */
    const pipeline = () => {
      const names: string[] = []
      const add = (name: string) => () => {
        names.push(name)
        return all
      }
      const all = {
        ...Object.fromEntries(['rpush', 'ltrim', 'pexpire', 'hset'].map((one) => [one, add(one)])),
        get length() {
          return names.length
        },
        exec: async () =>
          names.map((_, index) => [index === names.indexOf(failing) ? refused : null, 1]),
      }
      return all
    }
    const book = redisLastHour({
      ...{ redis: { pipeline } as unknown as Redis, cluster: 'town', now: () => 1 },
      onDropped: (...what) => void lost.push(what),
      onFault: (error) => void faults.push(error),
    })
    book.addMinutes([sample(1), sample(2), sample(3)])
    book.noteLink(who, report())
    await new Promise(setImmediate)
  }
  expect(lost).toEqual([
    ...[
      ['minute', 1],
      ['minute', 1],
      ['link', 1],
    ],
    ...[
      ['minute', 1],
      ['link', 1],
    ],
  ])
  expect(faults).toEqual(Array(lost.length).fill(refused))
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { MetricsEngine } from './MetricsEngine.ts'
import type { ConnectionReading } from './statsRows.ts'

const relays = ['relay udp', 'relay tcp', 'relay tls'] as const
type Call = 'mesh' | 'muted' | 'renegotiated' | 'sfu' | (typeof relays)[number]
type Recorded = {
  call: Call
  readings: {
    atMs: number
    connections: Omit<ConnectionReading, 'id' | 'overSfu' | 'state'>[]
  }[]
}
const text = readFileSync(new URL('./testing/recorded.jsonl', import.meta.url), 'utf8')
const recorded = text
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded)

/**
 * What is made of the two readings of a call, five seconds apart.
 *
 * @param people who share the one connection of a call over the SFU
 */
function figuresOf(call: Call, people = ['c0']) {
  const engine = new MetricsEngine(10_000)
  const readings = recorded.find((one) => one.call === call)?.readings ?? []
  const overSfu = call === 'sfu'
  const results = readings.map(({ atMs, connections: [one] }) => {
    if (!one) throw new Error(`nothing is recorded of ${call}`)
    const connection = { ...one, id: 'sfu', overSfu, state: 'connected' as const }
    const links = people.map((id) => ({ ...connection, id }))
    return engine.take({ atMs, links, sfu: overSfu ? connection : undefined }, true)
  })
  const last = results.at(-1)
  if (!last) throw new Error(`nothing is recorded of ${call}`)
  return { ...last, first: results[0] }
}

/** Recorded by src/testing/recordStats.ts from calls of real browsers. */
describe('getStats() of real calls', () => {
  it.each(['mesh', 'muted', 'renegotiated', 'sfu', ...relays] as const)(
    'REQ-M1, REQ-M4: %s: every figure is one, and what is not known is not NaN',
    (call) => {
      const { links, user, first } = figuresOf(call)
      expect(links.length).toBeGreaterThan(0)
      const odd: unknown[] = []
      JSON.stringify([links, user], (_key, value) => {
        if (typeof value === 'number' && !Number.isFinite(value)) odd.push(value)
        return value
      })
      expect(odd).toEqual([])
      for (const value of Object.values(user))
        if (value !== null) expect(value).toBeGreaterThanOrEqual(0)
      expect(user.rtt).toBeLessThan(100)
      expect(user.links).toBe(1)
      expect(user.tx).toBeGreaterThan(0)
      // The first reading of all is a full sample.
      expect(first?.event).toMatchObject({ n: 1, full: true })
    },
  )

  it('REQ-M1: sound and picture in both directions, their codecs and sizes', () => {
    const [link] = figuresOf('mesh').links
    expect(link?.audio?.up).toBeGreaterThan(5)
    expect(link?.video?.down).toBeGreaterThan(50)
    expect(link?.codecs).toEqual({
      audio: 'opus',
      video: expect.stringMatching(/^(VP8|VP9|H264|AV1)$/),
    })
    expect(link?.received?.width).toBeGreaterThan(100)
    // What the transport carries is all media, and a little more.
    const media = (link?.audio?.down ?? 0) + (link?.video?.down ?? 0)
    expect(link?.total?.down).toBeGreaterThan(media * 0.9)
    expect(link?.total?.down).toBeLessThan(media * 1.3 + 30)
  })

  it('REQ-M1: all that is asked for of a connection', () => {
    const [link] = figuresOf('mesh').links
    expect(link).toMatchObject({
      ...{ connectionState: 'connected', iceConnectionState: 'connected', usingRelay: false },
      ...{ packetsLost: 0, lossPercent: 0, quality: 'excellent' },
    })
    const counted = ['bytesSent', 'bytesReceived', 'packetsSent', 'packetsReceived'] as const
    for (const field of counted) expect(link?.[field]).toBeGreaterThan(100)
    for (const field of ['rttMs', 'jitterMs'] as const) expect(link?.[field]).toBeGreaterThan(0)
    expect(link?.mos).toBeGreaterThan(4)
  })

  it('REQ-M1, REQ-M7: one call, muted and then renegotiated over another pair, is counted on', () => {
    const engine = new MetricsEngine(10_000)
    const pairs = new Set<unknown>()
    const sent: number[] = []
    for (const call of ['mesh', 'muted', 'renegotiated'] as const)
      for (const { atMs, connections } of recorded.find((one) => one.call === call)?.readings ??
        []) {
        const [read] = connections
        if (!read) throw new Error(`nothing is recorded of ${call}`)
        const transport = read.rows.find(({ type }) => type === 'transport')
        pairs.add(transport?.selectedCandidatePairId)
        const links = [{ ...read, id: 'a', overSfu: false, state: 'connected' as const }]
        const { user } = engine.take({ atMs, links, sfu: undefined }, false)
        sent.push(Number(transport?.bytesSent))
        // From the first reading on.
        expect(user.tx).toBe(Math.floor(((sent.at(-1) ?? 0) - (sent[0] ?? 0)) / 1000))
        expect(user).toMatchObject({ links: 1, relayed: 0, back: 0 })
        expect(user.rtt).not.toBeNull()
      }
    expect(pairs.size).toBe(2)
    expect(sent).toEqual(sent.toSorted((a, b) => a - b))
    expect(sent).toHaveLength(6)
  })

  it('REQ-M1, REQ-M7: over the SFU one connection carries all, and counts once', () => {
    const bytes = (recorded.find((one) => one.call === 'sfu')?.readings ?? []).map(
      ({ connections }) =>
        Number(connections[0]?.rows.find(({ type }) => type === 'transport')?.bytesSent),
    )
    const [before = 0, after = 0] = bytes
    expect(after - before).toBeGreaterThan(100_000)
    for (const people of [['a'], ['a', 'b'], ['a', 'b', 'c', 'd', 'e']]) {
      const { links, user } = figuresOf('sfu', people)
      expect(links).toHaveLength(people.length)
      expect(user).toEqual(figuresOf('sfu', ['a']).user)
      expect(user).toMatchObject({ links: 1, relayed: 0, tx: Math.floor((after - before) / 1000) })
    }
  })

  it('REQ-M1: who is muted sends next to nothing', () => {
    const [link] = figuresOf('muted').links
    expect(link?.video?.down).toBeLessThan(5)
    expect(link?.audio?.down).toBeLessThan(20)
    expect(link?.video?.up).toBeGreaterThan(50)
  })

  it('REQ-M1, REQ-M7: whether a relay is used, and how it is reached', () => {
    for (const call of relays) {
      const { links, user } = figuresOf(call)
      expect(links[0]).toMatchObject({ usingRelay: true, relayProtocol: call.split(' ')[1] })
      expect(user.relayed).toBe(1)
      // As much as without a relay: what TURN adds on the way to it is no part of the transport.
      const media = (links[0]?.audio?.up ?? 0) + (links[0]?.video?.up ?? 0)
      expect(links[0]?.total?.up).toBeLessThan(media * 1.3 + 30)
    }
    for (const call of ['mesh', 'renegotiated', 'muted'] as const)
      expect(figuresOf(call).user.relayed).toBe(0)
  })

  it('REQ-M1: no address of anybody is in what goes to the worker', () => {
    expect(text).not.toMatch(/\d+\.\d+\.\d+\.\d+|candidate:|ufrag|usernameFragment/)
  })
})

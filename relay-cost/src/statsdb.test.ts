import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { parseStatsdb } from './statsdb.ts'

const channel = (topic: string, username = '1795262304:acme.standup.p-1') =>
  `turn/realm/pod-a.demo/user/${username}/allocation/001000000000000002/${topic}`
const read = (topic: string, message: string, username?: string) =>
  parseStatsdb({ t: 5, channel: channel(topic, username), message })
const allocation = {
  realm: 'pod-a.demo',
  username: '1795262304:acme.standup.p-1',
  id: '001000000000000002',
}

describe('statsdb messages', () => {
  it('REQ-K5: a lifetime that STUN cannot say is refused, as no store could keep it', () => {
    const details = 'type=UDP, local=a:1, remote=b:2, ssl=NONE, cipher=NONE'
    const told = (seconds: string) => read('status', `refreshed lifetime=${seconds}, ${details}`)
    expect(told('4294967295')).toMatchObject({ lifetimeSeconds: 2 ** 32 - 1 })
    for (const seconds of ['4294967296', '99999999999999999999', '9'.repeat(400)])
      expect(told(seconds)).toEqual({
        rejected: expect.stringContaining('a lifetime is past 2^32'),
      })
  })

  it('REQ-K5: a status names the client, its transport and its lifetime', () => {
    const details = 'type=UDP, local=127.0.0.1:3478, remote=10.0.0.7:48940, ssl=NONE, cipher=NONE'
    expect(read('status', `new lifetime=777, ${details}`)).toEqual({
      at: 5,
      allocation,
      kind: 'allocation-new',
      lifetimeSeconds: 777,
      remote: '10.0.0.7:48940',
      transport: 'udp',
    })
    expect(read('status', `refreshed lifetime=0, ${details}`)).toMatchObject({
      kind: 'allocation-refreshed',
      lifetimeSeconds: 0,
    })
    expect(read('status', 'deleted')).toEqual({ at: 5, allocation, kind: 'allocation-deleted' })
  })

  it.each([
    ['TCP', 'NONE', 'tcp'],
    ['TCP', 'TLSv1.3', 'tls'],
    ['TLS/TCP', 'TLSv1.3', 'tls'],
    ['DTLS', 'DTLSv1.2', 'dtls'],
    ['SCTP', 'NONE', 'sctp'],
  ])('REQ-K5: type=%s ssl=%s is %s', (type, ssl, transport) => {
    const message = `new lifetime=600, type=${type}, local=a:1, remote=b:2, ssl=${ssl}, cipher=x`
    expect(read('status', message)).toMatchObject({ transport })
  })

  it('REQ-K5: plain legs are client to TURN, peer legs TURN to peer', () => {
    const message = 'rcvp=1, rcvb=20, sentp=3, sentb=40'
    expect(read('traffic', message)).toMatchObject({
      kind: 'traffic',
      traffic: {
        clientToTurnPackets: 1,
        clientToTurnBytes: 20,
        turnToClientPackets: 3,
        turnToClientBytes: 40,
      },
    })
    expect(read('total_traffic/peer', message)).toMatchObject({
      kind: 'total_traffic/peer',
      traffic: {
        peerToTurnPackets: 1,
        peerToTurnBytes: 20,
        turnToPeerPackets: 3,
        turnToPeerBytes: 40,
      },
    })
  })

  it('REQ-K5: what cannot be read is rejected with a reason', () => {
    expect(parseStatsdb({ t: 0, channel: 'turn/user/x/status', message: '' })).toEqual({
      rejected: 'unknown channel "turn/user/x/status"',
    })
    expect(read('status', 'gone')).toEqual({ rejected: 'unknown status "gone"' })
    expect(read('traffic', 'rcvp=1, rcvb=-2, sentp=3, sentb=4')).toHaveProperty('rejected')
    expect(read('traffic', 'rcvp=1, rcvb=9007199254740993, sentp=3, sentb=4')).toEqual({
      rejected: 'a counter is past 2^53: "rcvp=1, rcvb=9007199254740993, sentp=3, sentb=4"',
    })
  })

  it('REQ-K5: a reason has no control characters, whatever was sent', () => {
    expect(read('status', 'a\u009b31m\u202eb\u001b')).toEqual({
      rejected: String.raw`unknown status "a\u{9b}31m\u{202e}b\u001b"`,
    })
  })

  it('REQ-K5: never throws, whatever comes', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (topic, message, user) => {
        expect(() => read(topic, message, user)).not.toThrow()
        expect(() => parseStatsdb({ t: 0, channel: topic, message })).not.toThrow()
      }),
    )
  })
})

import { createHmac } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { parseTurnUsername } from '@parley/protocol'
import fc from 'fast-check'
import { buildIceServers, isTurnUrl, mintTurnCredential } from './turn-credentials.ts'
import { parseTurnEndpoints } from './turn-endpoints.ts'

const identity = { tenant: 'acme', room: 'standup', participant: 'p-1' }

describe('mintTurnCredential', () => {
  it('REQ-K3: is the HMAC that coturn computes from its shared secret', () => {
    // printf '1800003600:acme.standup.p-1' | openssl dgst -sha1 -hmac north -binary | base64
    expect(mintTurnCredential('north', identity, 1_800_000_000_999, 3600)).toEqual({
      username: '1800003600:acme.standup.p-1',
      credential: 'S+dTk5Hp1EPqe3m+P/nWib8Id18=',
    })
  })

  it('Feature: webrtc-improvements, Property 1: every list of ICE servers has a TURN entry with valid credentials', () => {
    const slug = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)
    const host = fc.oneof(
      fc.ipV4(),
      fc.ipV6().map((ip) => `[${ip}]`),
      fc.domain(),
    )
    const url = fc
      .tuple(fc.constantFrom('turn', 'turns', 'stun'), host, fc.integer({ min: 1, max: 65_535 }))
      .map(([scheme, name, port]) => `${scheme}:${name}:${port}`)
    fc.assert(
      fc.property(
        fc.array(url, { maxLength: 6 }),
        fc.string({ minLength: 1 }),
        fc.record({ tenant: slug, room: slug, participant: slug }),
        fc.integer({ min: 0, max: 4e12 }),
        fc.integer({ min: 1, max: 86_400 }),
        (urls, secret, who, nowMs, ttl) => {
          const read = parseTurnEndpoints(JSON.stringify({ urls }))
          const credential = mintTurnCredential(secret, who, nowMs, ttl)
          const servers = buildIceServers(read, credential)
          if (!urls.some(isTurnUrl)) {
            expect(servers).toBeUndefined()
            return
          }
          const turn = servers?.filter((server) => server.urls.some(isTurnUrl)) ?? []
          expect(turn.length).toBeGreaterThan(0)
          for (const { username = '', credential: password, urls: own } of turn) {
            expect(own.every(isTurnUrl)).toBe(true)
            expect(password).toBe(createHmac('sha1', secret).update(username).digest('base64'))
            const parsed = parseTurnUsername(username)
            expect(parsed?.identity).toEqual(who)
            expect((parsed?.expiryEpochSeconds ?? 0) * 1000).toBeGreaterThan(
              nowMs + ttl * 1000 - 1000,
            )
          }
          const given = servers?.flatMap((server) => server.urls) ?? []
          expect([...given].sort()).toEqual([...urls].sort())
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('parseTurnEndpoints', () => {
  it.each([
    'http://x',
    'turn:',
    'turn:host:port',
    'turn:a b:3478',
    'turn:h:3478?transport=sctp',
    'turn://h:3478',
    'stun:h:3478?transport=udp',
  ])('refuses %s by its place', (url) => {
    expect(() => parseTurnEndpoints(JSON.stringify({ urls: ['turn:h:1', url] }))).toThrow(/urls\.1/)
  })

  it.each(['', '[]', '{}', '{"urls":"turn:h"}'])('refuses a file that holds %j', (text) => {
    expect(() => parseTurnEndpoints(text)).toThrow()
  })
})

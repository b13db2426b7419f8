import { describe, expect, it } from '@jest/globals'
import { linkReportSchema, relayReasonOf } from '@parley/protocol'
import fc from 'fast-check'
import { iceErrorOf, LinkKnowledge } from './linkFacts.ts'

type Row = { id: string } & Record<string, unknown>
const rows = (...list: Row[]) => list.map((row): [string, unknown] => [row.id, row])

const local = (id: string, candidateType: string, more: object = {}): Row => ({
  id,
  type: 'local-candidate',
  candidateType,
  protocol: 'udp',
  ...more,
})
const host = local('H', 'host', { address: '10.0.0.2', port: 5000 })
const srflx = (id: string, port: number, relatedPort = 5000) =>
  local(id, 'srflx', { address: '203.0.113.9', port, relatedAddress: '10.0.0.2', relatedPort })
const relay = (id: string, relayProtocol: string, relatedPort = 0) =>
  local(id, 'relay', { relayProtocol, relatedAddress: '203.0.113.9', relatedPort })
const selected = (localId: string): Row[] => [
  { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
  { id: 'P', type: 'candidate-pair', localCandidateId: localId, remoteCandidateId: 'R' },
  { id: 'R', type: 'remote-candidate', candidateType: 'srflx' },
]

const known = (...readings: Row[][]) => {
  const knowledge = new LinkKnowledge('all')
  for (const reading of readings) knowledge.read(rows(...reading))
  return knowledge.facts
}

describe('what is known of a link', () => {
  it('REQ-K5: candidates, answers and the pair, and no address', () => {
    const facts = known([host, srflx('S', 6000), relay('L', 'tcp'), ...selected('L')])
    expect(facts).toEqual({
      policy: 'all',
      gathered: { host: true, srflx: true, relay: true },
      answered: { udp: true, tcp: true, tls: false },
      errors: [],
      mappingVaries: false,
      failedPairs: 0,
      selected: { local: 'relay', remote: 'srflx', relayProtocol: 'tcp' },
    })
    expect(JSON.stringify(facts)).not.toMatch(/\d+\.\d+\.\d+|6000/)
  })

  it('REQ-K5: UDP that nobody answers, and TCP that somebody does', () => {
    const facts = known([host, relay('L', 'tcp'), ...selected('L')])
    expect(relayReasonOf(facts)).toBe('udp-blocked')
  })

  it('REQ-K5: a port of its own for each server is a symmetric NAT', () => {
    expect(known([host, srflx('A', 6000), srflx('B', 6001)]).mappingVaries).toBe(true)
    // Seen by two TURN servers.
    const relays = [relay('A', 'udp', 6000), relay('B', 'udp', 6001)]
    expect(known([host, ...relays]).mappingVaries).toBe(true)
    // A page without a camera is not told the socket; there is only one.
    const hidden = [srflx('A', 6000, 0), srflx('B', 6001, 0)]
    expect(known([host, ...hidden]).mappingVaries).toBe(true)
  })

  it('REQ-K5: one port for each of two sockets is none, nor are IPv4 and IPv6', () => {
    const wifi = local('W', 'host', { address: '10.1.0.2', port: 5001 })
    const two = [srflx('A', 6000, 5000), srflx('B', 6001, 5001)]
    expect(known([host, wifi, ...two]).mappingVaries).toBe(false)
    expect(known([host, wifi, srflx('A', 6000, 0), srflx('B', 6001, 0)]).mappingVaries).toBe(false)
    const six = local('S', 'srflx', { address: '2001:db8::9', port: 6001, relatedPort: 0 })
    expect(known([host, srflx('A', 6000, 0), six]).mappingVaries).toBe(false)
  })

  it('REQ-K5: what was seen once stays, when the browser has dropped it', () => {
    const facts = known([host, srflx('A', 6000)], [srflx('B', 6001)], selected('L'))
    expect(facts).toMatchObject({ gathered: { host: true, srflx: true }, mappingVaries: true })
  })

  it.each([
    ['turn:192.0.2.1:3478?transport=udp', 701, { transport: 'udp', code: 701 }],
    ['turn:192.0.2.1:3478?transport=tcp', 486, { transport: 'tcp', code: 486 }],
    ['turns:turn.example.org:5349?transport=tcp', 701, { transport: 'tls', code: 701 }],
    ['stun:192.0.2.1', 0, { transport: 'udp', code: 300 }],
  ])('REQ-K5: an error about %s is told without the URL', (url, errorCode, told) => {
    expect(iceErrorOf({ url, errorCode })).toEqual(told)
  })

  it('REQ-K5: a refusal is an answer; silence is none', () => {
    const knowledge = new LinkKnowledge('all')
    const udp = { transport: 'udp', code: 701 } as const
    knowledge.read([], [udp, udp, { transport: 'tcp', code: 486 }])
    expect(knowledge.facts.answered).toEqual({ udp: false, tcp: true, tls: false })
    expect(knowledge.facts.errors).toHaveLength(2)
  })

  it('REQ-K5: whatever a browser says, the report is one that the server takes', () => {
    const value = fc.oneof(fc.constantFrom('host', 'srflx', 'relay', 'udp', 'tls'), fc.anything())
    const row = fc.record(
      {
        type: fc.constantFrom('local-candidate', 'candidate-pair', 'transport', 'other'),
        state: fc.constantFrom('failed', 'succeeded'),
        candidateType: value,
        protocol: value,
        relayProtocol: value,
        port: value,
        relatedPort: value,
        localCandidateId: fc.constantFrom('0', '1'),
        remoteCandidateId: fc.constantFrom('0', '1'),
        selectedCandidatePairId: fc.constantFrom('0', '1'),
      },
      { requiredKeys: ['type'] },
    )
    const errors = fc.array(
      fc.record({
        transport: fc.constantFrom('udp', 'tcp'),
        code: fc.integer({ min: 300, max: 799 }),
      }),
    ) as fc.Arbitrary<{ transport: 'udp' | 'tcp'; code: number }[]>
    fc.assert(
      fc.property(fc.array(row), errors, (list, told) => {
        const knowledge = new LinkKnowledge('relay')
        knowledge.read(
          list.map((each, index): [string, unknown] => [String(index), each]),
          told,
        )
        const report = { ...knowledge.facts, link: 0, ageMs: 0, peer: null, ended: false }
        expect(linkReportSchema.safeParse(report).success).toBe(true)
      }),
    )
  })
})

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  type LinkReport,
  linkReportSchema,
  relayReasonOf,
  relayReasonSchema,
} from './link-report.ts'

const report: LinkReport = {
  link: 0,
  ageMs: 1200,
  peer: 'p-2',
  policy: 'all',
  gathered: { host: true, srflx: true, relay: true },
  answered: { udp: true, tcp: true, tls: false },
  errors: [],
  mappingVaries: false,
  failedPairs: 2,
  ended: false,
  selected: { local: 'relay', remote: 'srflx', relayProtocol: 'udp' },
}

const types = fc.constantFrom('host', 'srflx', 'prflx', 'relay')
const transports = fc.constantFrom('udp', 'tcp', 'tls')
const anyReport = fc.record(
  {
    link: fc.integer({ min: 0, max: 4095 }),
    ageMs: fc.integer({ min: 0, max: 604_800_000 }),
    peer: fc.option(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)),
    policy: fc.constantFrom('all', 'relay'),
    gathered: fc.record({ host: fc.boolean(), srflx: fc.boolean(), relay: fc.boolean() }),
    answered: fc.record({ udp: fc.boolean(), tcp: fc.boolean(), tls: fc.boolean() }),
    errors: fc.array(
      fc.record({ transport: transports, code: fc.integer({ min: 300, max: 799 }) }),
      { maxLength: 8 },
    ),
    mappingVaries: fc.boolean(),
    failedPairs: fc.nat({ max: 9999 }),
    ended: fc.boolean(),
    selected: fc.record(
      { local: types, remote: types, relayProtocol: transports },
      { requiredKeys: ['local', 'remote'] },
    ),
  },
  {
    requiredKeys: [
      ...(['link', 'ageMs', 'peer', 'policy', 'gathered', 'answered'] as const),
      ...(['errors', 'mappingVaries', 'failedPairs', 'ended'] as const),
    ],
  },
) as fc.Arbitrary<LinkReport>

describe('why a participant is relayed', () => {
  it.each<[string, Partial<LinkReport>, string]>([
    ['the page was told to use nothing else', { policy: 'relay' }, 'policy'],
    ['only TCP gets through', { answered: { udp: false, tcp: true, tls: false } }, 'udp-blocked'],
    ['only TLS gets through', { answered: { udp: false, tcp: false, tls: true } }, 'udp-blocked'],
    ['the NAT has a port for each server', { mappingVaries: true }, 'symmetric-nat'],
    ['nothing of that', {}, 'unknown'],
    [
      'the other end has the relay',
      { policy: 'all', mappingVaries: true, selected: { local: 'srflx', remote: 'relay' } },
      'unknown',
    ],
  ])('REQ-K5: %s', (_, facts, reason) => {
    expect(relayReasonOf({ ...report, ...facts })).toBe(reason)
  })

  it("REQ-K5: the other end's NAT counts, too", () => {
    expect(relayReasonOf(report, { mappingVaries: true })).toBe('symmetric-nat')
    expect(relayReasonOf(report, { mappingVaries: false })).toBe('unknown')
  })

  it('REQ-K5: every report that is accepted has one of four reasons', () => {
    fc.assert(
      fc.property(anyReport, fc.option(anyReport, { nil: undefined }), (own, peer) => {
        expect(linkReportSchema.safeParse(own).success).toBe(true)
        const reason = relayReasonOf(own, peer)
        expect(relayReasonSchema.options).toContain(reason)
        // Whatever else is said: a relay that is not used has no reason, and what was ordered is one.
        if (own.selected?.local !== 'relay') expect(reason).toBe('unknown')
        else if (own.policy === 'relay') expect(reason).toBe('policy')
        else expect(reason).not.toBe('policy')
      }),
    )
  })
})

describe('a report of a link', () => {
  it('REQ-K5: has no place for an address, and none for more than is asked', () => {
    const refused: object[] = [
      { address: '192.0.2.1' },
      { peer: '192.0.2.1' },
      { participant: 'p-1' },
      { link: 4096 },
      { ageMs: -1 },
      { errors: Array(9).fill({ transport: 'udp', code: 701 }) },
      { errors: [{ transport: 'udp', code: 701, url: 'turn:192.0.2.1' }] },
      { selected: { local: '192.0.2.1', remote: 'host' } },
    ]
    expect(linkReportSchema.safeParse(report).success).toBe(true)
    for (const more of refused)
      expect(linkReportSchema.safeParse({ ...report, ...more }).success).toBe(false)
  })

  it('is never longer than 800 characters', () => {
    fc.assert(
      fc.property(anyReport, (one) => {
        expect(JSON.stringify(one).length).toBeLessThan(800)
      }),
    )
  })
})

import { describe, expect, it } from '@jest/globals'
import type { LinkFacts, LinkRecord } from '@parley/protocol'
import fc from 'fast-check'
import type { AllocationRecord } from './allocation.ts'
import { LinkBook, mergeLinkRecords } from './links.ts'

const start = Date.UTC(2026, 10, 21, 10)
const minute = 60_000

const relayed: LinkFacts = {
  link: 0,
  peer: 'p-ben',
  policy: 'all',
  gathered: { host: true, srflx: true, relay: true },
  answered: { udp: false, tcp: true, tls: false },
  errors: [],
  mappingVaries: false,
  failedPairs: 0,
  ended: false,
  selected: { local: 'relay', remote: 'srflx', relayProtocol: 'tcp' },
}
const direct: LinkFacts = {
  ...relayed,
  answered: { udp: true, tcp: true, tls: false },
  selected: { local: 'host', remote: 'srflx' },
}
const said = (
  report: Partial<LinkFacts>,
  more: { participant?: string; at?: number; startedAt?: number } = {},
): LinkRecord => ({
  tenant: 'acme',
  room: 'standup',
  participant: 'p-ann',
  at: start,
  startedAt: (more.at ?? start) - 1000,
  ...more,
  report: { ...relayed, ...report },
})

const allocation = (username: string, from: number, to: number): AllocationRecord => ({
  realm: 'pod-a.demo',
  username,
  id: '1',
  remote: '198.51.100.1:4000',
  transport: 'tcp',
  openedAt: from,
  lastSeenAt: to,
  aliveAt: from,
  expiresAt: from + 10 * minute,
  closedAt: to,
  hours: new Map(),
})
const anns = allocation('1795300000:acme.standup.p-ann', start, start + 5 * minute)

describe('the reason of an allocation', () => {
  it('REQ-K5: is that of the latest link of its holder that has a relay and overlaps it', () => {
    const book = new LinkBook([
      said({}),
      said({ link: 1, policy: 'relay' }, { at: start + minute }),
      said({ ...direct, link: 2 }, { at: start + 2 * minute }),
      said({ link: 3 }, { at: start + 30 * minute }),
    ])
    expect(book.reasonOf(anns, start)).toBe('policy')
    const later = allocation(anns.username, start + 29.9 * minute, start + 31 * minute)
    expect(book.reasonOf(later, start + 60 * minute)).toBe('udp-blocked')
  })

  it('REQ-K5: is not that of a link that was over before', () => {
    const book = new LinkBook([said({ ended: true }, { at: start - minute })])
    expect(book.reasonOf(anns, start)).toBe('unknown')
    book.add(said({ ended: true }, { at: start + minute, startedAt: start - minute }))
    expect(book.reasonOf(anns, start)).toBe('udp-blocked')
  })

  it('REQ-K5: is not known of somebody else, of another room, or of a username of another form', () => {
    const book = new LinkBook([said({})])
    for (const username of ['1795300000:acme.standup.p-eve', '1795300000:acme.x.p-ann', 'mallory'])
      expect(book.reasonOf({ ...anns, username }, start)).toBe('unknown')
    expect(new LinkBook().reasonOf(anns, start)).toBe('unknown')
  })

  it("REQ-K5: may be the NAT of the other end's", () => {
    const udp = { udp: true, tcp: true, tls: false }
    const book = new LinkBook([said({ answered: udp })])
    expect(book.reasonOf(anns, start)).toBe('unknown')
    const ben = { participant: 'p-ben' }
    book.add(said({ ...direct, peer: 'p-cat', mappingVaries: true }, ben))
    expect(book.reasonOf(anns, start)).toBe('unknown')
    book.add(said({ ...direct, link: 1, peer: 'p-ann', mappingVaries: true }, ben))
    expect(book.reasonOf(anns, start)).toBe('symmetric-nat')
  })
})

describe('whom a room talked to', () => {
  const hour = { from: start, to: start + 60 * minute }
  const room = { tenant: 'acme', room: 'standup' }

  it('REQ-K5: by participant, with whether either end is on a relay', () => {
    const selected = { local: 'relay', remote: 'relay' } as const
    const book = new LinkBook([
      said({ selected }),
      said({ link: 1, peer: 'p-cat' }),
      said({ link: 2, peer: 'p-old', ended: true }, { at: start - minute }),
      said({ peer: 'p-ann', selected }, { participant: 'p-ben' }),
    ])
    expect(book.factsOf(room, hour)).toEqual({
      side: 'mesh',
      links: new Map([
        [
          'p-ann',
          [
            { peer: 'p-ben', local: true, remote: true },
            { peer: 'p-cat', local: true, remote: false },
          ],
        ],
        ['p-ben', [{ peer: 'p-ann', local: true, remote: true }]],
      ]),
    })
  })

  it('REQ-K5: over the SFU there are no peers; of a room that moved, or of none, nothing is known', () => {
    const book = new LinkBook([said({ peer: null })])
    expect(book.factsOf(room, hour)).toEqual({ side: 'sfu' })
    book.add(said({ link: 1 }))
    expect(book.factsOf(room, hour)).toEqual({})
    expect(book.factsOf({ ...room, room: 'other' }, hour)).toEqual({})
  })
})

describe('reports', () => {
  const record = fc
    .record({ at: fc.nat(5), startedAt: fc.nat(5), failedPairs: fc.nat(2), ended: fc.boolean() })
    .map(({ at, startedAt, ...facts }) => said(facts, { at, startedAt }))

  it('REQ-K5: in any order, and any number of times, come to the same', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1 }), (records) => {
        const joined = records.reduce(mergeLinkRecords)
        expect(records.toReversed().reduce(mergeLinkRecords)).toEqual(joined)
        expect([...records, ...records].reduce(mergeLinkRecords)).toEqual(joined)
        expect(joined.startedAt).toBe(Math.min(...records.map(({ startedAt }) => startedAt)))
      }),
    )
  })
})

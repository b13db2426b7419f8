import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  type Destinations,
  destinationsOf,
  hairpinBytes,
  type PeerLink,
  type Place,
  type Relayed,
} from './destinations.ts'
import { noTraffic } from './traffic.ts'

const zoneA = { region: 'eu', zone: 'a' }
const zoneB = { region: 'eu', zone: 'b' }
const overseas = { region: 'us', zone: 'a' }

/** Peer legs of a participant in bytes. */
function relayed(participant: string, toPeer: number, fromPeer: number, place: Place = zoneA) {
  const traffic = { ...noTraffic(), turnToPeerBytes: toPeer, peerToTurnBytes: fromPeer }
  return { participant, place, traffic } satisfies Relayed
}

const all = ({ inside, crossZone, interRegion }: Destinations) => inside + crossZone + interRegion

describe('where turn→peer went', () => {
  it('REQ-K5: a relayed participant alone sends everything out', () => {
    expect(destinationsOf([relayed('a', 1000, 2000)])).toEqual([
      { inside: 0, crossZone: 0, interRegion: 0, crossZoneIn: 0, interRegionIn: 0, bound: 0 },
    ])
  })

  it('REQ-K5: two who are relayed may have sent everything to each other', () => {
    const went = destinationsOf([relayed('a', 1000, 600), relayed('b', 600, 1000)])
    expect(went).toMatchObject([
      { inside: 1000, bound: 1000 },
      { inside: 600, bound: 600 },
    ])
  })

  it('REQ-K5: two allocations of one participant do not talk to each other', () => {
    expect(hairpinBytes([relayed('a', 1000, 0), relayed('a', 0, 1000)])).toBe(0)
    const apart = [relayed('a', 1000, 0), relayed('a', 0, 1000, zoneB)]
    expect(destinationsOf(apart).map(all)).toEqual([0, 0])
  })

  it('REQ-K5: an idle allocation of a direct peer takes nothing off', () => {
    expect(hairpinBytes([relayed('a', 1000, 900), relayed('b', 0, 0)])).toBe(0)
  })

  it('REQ-K5: between pods in two zones it crosses the border, between regions as well', () => {
    const went = (place: Place) =>
      destinationsOf([relayed('a', 1000, 600), relayed('b', 600, 1000, place)])
    expect(went(zoneB)).toMatchObject([{ crossZone: 1000 }, { crossZone: 600 }])
    expect(went(overseas)).toMatchObject([{ interRegion: 1000 }, { interRegion: 600 }])
    expect(went({ region: 'eu', zone: '' })).toMatchObject([{ inside: 1000 }, { inside: 600 }])
  })

  it('REQ-K5: to an SFU of ours nothing leaves, and it is no bound', () => {
    const parts = [relayed('a', 1000, 600), relayed('b', 600, 1000, zoneB)]
    const none = { inside: 0, crossZone: 0, interRegion: 0, bound: 0 }
    expect(destinationsOf(parts, { side: 'sfu', sfuPlaces: [zoneA] })).toEqual([
      { ...none, inside: 1000, crossZoneIn: 0, interRegionIn: 0 },
      { ...none, crossZone: 600, crossZoneIn: 1000, interRegionIn: 0 },
    ])
    expect(destinationsOf(parts, { side: 'sfu' }).map(all)).toEqual([1000, 600])
  })

  // Ann and Ben are relayed and meet Cat, who is direct: each sends 10 to each of the two others.
  const ann = relayed('ann', 20, 20)
  const ben = relayed('ben', 20, 20)
  const to = (peer: string, remote: boolean): PeerLink => ({ peer, local: true, remote })

  it('REQ-K5: with links, what went to direct peers leaves: the bound holds for mixed ones alone', () => {
    const mixed = new Map([
      ['ann', [to('ben', true), to('cat', false)]],
      ['ben', [to('ann', false), to('cat', false)]],
    ])
    // Ben says that nothing of his goes to a relay; Ann may still have sent all to his.
    expect(destinationsOf([ann, ben], { links: mixed })).toMatchObject([
      { inside: 20, bound: 20 },
      { inside: 0, bound: 0 },
    ])
  })

  it('REQ-K5: who has relayed peers alone keeps everything inside, also what has not arrived yet', () => {
    const links = new Map([
      ['ann', [to('ben', true)]],
      ['ben', [to('ann', true)]],
    ])
    expect(
      destinationsOf([relayed('ann', 1000, 600), relayed('ben', 600, 990)], { links }),
    ).toMatchObject([
      { inside: 1000, bound: 0 },
      { inside: 600, bound: 0 },
    ])
  })

  it('REQ-K5: a link whose own end is direct carries nothing of an allocation', () => {
    const links = new Map([['ann', [{ peer: 'ben', local: false, remote: true }]]])
    expect(destinationsOf([ann, ben], { links }).map(all)).toEqual([0, 0])
  })

  const parties = fc.array(
    fc.record({
      participant: fc.constantFrom('a', 'b', 'c', 'd'),
      place: fc.constantFrom(zoneA, zoneB, overseas, { region: 'eu', zone: '' }),
      toPeer: fc.nat(1000),
      fromPeer: fc.nat(1000),
    }),
    { minLength: 1, maxLength: 8 },
  )
  const parts = parties.map((each) =>
    each.map(({ participant, place, toPeer, fromPeer }) =>
      relayed(participant, toPeer, fromPeer, place),
    ),
  )

  it('REQ-K5: wherever the pods are, as much can have gone between them as the min-cut says', () => {
    fc.assert(
      fc.property(parts, (all) => {
        const went = destinationsOf(all)
        const sum = went.reduce(
          (sum, each) => sum + each.inside + each.crossZone + each.interRegion,
          0,
        )
        expect(sum).toBe(hairpinBytes(all))
      }),
    )
  })

  it('REQ-K5: whatever clients say, nobody keeps more inside than they sent', () => {
    const links = fc.dictionary(
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.array(
        fc.record({
          peer: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
          local: fc.boolean(),
          remote: fc.boolean(),
        }),
        { maxLength: 4 },
      ),
    )
    fc.assert(
      fc.property(parts, links, (each, told) => {
        const went = destinationsOf(each, { links: new Map(Object.entries(told)) })
        for (const [index, part] of went.entries()) {
          expect(all(part)).toBeLessThanOrEqual(each[index]?.traffic.turnToPeerBytes ?? 0)
          expect(part.bound).toBeLessThanOrEqual(all(part))
          expect(
            Math.min(part.inside, part.crossZone, part.interRegion, part.bound),
          ).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })

  it('REQ-K5: whoever talks to whom, no byte that stayed inside counts as having left', () => {
    const names = ['a', 'b', 'c', 'd']
    const flow = fc.record({
      from: fc.constantFrom(...names),
      to: fc.constantFrom(...names, 'outside'),
      hundreds: fc.nat(100),
    })
    fc.assert(
      fc.property(
        fc.array(flow, { maxLength: 20 }),
        fc.array(flow, { maxLength: 5 }),
        (flows, fromOutside) => {
          const legs = new Map(names.map((name) => [name, { out: 0, in: 0 }]))
          let inside = 0
          for (const { from, to, hundreds } of flows) {
            if (from === to) continue
            const sender = legs.get(from)
            const receiver = legs.get(to)
            if (sender) sender.out += hundreds * 100
            if (receiver) receiver.in += hundreds * 100
            if (receiver) inside += hundreds * 100
          }
          for (const { to, hundreds } of fromOutside) {
            const receiver = legs.get(to)
            if (receiver) receiver.in += hundreds * 100
          }
          const parts = names.map((name) =>
            relayed(name, legs.get(name)?.out ?? 0, legs.get(name)?.in ?? 0),
          )
          const went = destinationsOf(parts)
          const out = parts.reduce((sum, { traffic }) => sum + traffic.turnToPeerBytes, 0)
          const left = went.reduce((sum, { inside }) => sum - inside, out)
          expect(left).toBeLessThanOrEqual(out - inside)
          for (const [index, { inside }] of went.entries())
            expect(inside).toBeLessThanOrEqual(parts[index]?.traffic.turnToPeerBytes ?? 0)
        },
      ),
    )
  })
})

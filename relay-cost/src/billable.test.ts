import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { billableBytes, hairpinBytes, type Relayed } from './billable.ts'
import { noTraffic } from './traffic.ts'

const rule = { meter: 'egress', packetOverheadBytes: 28 } as const

/** Peer legs of a participant in bytes; packets of 100 bytes. */
function relayed(participant: string, toPeer: number, fromPeer: number, toClient = 0): Relayed {
  return {
    participant,
    traffic: {
      ...noTraffic(),
      turnToPeerBytes: toPeer,
      turnToPeerPackets: toPeer / 100,
      peerToTurnBytes: fromPeer,
      peerToTurnPackets: fromPeer / 100,
      turnToClientBytes: toClient,
      turnToClientPackets: toClient / 100,
    },
  }
}

describe('what is billable', () => {
  it('REQ-K5: a relayed participant with a direct peer pays both ways out, with headers', () => {
    expect(billableBytes([relayed('a', 1000, 2000, 2000)], rule)).toEqual([
      { bytes: 2000 + 20 * 28 + 1000 + 10 * 28, insideBytes: 0 },
    ])
  })

  it('REQ-K5: two who are relayed to each other are counted once: what leaves to each client', () => {
    const parts = [relayed('a', 1000, 600, 600), relayed('b', 600, 1000, 1000)]
    expect(billableBytes(parts, rule)).toEqual([
      { bytes: 600 + 6 * 28, insideBytes: 1000 },
      { bytes: 1000 + 10 * 28, insideBytes: 600 },
    ])
  })

  it('REQ-K5: two allocations of one participant do not talk to each other', () => {
    expect(hairpinBytes([relayed('a', 1000, 0), relayed('a', 0, 1000)])).toBe(0)
  })

  it('REQ-K5: an idle allocation of a direct peer takes nothing off', () => {
    expect(hairpinBytes([relayed('a', 1000, 900), relayed('b', 0, 0)])).toBe(0)
  })

  it('REQ-K5: other vendors meter other legs', () => {
    const part: Relayed = {
      participant: 'a',
      traffic: {
        ...relayed('a', 500, 500, 700).traffic,
        clientToTurnBytes: 300,
        clientToTurnPackets: 3,
      },
    }
    const bytes = (meter: 'to-client' | 'sent-and-received') =>
      billableBytes([part], { meter, packetOverheadBytes: 0 })[0]?.bytes
    expect(bytes('to-client')).toBe(700)
    expect(bytes('sent-and-received')).toBe(1000)
  })

  it('REQ-K5: whoever talks to whom, no byte that stayed inside is charged', () => {
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
          const billable = billableBytes(parts, { ...rule, packetOverheadBytes: 0 })
          const out = parts.reduce((sum, { traffic }) => sum + traffic.turnToPeerBytes, 0)
          expect(billable.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(
            out - inside,
          )
          for (const [index, { insideBytes }] of billable.entries())
            expect(insideBytes).toBeLessThanOrEqual(parts[index]?.traffic.turnToPeerBytes ?? 0)
        },
      ),
    )
  })
})

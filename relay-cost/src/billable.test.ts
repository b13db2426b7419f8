import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { extraHeaderBytes, quantitiesOf } from './billable.ts'
import { type Meter, meters } from './prices/meters.ts'
import { addSums, noSums, sumFields } from './sums.ts'
import type { CellSums } from './usage.ts'

const sums: CellSums = {
  ...noSums(),
  transport: 'udp',
  ...{ clientToTurnBytes: 3000, clientToTurnPackets: 30 },
  ...{ turnToClientBytes: 7000, turnToClientPackets: 70 },
  ...{ turnToPeerBytes: 5000, turnToPeerPackets: 50 },
  ...{ peerToTurnBytes: 5000, peerToTurnPackets: 50 },
  ...{ insideBytes: 1000, insidePackets: 10, crossZoneBytes: 2000, crossZonePackets: 20 },
  ...{ crossZoneInBytes: 400, crossZoneInPackets: 4 },
  userMilliseconds: 5000,
}

const charged = (meter: Meter, over: Partial<CellSums> = {}, packetOverheadBytes = 28) =>
  quantitiesOf({ ...sums, ...over }, { meter, packetOverheadBytes })

describe('what is charged', () => {
  it('REQ-K5: clouds charge what leaves, with headers, each destination by itself', () => {
    expect(charged('egress')).toEqual({
      internetBytes: 7000 + 70 * 28 + 2000 + 20 * 28,
      crossZoneBytes: 2000 + 20 * 28 + 400 + 4 * 28,
      interRegionBytes: 0,
      sameNodeBytes: 1000 + 10 * 28,
      relayedMilliseconds: 0,
    })
    expect(charged('aws').crossZoneBytes).toBe(2 * charged('egress').crossZoneBytes)
  })

  it('REQ-K5: managed TURN charges the client legs, a flat rate the hours', () => {
    expect(charged('to-client').internetBytes).toBe(7000 + 70 * 28)
    expect(charged('sent-and-received').internetBytes).toBe(7000 + 70 * 28 + 3000 + 30 * 28)
    expect(charged('flat-rate')).toMatchObject({ internetBytes: 0, relayedMilliseconds: 5000 })
  })

  it('REQ-K5: TCP and TLS have greater headers, on the client leg alone', () => {
    const more = (transport: CellSums['transport']) =>
      charged('egress', { transport }).internetBytes - charged('egress').internetBytes
    expect(more('tcp')).toBe(70 * extraHeaderBytes.tcp)
    expect(more('tls')).toBe(70 * extraHeaderBytes.tls)
    expect(more('')).toBe(0)
    expect(charged('egress', { transport: 'tls' }, 0)).toEqual(charged('egress', {}, 0))
  })

  it('REQ-K5: what only nodes saw sent is charged by clouds', () => {
    const { internetBytes } = charged('egress', { unseenSentBytes: 11 })
    expect(internetBytes).toBe(charged('egress').internetBytes + 11)
    expect(charged('to-client', { unseenSentBytes: 11 })).toEqual(charged('to-client'))
  })

  it('REQ-K5: is linear: charged by cells or by their sums, it is the same', () => {
    const any = fc
      .array(fc.nat(1e6), { minLength: sumFields.length, maxLength: sumFields.length })
      .map((values): CellSums => {
        const measures = noSums()
        for (const [index, field] of sumFields.entries()) measures[field] = values[index] ?? 0
        return { ...measures, transport: 'tls' }
      })
    fc.assert(
      fc.property(any, any, fc.constantFrom(...meters), (a, b, meter) => {
        const both = { ...a }
        addSums(both, b)
        const price = (of: CellSums) => quantitiesOf(of, { meter, packetOverheadBytes: 28 })
        const [one, other, together] = [price(a), price(b), price(both)]
        for (const kind of Object.keys(one) as (keyof typeof one)[])
          expect(together[kind]).toBe(one[kind] + other[kind])
      }),
    )
  })
})

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { loadPrices } from '../prices/file.ts'
import { presetPrices, presets } from '../prices/presets.ts'
import { renderWhatIf } from './render.ts'
import { whatIf } from './what-if.ts'

describe('what-if', () => {
  it('REQ-A3: 100 users at 0, 20 and 50 % relay with 0.05 an hour cost 0, 1.00 and 2.50', () => {
    const perHour = (relayShare: number) =>
      whatIf({ users: 100, relayShare, flatRate: 0.05 }).perHour
    expect([0, 0.2, 0.5].map(perHour)).toEqual([0, 1, 2.5])
    expect(whatIf({ users: 100, relayShare: 0.2, flatRate: 0.05 })).toEqual({
      currency: 'USD',
      perHour: 1,
      perMonth: 730,
      breakdown: {
        relayedUsers: 20,
        hoursPerMonth: 730,
        basis: 'flat-rate',
        perRelayedUserHour: 0.05,
      },
    })
  })

  it('REQ-A3: a price list may have that flat rate, too', () => {
    const prices = loadPrices(
      '{currency: USD, asOf: 2026-11-01, gigabyte: 1e9, meter: flat-rate, egress: {internet: {tiers: [{perGB: 0}]}}, flatRate: {perRelayedUserHour: 0.05}}',
    )
    const perHour = (relayShare: number) => whatIf({ users: 100, relayShare, prices }).perHour
    expect([0, 0.2, 0.5].map(perHour)).toEqual([0, 1, 2.5])
  })

  const decimal = { ...presetPrices('aws/us-east-1'), gigabyte: 1e9, packetOverheadBytes: 0 }

  it('with prices: a lone relayed user pays down and up', () => {
    const result = whatIf({
      ...{ users: 1000, relayShare: 0.001, prices: decimal },
      media: { roomSize: 2, audioKbps: 0, videoKbps: 8000 },
    })
    // 1 MB/s each way is 7.2 GB an hour, at 0.09 (below 10 TB a month); one peer in 1000 is relayed.
    expect(result.breakdown).toMatchObject({ billableBytesPerHour: 7.1964e9 })
    expect(result.perHour).toBeCloseTo(7.1964 * 0.09, 6)
  })

  it('with headers: 28 bytes for each of 50 packets of audio a second', () => {
    const prices = { ...decimal, packetOverheadBytes: 28 }
    const media = { roomSize: 2, audioKbps: 40, videoKbps: 0 }
    const { breakdown } = whatIf({ users: 2, relayShare: 1, prices, media })
    expect(breakdown).toMatchObject({ billableBytesPerHour: 2 * (5000 + 50 * 28) * 3600 })
  })

  it('the screen is shared by one of the meeting', () => {
    const media = { roomSize: 5, audioKbps: 0, videoKbps: 0, screenKbps: 1000 }
    const { breakdown } = whatIf({ users: 5, relayShare: 1, prices: decimal, media })
    expect(breakdown).toMatchObject({ billableBytesPerHour: 4 * 125_000 * 3600 })
  })

  it('a mesh leaves the cloud with its relayed share 2s − s², an SFU with all that it sends', () => {
    const flat = loadPrices(
      '{currency: USD, asOf: 2026-11-01, gigabyte: 1e9, egress: {internet: {tiers: [{perGB: 0.1}]}}}',
    )
    fc.assert(
      fc.property(
        ...[fc.integer({ min: 2, max: 50 }), fc.double({ min: 0, max: 1, noNaN: true })],
        (roomSize, relayShare) => {
          const { topologies } = whatIf({
            ...{ users: 1000, relayShare, prices: flat, media: { roomSize } },
          })
          const [mesh, sfu] = topologies ?? []
          const share = 2 * relayShare - relayShare ** 2
          expect(mesh?.perMonth).toBeCloseTo((sfu?.perMonth ?? 0) * share, 1)
        },
      ),
    )
  })

  it('regions stand side by side, and node variants', () => {
    const result = whatIf({
      ...{ users: 1000, relayShare: 0.2, prices: presetPrices('aws/eu-central-1') },
      compare: [presetPrices('aws/sa-east-1'), presetPrices('cloudflare/global')],
      nodes: { count: 10 },
    })
    expect(result.regions?.map(({ name }) => name)).toEqual([
      'aws/eu-central-1',
      'aws/sa-east-1',
      'cloudflare/global',
    ])
    expect(result.regions?.[0]?.perMonth).toBe(result.perMonth)
    expect(result.regions?.[1]?.perMonth).toBeGreaterThan(result.perMonth)
    expect(result.nodeVariants).toEqual([
      { name: 'on-demand', currency: 'USD', perHour: 1.02, perMonth: 744.6 },
      { name: 'reserved', currency: 'USD', perHour: 0.632, perMonth: 461.36 },
      { name: 'spot', currency: 'USD', perHour: 0.341, perMonth: 248.93 },
    ])
    const table = renderWhatIf(result, 'table')
    expect(table).toContain('aws/sa-east-1')
    expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  it('an SFU is not priced by a list that only knows TURN', () => {
    const prices = presetPrices('cloudflare/global')
    expect(whatIf({ users: 10, relayShare: 0.2, prices })).not.toHaveProperty('topologies')
    expect(() => whatIf({ users: 10, relayShare: 0.2, prices, topology: 'sfu' })).toThrow(
      /cloudflare\/global has no price for what an SFU sends/,
    )
  })

  it('more relaying never costs less', () => {
    const share = fc.double({ min: 0, max: 0.5, noNaN: true })
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(presets)), share, share, (prices, a, b) => {
        const cost = (relayShare: number) => whatIf({ users: 5000, relayShare, prices }).perMonth
        expect(cost(Math.max(a, b))).toBeGreaterThanOrEqual(cost(Math.min(a, b)))
      }),
    )
  })

  it('refuses what makes no sense', () => {
    expect(() => whatIf({ users: -1, relayShare: 0, flatRate: 1 })).toThrow(/users/)
    expect(() => whatIf({ users: 1, relayShare: 20, flatRate: 1 })).toThrow(/0.2 for 20 %/)
    expect(() => whatIf({ users: 1, relayShare: 1, flatRate: Number.NaN })).toThrow(/flat rate/)
  })

  it('prints for people and for programs', () => {
    const result = whatIf({ users: 100, relayShare: 0.5, flatRate: 0.05 })
    expect(renderWhatIf(result, 'table')).toContain('per hour       2.5000 USD')
    const media = { roomSize: 1 }
    expect(() => whatIf({ users: 1, relayShare: 0, prices: decimal, media })).toThrow(/room size/)
    expect(JSON.parse(renderWhatIf(result, 'json'))).toEqual(result)
  })
})

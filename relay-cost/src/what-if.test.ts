import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { presetPrices, presets } from './prices/presets.ts'
import { renderWhatIf, whatIf } from './what-if.ts'

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

  it('with prices: a lone relayed user pays down and up, with headers', () => {
    const prices = { ...presetPrices('aws/us-east-1'), gigabyte: 1e9 }
    const result = whatIf({
      ...{ users: 1000, relayShare: 0.001, prices },
      bitrates: { downKbps: 8000, upKbps: 0, packetBytes: 280 },
    })
    // 1 MB/s with a tenth on top is 3.96 GB an hour, at 0.09 (below 10 TB a month).
    expect(result.breakdown).toMatchObject({ billableBytesPerHour: 3.96e9 })
    expect(result.perHour).toBeCloseTo(3.96 * 0.09, 6)
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
    expect(JSON.parse(renderWhatIf(result, 'json'))).toEqual(result)
  })
})

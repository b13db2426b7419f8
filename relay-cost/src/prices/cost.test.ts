import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { noQuantities, priceInternet, priceNodes, priceQuantities } from './cost.ts'
import { loadPrices } from './file.ts'
import { exactPerUnit, toMicros, toNumber } from './money.ts'
import { presetPrices } from './presets.ts'
import type { Prices, Tier } from './prices.ts'

const tiersOf = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 0, max: 200 })), {
    minLength: 1,
    maxLength: 5,
  })
  .map((steps): Tier[] => {
    let upToGB = 0
    return steps.map(([width, mills], index) => {
      upToGB = index === steps.length - 1 ? Number.POSITIVE_INFINITY : upToGB + width
      return { upToGB, perGB: mills / 1000 }
    })
  })
const gigabyteOf = fc.constantFrom(1e9, 2 ** 30)

const preset = presetPrices('aws/us-east-1')
const pricesOf = (tiers: Tier[], gigabyte = 1e9, priorUsageGB = 0): Prices => {
  const internet = { priorUsageGB, tiers }
  return { ...preset, gigabyte, egress: { ...preset.egress, internet } }
}

describe('tiers', () => {
  it('REQ-K5: equal the sum over gigabytes, one by one', () => {
    fc.assert(
      fc.property(
        ...[tiersOf, gigabyteOf, fc.nat(6000), fc.nat(2000), fc.nat(3000)],
        (tiers, gigabyte, prior, before, gigabytes) => {
          let mills = 0
          for (let gb = prior + before; gb < prior + before + gigabytes; gb += 1)
            mills += Math.round((tiers.find(({ upToGB }) => gb < upToGB)?.perGB ?? 0) * 1000)
          const prices = pricesOf(tiers, gigabyte, prior)
          const exact = priceInternet(gigabytes * gigabyte, prices, before * gigabyte)
          expect(exact).toBe((BigInt(mills) * exactPerUnit) / 1000n)
        },
      ),
    )
  })

  it('REQ-K5: a month costs what its parts cost one after the other, wherever it is cut', () => {
    const bytes = fc.nat(5e12)
    fc.assert(
      fc.property(tiersOf, gigabyteOf, bytes, bytes, bytes, (tiers, gigabyte, before, a, b) => {
        const prices = pricesOf(tiers, gigabyte, 3)
        const whole = priceInternet(a + b, prices, before)
        const first = priceInternet(a, prices, before)
        expect(whole).toBe(first + priceInternet(b, prices, before + a))
        expect(whole).toBeGreaterThanOrEqual(first)
      }),
    )
  })

  it('REQ-K5: a bound may be a part of a gigabyte', () => {
    const tiers = [
      { upToGB: 0.5, perGB: 0 },
      { upToGB: Number.POSITIVE_INFINITY, perGB: 0.1 },
    ]
    expect(toNumber(priceInternet(750_000_000, pricesOf(tiers)))).toBe(0.025)
  })

  it('REQ-K5: no byte is lost past 2^53', () => {
    const tiers = [{ upToGB: Number.POSITIVE_INFINITY, perGB: 1 }]
    const most = Number.MAX_SAFE_INTEGER
    const prices = pricesOf(tiers)
    expect(priceInternet(most, prices, most) - priceInternet(most - 1, prices, most)).toBe(
      exactPerUnit / 1_000_000_000n,
    )
  })
})

describe('the parts of a price', () => {
  const tiers = [{ upToGB: Number.POSITIVE_INFINITY, perGB: 0.09 }]

  it('REQ-K5: zones, regions and hours are linear, and the total is their sum', () => {
    const prices = {
      ...pricesOf(tiers),
      flatRate: { perRelayedUserHour: 0.05 },
    }
    const priced = priceQuantities(
      {
        internetBytes: 1e9,
        crossZoneBytes: 2e9,
        interRegionBytes: 3e9,
        sameNodeBytes: 4e9,
        relayedMilliseconds: 20 * 3_600_000,
      },
      prices,
    )
    expect(toMicros(priced.internet)).toBe(90_000)
    expect(toMicros(priced.crossZone)).toBe(20_000)
    expect(toMicros(priced.interRegion)).toBe(60_000)
    expect(toMicros(priced.sameNode)).toBe(0)
    expect(toMicros(priced.userHours)).toBe(1_000_000)
    expect(toMicros(priced.total)).toBe(1_170_000)
    expect(priceQuantities(noQuantities(), prices).total).toBe(0n)
  })

  it('REQ-K5: any price of up to twelve decimals is read as it is written', () => {
    fc.assert(
      fc.property(fc.nat(999_999), fc.integer({ min: 1, max: 12 }), (digits, decimals) => {
        const perGB = Number(`${digits}e-${decimals}`)
        const exact = priceInternet(1e9, pricesOf([{ upToGB: Number.POSITIVE_INFINITY, perGB }]))
        expect(exact).toBe((BigInt(digits) * exactPerUnit) / 10n ** BigInt(decimals))
      }),
    )
  })

  it('REQ-S3: nodes cost by the time, with their address, as they are bought', () => {
    const reserved = loadPrices(
      '{currency: USD, asOf: 2026-11-01, gigabyte: 1e9, egress: {internet: {tiers: [{perGB: 0}]}}, nodes: {perHour: 0.1, publicIPv4PerHour: 0.005, variant: reserved}}',
    )
    const hours = 730 * 3_600_000
    expect(toNumber(priceNodes(hours, reserved))).toBe(730 * 0.065)
    expect(toNumber(priceNodes(hours, reserved, 'spot'))).toBe(730 * 0.035)
  })
})

import { stringify } from 'yaml'
import { type Prices, usualDiscounts } from './prices.ts'

/**
 * A price list as the text of a prices file: what `loadPrices` reads back as the same list. What has
 * its default is left out.
 */
export function pricesYaml(prices: Prices): string {
  if (prices.converted)
    throw new Error('prices that were converted are not written: write those of before')
  const { egress, nodes, flatRate } = prices
  const linear = (name: string, price: { perGB: number }) =>
    price.perGB > 0 ? { [name]: price } : {}
  const { type, perHour, publicIPv4PerHour, variant, discounts } = nodes
  const ownDiscounts =
    discounts.reserved !== usualDiscounts.reserved || discounts.spot !== usualDiscounts.spot
  return stringify(
    {
      name: prices.name,
      ...(prices.region === undefined ? {} : { region: prices.region }),
      currency: prices.currency,
      asOf: prices.asOf,
      ...(prices.source === '' ? {} : { source: prices.source }),
      ...(prices.approximate ? { approximate: true } : {}),
      ...(prices.validFrom === undefined ? {} : { validFrom: instantOf(prices.validFrom) }),
      ...(prices.validTo === undefined ? {} : { validTo: instantOf(prices.validTo) }),
      gigabyte: prices.gigabyte === 1e9 ? '1e9' : '2^30',
      meter: prices.meter,
      ...(prices.networkTier === 'standard' ? { networkTier: 'standard' } : {}),
      egress: {
        internet: {
          priorUsageGB: egress.internet.priorUsageGB,
          tiers: egress.internet.tiers.map(({ upToGB, perGB }) =>
            upToGB === Number.POSITIVE_INFINITY ? { perGB } : { upToGB, perGB },
          ),
        },
        ...linear('crossZone', egress.crossZone),
        ...linear('interRegion', egress.interRegion),
        ...linear('sameNode', egress.sameNode),
      },
      nodes: {
        ...(type === '' ? {} : { type }),
        ...{ perHour, publicIPv4PerHour },
        ...(variant === 'on-demand' ? {} : { variant }),
        ...(ownDiscounts ? { discounts } : {}),
      },
      ...(flatRate.perRelayedUserHour > 0 ? { flatRate } : {}),
      packetOverheadBytes: prices.packetOverheadBytes,
    },
    { lineWidth: 0 },
  )
}

function instantOf(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z')
}

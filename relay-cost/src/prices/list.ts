import { type Prices, usualDiscounts } from './prices.ts'

/** What tells one price list from another; the rest has the usual values. */
export type PriceRow = Pick<Prices, 'name' | 'asOf' | 'source' | 'meter' | 'gigabyte'> &
  Partial<Pick<Prices, 'region' | 'currency' | 'networkTier' | 'approximate'>> & {
    priorUsageGB?: number
    tiers: Prices['egress']['internet']['tiers']
    crossZone?: number
    interRegion?: number
    node?: { type: string; perHour: number }
    publicIPv4PerHour?: number
    packetOverheadBytes?: number
  }

export function priceList(row: PriceRow): Prices {
  return {
    name: row.name,
    ...(row.region === undefined ? {} : { region: row.region }),
    currency: row.currency ?? 'USD',
    asOf: row.asOf,
    source: row.source,
    approximate: row.approximate ?? false,
    networkTier: row.networkTier ?? 'premium',
    gigabyte: row.gigabyte,
    meter: row.meter,
    egress: {
      internet: { priorUsageGB: row.priorUsageGB ?? 0, tiers: row.tiers },
      crossZone: { perGB: row.crossZone ?? 0 },
      interRegion: { perGB: row.interRegion ?? 0 },
      sameNode: { perGB: 0 },
    },
    nodes: {
      type: row.node?.type ?? '',
      perHour: row.node?.perHour ?? 0,
      publicIPv4PerHour: row.publicIPv4PerHour ?? 0,
      variant: 'on-demand',
      discounts: usualDiscounts,
    },
    flatRate: { perRelayedUserHour: 0 },
    packetOverheadBytes: row.packetOverheadBytes ?? 28,
  }
}

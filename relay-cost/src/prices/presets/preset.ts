import type { Meter } from '../meters.ts'
import { type NetworkTier, type Prices, usualDiscounts } from '../prices.ts'

/** Day on which the figures of all presets were last looked at. */
export const presetsAsOf = '2026-11-01'
export const gibibyte = 2 ** 30
const unbounded = Number.POSITIVE_INFINITY

/** One row of a provider's table: what differs from preset to preset. */
export type Preset = {
  name: string
  meter: Meter
  gigabyte: number
  /** Where the figures are from; says which of them are approximate. */
  source: string
  approximate?: boolean
  networkTier?: NetworkTier
  priorUsageGB?: number
  /** `[up to GB, price of a GB]`; the last without an upper end. */
  tiers: readonly (readonly [upToGB: number | undefined, perGB: number])[]
  crossZone?: number
  interRegion?: number
  node?: { type: string; perHour: number }
  publicIPv4PerHour?: number
  packetOverheadBytes?: number
}

export function presetOf(row: Preset): Prices {
  return {
    name: row.name,
    currency: 'USD',
    asOf: presetsAsOf,
    source: row.source,
    approximate: row.approximate ?? false,
    networkTier: row.networkTier ?? 'premium',
    gigabyte: row.gigabyte,
    meter: row.meter,
    egress: {
      internet: {
        priorUsageGB: row.priorUsageGB ?? 0,
        tiers: row.tiers.map(([upToGB, perGB]) => ({ upToGB: upToGB ?? unbounded, perGB })),
      },
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

import { type PriceRow, priceList } from '../list.ts'
import type { Prices } from '../prices.ts'

/** Day on which the figures of all presets were last looked at. */
export const presetsAsOf = '2026-11-01'
export const gibibyte = 2 ** 30

/** One row of a provider's table: what differs from preset to preset. */
export type Preset = Omit<PriceRow, 'asOf' | 'tiers' | 'region'> & {
  /** `[up to GB, price of a GB]`; the last without an upper end. */
  tiers: readonly (readonly [upToGB: number | undefined, perGB: number])[]
}

export function presetOf(preset: Preset): Prices {
  const tiers = preset.tiers.map(([upToGB = Number.POSITIVE_INFINITY, perGB]) => ({
    upToGB,
    perGB,
  }))
  return priceList({ ...preset, tiers, asOf: presetsAsOf })
}

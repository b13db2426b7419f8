import { PricesError } from '../errors.ts'
import { awsPresets } from './presets/aws.ts'
import { azurePresets } from './presets/azure.ts'
import { gcpPresets } from './presets/gcp.ts'
import { managedPresets } from './presets/managed.ts'
import { presetOf } from './presets/preset.ts'
import type { Prices } from './prices.ts'

/**
 * List prices by `provider/region`. They are public list prices, rounded as the vendors print them,
 * without discounts and taxes; `source` says which are approximate. Check them against your own bill
 * and write a prices file where they differ, or import the vendor's own. The presets of AWS and Azure
 * take the account's free first 100 GB a month as used up by something else (`priorUsageGB: 100`): a
 * report then never shows relaying as free that is not.
 */
export const presets: Readonly<Record<string, Prices>> = Object.fromEntries(
  [...awsPresets, ...gcpPresets, ...azurePresets, ...managedPresets].map((row) => [
    row.name,
    presetOf(row),
  ]),
)

/** @throws {PricesError} `PRICES_UNKNOWN_PRESET`; the message lists the provider's, or the nearest */
export function presetPrices(name: string): Prices {
  const prices = Object.hasOwn(presets, name) ? presets[name] : undefined
  if (prices) return prices
  throw new PricesError(
    'PRICES_UNKNOWN_PRESET',
    `no price preset "${name}"; use one of ${likelyPresets(name).join(', ')}, or a prices file of your own`,
  )
}

/** Where nobody says which, and none is known for the region. */
export const defaultPreset = 'aws/us-east-1'

/** The preset of a region where prices are not said: AWS', as far as there is one of that name. */
export function presetOfRegion(region: string): string {
  const name = `aws/${region}`
  return Object.hasOwn(presets, name) ? name : defaultPreset
}

/** The presets that somebody may have meant: those of the provider, or all. */
export function likelyPresets(name: string): string[] {
  const all = Object.keys(presets)
  const [provider] = name.split('/')
  const ofProvider = all.filter((preset) => preset.startsWith(`${provider}/`))
  return ofProvider.length > 0 ? ofProvider : all
}

import { PricesError } from '../errors.ts'
import type { Prices, Tier } from './prices.ts'

/**
 * List prices by `provider/region`. They are public list prices, rounded as the vendors print them,
 * without discounts and taxes; check them against your own bill and write a prices file where they
 * differ. The clouds' presets take the account's free first 100 GB a month as used up by something
 * else (`priorUsageGB: 100`): a report then never shows relaying as free that is not.
 */
const asOf = '2026-11-01'
const gibibyte = 2 ** 30
const freeGB = 100
const unbounded = Number.POSITIVE_INFINITY

const awsTiers: Tier[] = [
  { upToGB: freeGB, perGB: 0 },
  { upToGB: 10_240, perGB: 0.09 },
  { upToGB: 51_200, perGB: 0.085 },
  { upToGB: 153_600, perGB: 0.07 },
  { upToGB: unbounded, perGB: 0.05 },
]

function aws(region: string, nodePerHour: number): Prices {
  return {
    name: `aws/${region}`,
    currency: 'USD',
    asOf,
    source: `AWS EC2 list prices, data transfer out to the internet; node c6i.large on demand (approximate)`,
    gigabyte: gibibyte,
    meter: 'egress',
    egress: {
      internet: { priorUsageGB: freeGB, tiers: awsTiers },
      crossZone: { perGB: 0.01 },
      interRegion: { perGB: 0.02 },
      sameNode: { perGB: 0 },
    },
    nodes: { perHour: nodePerHour, publicIPv4PerHour: 0.005 },
    packetOverheadBytes: 28,
  }
}

const list: Prices[] = [
  aws('us-east-1', 0.085),
  aws('us-west-2', 0.085),
  aws('eu-west-1', 0.0912),
  aws('eu-central-1', 0.097),
  {
    name: 'gcp/us-central1',
    currency: 'USD',
    asOf,
    source:
      'Google Cloud premium tier egress list prices, North America (approximate); node n2-standard-2',
    gigabyte: gibibyte,
    meter: 'egress',
    egress: {
      internet: {
        priorUsageGB: 0,
        tiers: [
          { upToGB: 1024, perGB: 0.12 },
          { upToGB: 10_240, perGB: 0.11 },
          { upToGB: unbounded, perGB: 0.08 },
        ],
      },
      crossZone: { perGB: 0.01 },
      interRegion: { perGB: 0.02 },
      sameNode: { perGB: 0 },
    },
    nodes: { perHour: 0.0971, publicIPv4PerHour: 0.005 },
    packetOverheadBytes: 28,
  },
  {
    name: 'azure/eastus',
    currency: 'USD',
    asOf,
    source: 'Azure bandwidth list prices, zone 1, Microsoft network (approximate); node F2s v2',
    gigabyte: gibibyte,
    meter: 'egress',
    egress: {
      internet: {
        priorUsageGB: freeGB,
        tiers: [
          { upToGB: freeGB, perGB: 0 },
          { upToGB: 10_240, perGB: 0.087 },
          { upToGB: 51_200, perGB: 0.083 },
          { upToGB: 153_600, perGB: 0.07 },
          { upToGB: unbounded, perGB: 0.05 },
        ],
      },
      crossZone: { perGB: 0 },
      interRegion: { perGB: 0.02 },
      sameNode: { perGB: 0 },
    },
    nodes: { perHour: 0.0846, publicIPv4PerHour: 0.005 },
    packetOverheadBytes: 28,
  },
  {
    name: 'cloudflare/global',
    currency: 'USD',
    asOf,
    source: 'Cloudflare Realtime TURN list price: TURN to client only, first 1,000 GB a month free',
    gigabyte: 1e9,
    meter: 'to-client',
    egress: {
      internet: {
        priorUsageGB: 0,
        tiers: [
          { upToGB: 1000, perGB: 0 },
          { upToGB: unbounded, perGB: 0.05 },
        ],
      },
      crossZone: { perGB: 0 },
      interRegion: { perGB: 0 },
      sameNode: { perGB: 0 },
    },
    nodes: { perHour: 0, publicIPv4PerHour: 0 },
    packetOverheadBytes: 0,
  },
]

export const presets: Readonly<Record<string, Prices>> = Object.fromEntries(
  list.map((prices) => [prices.name, prices]),
)

/** @throws {PricesError} `PRICES_UNKNOWN_PRESET`; the message lists the known ones */
export function presetPrices(name: string): Prices {
  const prices = Object.hasOwn(presets, name) ? presets[name] : undefined
  if (prices) return prices
  throw new PricesError(
    'PRICES_UNKNOWN_PRESET',
    `no price preset "${name}"; use one of ${Object.keys(presets).join(', ')}, or a prices file of your own`,
  )
}

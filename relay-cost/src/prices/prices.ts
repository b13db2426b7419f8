import type { Meter } from './meters.ts'
import { fromPico, scaled, toPico } from './money.ts'

/** A step of a marginal price: each gigabyte above the tier before and up to `upToGB` costs `perGB`. */
export type Tier = { upToGB: number; perGB: number }

/** How a node is bought. */
export const nodeVariants = ['on-demand', 'reserved', 'spot'] as const
export type NodeVariant = (typeof nodeVariants)[number]

/** What is usually off the on-demand price of a node (REQ-S3); a prices file may say other shares. */
export const usualDiscounts = { reserved: 0.4, spot: 0.7 } as const

/** Which way a cloud carries egress: over its own network, or over the nearest provider. */
export const networkTiers = ['premium', 'standard'] as const
export type NetworkTier = (typeof networkTiers)[number]

export type Prices = {
  name: string
  /** Region that the list is for; not given: any that no other list is for. */
  region?: string
  currency: string
  /** Date of the figures. */
  asOf: string
  /** Where the figures are from. */
  source: string
  /** Some figures are of memory or of second hand: check them before they decide anything. */
  approximate: boolean
  /** Epoch ms from which and up to which the list holds; not given: always. */
  validFrom?: number
  validTo?: number
  /** How these prices were made from those of another currency. */
  converted?: { from: string; rate: number; asOf: string }
  networkTier: NetworkTier
  /** Bytes of the gigabyte that the vendor bills. */
  gigabyte: number
  meter: Meter
  egress: {
    internet: {
      /** Egress of the same account and month that is not in the report: it uses up the first tiers. */
      priorUsageGB: number
      /** In order, the last one without bound (`upToGB: Infinity`). */
      tiers: Tier[]
    }
    crossZone: { perGB: number }
    interRegion: { perGB: number }
    sameNode: { perGB: number }
  }
  nodes: {
    /** What the node is, for people: `c6i.large`. */
    type: string
    /** On demand, without its address. */
    perHour: number
    publicIPv4PerHour: number
    /** How the nodes are bought. */
    variant: NodeVariant
    /** Share of `perHour` that is off: 0.4 for 40 %. */
    discounts: { reserved: number; spot: number }
  }
  /** For the meter `flat-rate`. */
  flatRate: { perRelayedUserHour: number }
  /** Bytes of headers on the wire for each packet, beyond what coturn counts: 28 for IPv4 and UDP. */
  packetOverheadBytes: number
}

/**
 * The same list in another currency, each price times `rate`, to 12 decimals. There is no rate but
 * the one given, with the date that it is of.
 */
export function convertPrices(
  prices: Prices,
  to: { currency: string; rate: number; asOf: string },
): Prices {
  const perGB = (price: { perGB: number }) => ({ perGB: scaled(price.perGB, to.rate) })
  const { egress, nodes, flatRate } = prices
  return {
    ...prices,
    currency: to.currency,
    converted: { from: prices.currency, rate: to.rate, asOf: to.asOf },
    egress: {
      internet: {
        ...egress.internet,
        tiers: egress.internet.tiers.map((tier) => ({ ...tier, ...perGB(tier) })),
      },
      crossZone: perGB(egress.crossZone),
      interRegion: perGB(egress.interRegion),
      sameNode: perGB(egress.sameNode),
    },
    nodes: {
      ...nodes,
      perHour: scaled(nodes.perHour, to.rate),
      publicIPv4PerHour: scaled(nodes.publicIPv4PerHour, to.rate),
    },
    flatRate: { perRelayedUserHour: scaled(flatRate.perRelayedUserHour, to.rate) },
  }
}

/**
 * What a node costs an hour, without its public address: on demand, reserved or spot, the discount
 * taken off the list price.
 */
export function nodePerHour(prices: Prices, variant: NodeVariant = prices.nodes.variant): number {
  const { perHour, discounts } = prices.nodes
  if (variant === 'on-demand') return perHour
  return scaled(perHour, fromPico(toPico(1) - toPico(discounts[variant])))
}

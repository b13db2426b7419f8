import { type ExactMoney, priceOfBytes, priceOfTime, toNumber, toPico } from './money.ts'
import { type NodeVariant, nodePerHour, type Prices } from './prices.ts'

/**
 * What is to be priced: sums over anything, headers included, each byte as often as the meter counts
 * it (`meterRules`). Whole numbers, so that quantities add up and prices are linear in all of them
 * but `internetBytes`, which goes through the tiers.
 */
export type Quantities = {
  internetBytes: number
  crossZoneBytes: number
  interRegionBytes: number
  sameNodeBytes: number
  /** Time in which participants were relayed: for the meter `flat-rate`. */
  relayedMilliseconds: number
}

export function noQuantities(): Quantities {
  return {
    internetBytes: 0,
    crossZoneBytes: 0,
    interRegionBytes: 0,
    sameNodeBytes: 0,
    relayedMilliseconds: 0,
  }
}

/** The price of each part by itself; `total` is their sum. */
export type Priced = {
  internet: ExactMoney
  crossZone: ExactMoney
  interRegion: ExactMoney
  sameNode: ExactMoney
  userHours: ExactMoney
  total: ExactMoney
}

/**
 * What was relayed in one calendar month (UTC), or in a part of it, costs. Exact: nothing is rounded.
 *
 * Tiers begin with the month: what the account moved besides (`priorUsageGB`) and what was billed
 * before this part of the month come first. So the parts of a month cost together what the month
 * costs: price(a + b | before) = price(a | before) + price(b | before + a).
 *
 * @param before bytes of `internetBytes` since the month began, up to where these begin
 */
export function priceQuantities(of: Quantities, prices: Prices, before = 0): Priced {
  const { egress, gigabyte, flatRate } = prices
  const linear = (bytes: number, perGB: number) => priceOfBytes(BigInt(bytes), perGB, gigabyte)
  const parts = {
    internet: priceInternet(of.internetBytes, prices, before),
    crossZone: linear(of.crossZoneBytes, egress.crossZone.perGB),
    interRegion: linear(of.interRegionBytes, egress.interRegion.perGB),
    sameNode: linear(of.sameNodeBytes, egress.sameNode.perGB),
    userHours: priceOfTime(BigInt(of.relayedMilliseconds), flatRate.perRelayedUserHour),
  }
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0n) }
}

/** Internet egress through the tiers of one month; see {@link priceQuantities}. */
export function priceInternet(bytes: number, prices: Prices, before = 0): ExactMoney {
  const { gigabyte, egress } = prices
  const from = bytesOf(egress.internet.priorUsageGB, gigabyte) + BigInt(before)
  const to = from + BigInt(bytes)
  let cost: ExactMoney = 0n
  let lower = 0n
  for (const { upToGB, perGB } of egress.internet.tiers) {
    const upper = upToGB === Number.POSITIVE_INFINITY ? to : bytesOf(upToGB, gigabyte)
    const first = from > lower ? from : lower
    const last = to < upper ? to : upper
    if (last > first) cost += priceOfBytes(last - first, perGB, gigabyte)
    lower = upper
  }
  return cost
}

/** Gigabytes of a price list in bytes, rounded to a whole one. */
function bytesOf(gigabytes: number, gigabyte: number): bigint {
  const pico = 10n ** 12n
  return (toPico(gigabytes) * BigInt(gigabyte) + pico / 2n) / pico
}

/** What nodes cost, each with one public IPv4 address, for a time summed over nodes. */
export function priceNodes(
  nodeMilliseconds: number,
  prices: Prices,
  variant: NodeVariant = prices.nodes.variant,
): ExactMoney {
  const time = BigInt(nodeMilliseconds)
  return (
    priceOfTime(time, nodePerHour(prices, variant)) +
    priceOfTime(time, prices.nodes.publicIPv4PerHour)
  )
}

/**
 * What `bytes` of internet egress cost on top of the prior usage, in the currency, rounded to
 * millionths: for estimates. Reports add exact money ({@link priceQuantities}) and round once.
 */
export function priceEgress(bytes: number, prices: Prices): number {
  return toNumber(priceInternet(Math.round(bytes), prices))
}

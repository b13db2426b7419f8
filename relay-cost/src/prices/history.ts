import { PricesError } from '../errors.ts'
import type { Window } from '../request.ts'
import type { Prices } from './prices.ts'

/** The prices at an instant of the window, and when they end (epoch ms; Infinity: never). */
export type PricesAt = (at: number) => { prices: Prices; until: number }

/**
 * Which price list holds when, over a window: what `spansOf` cuts the window by.
 *
 * Of the lists, those of `region` count; where there is none, those that name no region. A list
 * holds from its `validFrom` up to its `validTo`, or up to where the next one begins.
 * @throws {PricesError} `PRICES_REGION` where no list is for the region, `PRICES_AMBIGUOUS` where two
 *   hold at once, `PRICES_MISSING` where none holds for a part of the window, `PRICES_CURRENCY` where
 *   they are of several currencies; each message names the lists and the fix
 */
export function pricesOver(lists: readonly Prices[], window: Window, region?: string): PricesAt {
  const inForce = listsInForce(listsOf(lists, region), window)
  return (at) => {
    const found = inForce.find(({ until }) => at < until)
    if (!found || at < startOf(found.prices)) throw notCovered(at, window.to, found?.prices)
    return found
  }
}

function listsOf(lists: readonly Prices[], region: string | undefined): Prices[] {
  const ofRegion = lists.filter((prices) => prices.region !== undefined && prices.region === region)
  if (ofRegion.length > 0) return ofRegion
  const ofAny = lists.filter((prices) => prices.region === undefined)
  if (ofAny.length > 0) return ofAny
  const known = [...new Set(lists.map((prices) => prices.region))]
  throw new PricesError(
    'PRICES_REGION',
    region === undefined
      ? `the price lists are for ${known.join(', ')}, and it is not known which region this is; say the region, or add a list without region`
      : `no price list is for region ${region} (there are lists for ${known.join(', ') || 'none'}); add one with region: ${region}, or one without region`,
  )
}

/** The lists that hold in the window, in order of time, each with the instant at which it ends. */
function listsInForce(
  lists: readonly Prices[],
  window: Window,
): { prices: Prices; until: number }[] {
  const sorted = lists.toSorted(byStartThenName)
  const timed = sorted.map((prices, index) => {
    const next = sorted[index + 1]
    return { prices, until: prices.validTo ?? (next ? startOf(next) : Number.POSITIVE_INFINITY) }
  })
  for (const [index, { prices, until }] of timed.entries()) {
    const next = timed[index + 1]
    if (!next || startOf(next.prices) >= window.to) continue
    if (startOf(next.prices) === startOf(prices) && next.until > window.from)
      throw new PricesError(
        'PRICES_AMBIGUOUS',
        `the price lists ${prices.name} and ${next.prices.name} both hold ${instantOf(startOf(prices), 'from')}; give each another validFrom, or remove one`,
      )
    const both = Math.min(until, next.until)
    if (until > startOf(next.prices) && both > window.from)
      throw new PricesError(
        'PRICES_AMBIGUOUS',
        `the price lists ${prices.name} and ${next.prices.name} both hold ${instantOf(startOf(next.prices), 'from')}; end ${prices.name} there (validTo), or leave its validTo out`,
      )
  }
  const inForce = timed.filter(
    ({ prices, until }) => startOf(prices) < window.to && until > window.from,
  )
  let covered = window.from
  for (const { prices, until } of inForce) {
    if (startOf(prices) > covered) throw notCovered(covered, startOf(prices), prices)
    covered = until
  }
  if (covered < window.to) throw notCovered(covered, window.to, sorted.at(-1))
  const other = inForce.find(({ prices }) => prices.currency !== inForce[0]?.prices.currency)
  if (other && inForce[0])
    throw new PricesError(
      'PRICES_CURRENCY',
      `the price lists ${inForce[0].prices.name} (${inForce[0].prices.currency}) and ${other.prices.name} (${other.prices.currency}) are of different currencies; add convert: { to: ${inForce[0].prices.currency}, rate, asOf } to ${other.prices.name}, or ask for a window on one side of the change`,
    )
  return inForce
}

function byStartThenName(a: Prices, b: Prices): number {
  if (startOf(a) !== startOf(b)) return startOf(a) < startOf(b) ? -1 : 1
  return a.name < b.name ? -1 : 1
}

function startOf(prices: Prices): number {
  return prices.validFrom ?? Number.NEGATIVE_INFINITY
}

function notCovered(from: number, to: number, near: Prices | undefined): PricesError {
  const lists = near ? ` (the nearest is ${near.name})` : ''
  return new PricesError(
    'PRICES_MISSING',
    `no price list holds ${instantOf(from, 'from')} ${instantOf(to, 'to')}${lists}; add one, or widen its validFrom or validTo`,
  )
}

function instantOf(at: number, word: 'from' | 'to'): string {
  if (at === Number.NEGATIVE_INFINITY) return 'from the beginning'
  return `${word} ${new Date(at).toISOString().slice(0, 16)}Z`
}

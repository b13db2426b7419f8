import { hourMs, hourOf } from './allocation.ts'
import type { Prices } from './prices/prices.ts'
import type { Window } from './request.ts'
import type { CellSums } from './usage.ts'

/** Prices and the time for which they hold; whole UTC hours. */
export type PriceSpan = Window & { prices: Prices }

/**
 * What was used in a span: what a report is priced from. Spans of one report follow one another, those of
 * each region with prices of its own by themselves.
 */
export type PricedSums = PriceSpan & {
  sums: readonly CellSums[]
  /**
   * Time of all nodes together, and what one relays at most (Mbit/s sent). Left out: nodes cost 0.
   * `instanceTypes` are those that are known.
   */
  nodes?: { milliseconds: number; capacityMbps: number; instanceTypes?: readonly string[] }
}

/** The whole UTC hours that a window touches: what its report counts. */
export function countedHours(window: Window): Window {
  return { from: hourOf(window.from), to: hourOf(window.to + hourMs - 1) }
}

/**
 * Cuts the hours of a window where a calendar month (UTC) begins, because tiers do so anew, and where
 * prices change. `pricesAt` gives the prices at an instant and when they end (Infinity: never).
 */
export function spansOf(
  window: Window,
  pricesAt: (at: number) => { prices: Prices; until: number },
): PriceSpan[] {
  const { from, to } = countedHours(window)
  const spans: PriceSpan[] = []
  for (let at = from; at < to; ) {
    const { prices, until } = pricesAt(at)
    // A change within an hour holds from the next hour on: traffic is known by hour.
    const change = Number.isFinite(until) ? hourOf(until + hourMs - 1) : to
    const end = Math.min(to, nextMonth(at), Math.max(change, at + hourMs))
    spans.push({ from: at, to: end, prices })
    at = end
  }
  return spans
}

/** Start of the calendar month (UTC) after the one that `at` is in. */
export function nextMonth(at: number): number {
  const date = new Date(at)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
}

/** Start of the calendar month (UTC) that `at` is in. */
export function monthOf(at: number): number {
  const date = new Date(at)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
}

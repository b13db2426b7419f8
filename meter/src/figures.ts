import type { RelaySummary } from '@parley/protocol'
import {
  type CellSums,
  countedHours,
  dayMs,
  forecastMonthEnd,
  hourMs,
  hourOf,
  monthOf,
  nextMonth,
  type Pace,
  reportOf,
  roundMoney,
  spansOf,
} from '@parley/relay-cost'
import type { Accounting } from './accounting.ts'
import { inKeptDays, nodesIn, type PricesOf } from './report.ts'
import type { Usage } from './usage.ts'

/** Span over which the present cost per hour is measured. */
const rateWindowMs = 5 * 60_000
/** By the pace of so many the month's cost is forecast. */
const paceDays = 7

/**
 * What relaying costs, now and since the store began. Tiers start again with each calendar month
 * (UTC), so cost is summed month by month.
 *
 * Of the running month only the last hours are summed at each refresh; the hours before them once an
 * hour, and finished months once. What comes late to those shows an hour later, or at the next start.
 */
export class CostFigures {
  /** Never falls, so that it can be a Prometheus counter. */
  costEver = 0
  currency: string
  /** Whether the store was priced at all. */
  known = false
  /** Why it could not be the last time. */
  error: Error | undefined
  monthToDate = 0
  /** As of the hour for which it was worked out; undefined: not known yet. */
  #forecast: number | undefined
  #forecastHour = 0
  #finishedMonths = new Map<number, number>()
  /** Sums of the parts of the month up to the hour that they were made in. */
  #settled = { hour: 0, sums: new Map<string, CellSums[]>() }
  #samples: { at: number; cost: number }[] = []
  #usage: Usage
  #pricesOf: PricesOf

  constructor(usage: Usage, pricesOf: PricesOf, currency: string) {
    this.#usage = usage
    this.#pricesOf = pricesOf
    this.currency = currency
  }

  /** Prices what the store holds as of `now`. Rejects with the store's error, and keeps the figures. */
  async refresh(now: number): Promise<void> {
    try {
      await this.#refresh(now)
      this.error = undefined
      this.known = true
    } catch (error) {
      this.error = error as Error
      throw error
    }
  }

  async #refresh(now: number): Promise<void> {
    const thisMonth = monthOf(now)
    const oldest = await this.#usage.since()
    let finished = 0
    for (let month = monthOf(oldest ?? now); month < thisMonth; month = nextMonth(month)) {
      const cost =
        this.#finishedMonths.get(month) ?? (await this.#costBetween(month, nextMonth(month), now))
      this.#finishedMonths.set(month, cost)
      finished += cost
    }
    this.monthToDate = await this.#costBetween(thisMonth, Math.max(now, thisMonth + 1), now)
    this.costEver = Math.max(this.costEver, finished + this.monthToDate)
    if (this.#forecastHour !== hourOf(now)) await this.#forecastMonth(now, oldest ?? now)
    this.#samples.push({ at: now, cost: this.costEver })
    while ((this.#samples[1]?.at ?? now) <= now - rateWindowMs) this.#samples.shift()
  }

  /** What the month is going to cost; undefined: not known yet. It changes with the hour. */
  get forecast(): number | undefined {
    return this.#forecast === undefined ? undefined : Math.max(this.#forecast, this.monthToDate)
  }

  summary(
    accounting: Pick<Accounting, 'open'>,
    troubles: Readonly<Record<string, string>>,
    now: number,
  ): RelaySummary {
    const { forecast } = this
    return {
      ...accounting.open(now),
      currency: this.currency,
      ...(this.known && { costPerHour: this.#costPerHour(), monthToDate: this.monthToDate }),
      ...(forecast !== undefined && { forecast: roundMoney(forecast) }),
      ...(Object.keys(troubles).length > 0 ? { troubles } : {}),
    }
  }

  #costPerHour(): number {
    const first = this.#samples.at(0)
    const last = this.#samples.at(-1)
    if (!first || !last || last.at === first.at) return 0
    const span = Math.max(last.at - first.at, 60_000)
    return roundMoney(((last.cost - first.cost) / span) * hourMs)
  }

  /** By the last 7 times 24 hours, as far as the store goes back. */
  async #forecastMonth(now: number, oldest: number): Promise<void> {
    const hour = hourOf(now)
    const days: Pace[] = []
    for (let to = hour; days.length < paceDays && to > oldest; to -= dayMs) {
      const from = Math.max(to - dayMs, hourOf(oldest))
      days.unshift({ from, to, cost: await this.#marginalCost(from, to, now) })
    }
    this.#forecast = forecastMonthEnd(this.monthToDate, nextMonth(now) - now, days)
    this.#forecastHour = hour
  }

  /** What a span added to the cost of its month, or of its months: tiers go on within a month. */
  async #marginalCost(from: number, to: number, now: number): Promise<number> {
    let cost = 0
    for (let start = from; start < to; ) {
      const month = monthOf(start)
      const end = Math.min(to, nextMonth(start))
      cost += await this.#costBetween(month, end, now)
      if (start > month) cost -= await this.#costBetween(month, start, now)
      start = end
    }
    return Math.max(0, cost)
  }

  async #costBetween(from: number, to: number, now: number): Promise<number> {
    const window = { from, to }
    const first = countedHours(window).from
    const spans = []
    const { participantsFrom } = await this.#usage.kept()
    for (const span of inKeptDays(spansOf(window, this.#pricesOf(window)), participantsFrom))
      spans.push({
        ...{ ...span, sums: await this.#sumsOf(span, first, now) },
        ...(await nodesIn(this.#usage, span, Math.min(now, to))),
      })
    return reportOf({ window, by: [], spans }).totals.cost.total
  }

  /** The sums of a span, of which the part before the last full hour is summed once an hour. */
  async #sumsOf(
    { from, to }: { from: number; to: number },
    first: number,
    now: number,
  ): Promise<CellSums[]> {
    const settledTo = hourOf(now) - hourMs
    if (this.#settled.hour !== settledTo) this.#settled = { hour: settledTo, sums: new Map() }
    const middle = Math.min(Math.max(from, settledTo), to)
    const key = `${from} ${middle}`
    const { sums } = this.#settled
    const before =
      sums.get(key) ??
      (from < middle ? await this.#usage.sums({ from, to: middle }, [], now, first) : [])
    sums.set(key, before)
    if (middle === to) return before
    return [...before, ...(await this.#usage.sums({ from: middle, to }, [], now, first))]
  }
}

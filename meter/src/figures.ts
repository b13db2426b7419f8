import type { RelaySummary } from '@parley/protocol'
import { buildReport, type Prices } from '@parley/relay-cost'
import type { Accounting } from './accounting.ts'
import type { Store } from './store/store.ts'
import type { Usage } from './usage.ts'

/** Span over which the present cost per hour is measured. */
const rateWindowMs = 5 * 60_000

/**
 * What relaying costs, now and since the store began. Tiers start again with each calendar month
 * (UTC), so cost is summed month by month.
 */
export class CostFigures {
  /** Never falls, so that it can be a Prometheus counter. */
  costEver = 0
  /** Whether the store was priced at all. */
  known = false
  /** Why it could not be the last time. */
  error: Error | undefined
  #monthToDate = 0
  #finishedMonths = new Map<number, number>()
  #samples: { at: number; cost: number }[] = []
  #store: Store
  #usage: Usage
  #prices: Prices
  #region: string

  constructor(store: Store, usage: Usage, prices: Prices, region: string) {
    this.#store = store
    this.#usage = usage
    this.#prices = prices
    this.#region = region
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
    const oldest = (await this.#usage.extent())?.from
    let finished = 0
    for (let month = monthOf(oldest ?? now); month < thisMonth; month = nextMonth(month)) {
      const cost =
        this.#finishedMonths.get(month) ?? (await this.#costBetween(month, nextMonth(month)))
      this.#finishedMonths.set(month, cost)
      finished += cost
    }
    this.#monthToDate = await this.#costBetween(thisMonth, Math.max(now, thisMonth + 1))
    this.costEver = Math.max(this.costEver, finished + this.#monthToDate)
    this.#samples.push({ at: now, cost: this.costEver })
    while ((this.#samples[1]?.at ?? now) <= now - rateWindowMs) this.#samples.shift()
  }

  summary(
    accounting: Accounting,
    troubles: Readonly<Record<string, string>>,
    now: number,
  ): RelaySummary {
    return {
      ...accounting.open(now),
      currency: this.#prices.currency,
      ...(this.known && { costPerHour: this.#costPerHour(), monthToDate: this.#monthToDate }),
      ...(Object.keys(troubles).length > 0 ? { troubles } : {}),
    }
  }

  #costPerHour(): number {
    const first = this.#samples.at(0)
    const last = this.#samples.at(-1)
    if (!first || !last || last.at === first.at) return 0
    const span = Math.max(last.at - first.at, 60_000)
    return roundMoney(((last.cost - first.cost) / span) * 3_600_000)
  }

  async #costBetween(from: number, to: number): Promise<number> {
    const report = buildReport({
      allocations: await this.#store.records({ from, to }),
      window: { from, to },
      prices: this.#prices,
      by: [],
      region: this.#region,
    })
    return report.totals.cost.total
  }
}

function monthOf(at: number): number {
  const date = new Date(at)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth())
}

function nextMonth(month: number): number {
  const date = new Date(month)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
}

function roundMoney(amount: number): number {
  return Math.round(amount * 1e6) / 1e6
}

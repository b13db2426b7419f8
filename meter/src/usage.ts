import { setImmediate } from 'node:timers/promises'
import type { ReportDimension } from '@parley/protocol'
import {
  type AllocationRecord,
  addNodeTime,
  type CellSums,
  type CellsRequest,
  cellsOf,
  countedHours,
  dayMs,
  dayOf,
  hourMs,
  hourOf,
  type NodeTime,
  nodeTime,
  sumCells,
  type UsageCell,
  type Window,
} from '@parley/relay-cost'
import { unheard } from './places/unheard.ts'
import type { Book, Kept, Store } from './store/store.ts'
import { tableSpans } from './table-spans.ts'

/** What, beyond the allocations, decides what an hour comes to. */
export type CellFacts = Omit<CellsRequest, 'asOf' | 'window'>

/** What is known for the hours of a window and these allocations of a book. */
export type FactsOf = (
  window: Window,
  records: readonly AllocationRecord[],
  book: Book,
) => Promise<CellFacts>

/** How long after its end an hour is rolled up: until then its last messages may be under way. */
export const settleMs = 5 * 60_000

/** Hours that are worked out at a time: what is in memory at once. */
const hoursAtOnce = 6

export type Retention = {
  /** Days for which single allocations are kept; hours and days stay. */
  allocationDays: number
  /** Days for which hours are kept, and with them participants; days stay. */
  hourDays: number
}

/**
 * What relaying came to, out of the store: hours that are settled from its rollups, the others from
 * their allocations. Both are the same sums; a report is the same whichever it is made from.
 */
export class Usage {
  readonly #store: Pick<Store, 'books'>
  readonly #factsOf: FactsOf

  constructor(store: Pick<Store, 'books'>, factsOf: FactsOf) {
    this.#store = store
    this.#factsOf = factsOf
  }

  /**
   * What the hours that a window touches come to. There may be several rows of one key.
   * @param first the hour at which the report begins, where the window is a part of it
   * @param asOf epoch ms up to which the allocations are known: now
   */
  async sums(
    window: Window,
    by: readonly ReportDimension[],
    asOf: number,
    first = countedHours(window).from,
  ): Promise<CellSums[]> {
    const result: CellSums[] = []
    for (const book of await this.#store.books())
      for (const sums of await this.#sumsOf(book, window, by, asOf, first)) result.push(sums)
    return result
  }

  /** Everything that was ever counted. */
  async totals(now: number): Promise<CellSums[]> {
    const extent = await this.extent()
    return extent ? this.sums(extent, [], now) : []
  }

  /**
   * How long nodes had TURN pods in the hours that a window touches, up to `asOf`; undefined where no such
   * pod is known in them. Of several meters the nodes are added up.
   */
  async nodes(window: Window, asOf: number): Promise<NodeTime | undefined> {
    const { from, to } = countedHours(window)
    const hours = { from, to: Math.min(to, asOf) }
    const times: NodeTime[] = []
    for (const book of await this.#store.books()) {
      const time = nodeTime(await book.pods.between(hours), hours)
      if (time) times.push(time)
    }
    return times.length === 0 ? undefined : times.reduce(addNodeTime)
  }

  /** Since when (epoch ms) the nodes of TURN are known; undefined: they are not. */
  async nodesSince(): Promise<number | undefined> {
    const books = await this.#store.books()
    const known = await Promise.all(books.map((book) => book.pods.since()))
    const first = known.filter((since) => since !== undefined)
    return first.length > 0 ? Math.min(...first) : undefined
  }

  /** The times of a window, up to `asOf`, in which a meter did not hear coturn. */
  async unheard(window: Window, asOf: number): Promise<Window[]> {
    const hours = countedHours(window)
    const gaps: Window[] = []
    for (const book of await this.#store.books())
      gaps.push(...unheard(await book.heard.during(hours), hours, asOf))
    return gaps
  }

  /** Since when (epoch ms) anything is known that may cost something; undefined: nothing is. */
  async since(): Promise<number | undefined> {
    const [extent, nodes] = [await this.extent(), await this.nodesSince()]
    return extent === undefined ? nodes : Math.min(extent.from, nodes ?? extent.from)
  }

  /** The hours of which anything is known; undefined in an empty store. */
  async extent(): Promise<Window | undefined> {
    const books = await this.#store.books()
    const extents = (await Promise.all(books.map((book) => book.extent()))).filter(
      (extent) => extent !== undefined,
    )
    if (extents.length === 0) return undefined
    return {
      from: Math.min(...extents.map(({ from }) => from)),
      to: Math.max(...extents.map(({ to }) => to)),
    }
  }

  /**
   * Rolls up the hours that are settled and changed, then the days that are over. What is cut off in
   * the middle goes on the next time. @returns how many of each
   */
  async rollUp(now: number): Promise<{ hours: number; days: number }> {
    const done = { hours: 0, days: 0 }
    const settled = hourOf(now - settleMs)
    for (const book of await this.#store.books()) {
      for (const changed of await book.changedHours({ from: 0, to: settled })) {
        const hour = { from: changed.hour, to: changed.hour + hourMs }
        if (await book.putHour(changed, await this.#cellsOf(book, hour, now))) done.hours += 1
        await setImmediate()
      }
      for (const day of await book.days({ from: 0, to: dayOf(settled) }, false)) {
        await book.putDay(day)
        done.days += 1
        await setImmediate()
      }
    }
    return done
  }

  /** Deletes what is older than it has to be kept, bit by bit. */
  async forget(retention: Retention, now: number): Promise<void> {
    const before: Kept = {
      allocations: hourOf(Math.max(0, now - retention.allocationDays * dayMs)),
      hours: dayOf(Math.max(0, now - retention.hourDays * dayMs)),
    }
    for (const book of await this.#store.books())
      while (await book.forget(before, now)) await setImmediate()
  }

  /** From when on (epoch ms) hours, and with them participants, are known. */
  async kept(): Promise<{ participantsFrom: number }> {
    const books = await this.#store.books()
    const kept = await Promise.all(books.map((book) => book.kept()))
    return { participantsFrom: Math.max(0, ...kept.map(({ hours }) => hours)) }
  }

  async #sumsOf(
    book: Book,
    window: Window,
    by: readonly ReportDimension[],
    asOf: number,
    first: number,
  ): Promise<CellSums[]> {
    const hours = countedHours(window)
    const changed = (await book.changedHours(hours)).map(({ hour }) => hour)
    const spans = tableSpans(hours, {
      changed: new Set(changed),
      days: new Set(await book.days(hours, true)),
      hoursFrom: (await book.kept()).hours,
      byDay: !by.includes('hour') && !by.includes('participant'),
    })
    const result = await book.sums(spans, by, first)
    for (const run of runsOf(changed, hoursAtOnce))
      for (const sums of sumCells(await this.#cellsOf(book, run, asOf), by, first))
        result.push(sums)
    return result
  }

  async #cellsOf(book: Book, window: Window, asOf: number): Promise<UsageCell[]> {
    const records = await book.records(window)
    return cellsOf(records, { ...(await this.#factsOf(window, records, book)), window, asOf })
  }
}

/** Hours that follow one another, at most so many at a time. */
function runsOf(hours: readonly number[], most: number): Window[] {
  const runs: Window[] = []
  for (const hour of hours) {
    const last = runs.at(-1)
    if (last && last.to === hour && last.to - last.from < most * hourMs) last.to += hourMs
    else runs.push({ from: hour, to: hour + hourMs })
  }
  return runs
}

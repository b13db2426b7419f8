import type { RelayCostReport, ReportDimension } from '@parley/protocol'
import { type AllocationRecord, endOf, hourMs, hourOf, isOpen } from './allocation.ts'
import { cellsOf } from './cells.ts'
import { Ledger } from './ledger.ts'
import type { Prices } from './prices/prices.ts'
import { compareRecorded, type Recorded } from './replay.ts'
import { reportOf } from './report.ts'
import { monthOf, nextMonth, type PricedSums } from './span.ts'
import { addSums, sumCells } from './sums.ts'
import type { CellSums } from './usage.ts'

/**
 * Hours are summed up when the stream is so far beyond them. An allocation that is alive says so at
 * least every ten minutes, unless coturn was told otherwise; only one that was silent for longer
 * than this and then went on would be counted otherwise than with all of the stream at hand.
 */
const settledMs = 3 * hourMs

/**
 * The report of a recorded stream of any length: events come in order, one by one, and what is kept
 * is the allocations of the last hours and the rows of the report.
 */
export class ReplayStream {
  accepted = 0
  repeated = 0
  /** Epoch ms of the first and of the last event; 0 and 0 while there are none. */
  from = 0
  to = 0
  #request: { prices: Prices; by: readonly ReportDimension[]; region: string }
  #ledger = new Ledger()
  #previous: Recorded | undefined
  /** Up to where hours are summed up. */
  #summedTo = 0
  #months = new Map<number, Map<string, CellSums>>()

  constructor(request: { prices: Prices; by: readonly ReportDimension[]; region?: string }) {
    this.#request = { region: '', ...request }
  }

  /** Events whose counters would bring an allocation past 2^53 bytes. */
  get overflows(): number {
    return this.#ledger.overflows
  }

  /**
   * Counts the next event, in the order of `compareRecorded`; a repeat is dropped.
   * @throws {RangeError} where it comes before the one before it
   */
  push(recorded: Recorded): void {
    const order = this.#previous ? compareRecorded(this.#previous, recorded) : -1
    if (order > 0) throw new RangeError('events must come in order')
    if (order === 0) {
      this.repeated += 1
      return
    }
    const { t } = recorded.line
    if (!this.#previous) {
      this.from = t
      this.#summedTo = hourOf(t)
    }
    this.#previous = recorded
    this.accepted += 1
    this.to = t
    if (t - this.#summedTo > settledMs + hourMs) this.#sumUp(hourOf(t - settledMs), t)
    this.#ledger.apply(recorded.event)
  }

  /** The report of all that came. `notes` come before its own. */
  report(notes: readonly string[] = []): RelayCostReport {
    const { prices, by } = this.#request
    const window = { from: this.from, to: this.to + 1 }
    this.#sumUp(hourOf(window.to + hourMs - 1), window.to)
    const spans = [...this.#months].map(
      ([from, sums]): PricedSums => ({
        ...{ from, to: nextMonth(from), prices },
        sums: [...sums.values()],
      }),
    )
    return reportOf({
      window,
      by,
      spans: spans.length > 0 ? spans : [{ ...window, prices, sums: [] }],
      open: this.#ledger.records().filter((record) => isOpen(record, window.to)).length,
      notes,
    })
  }

  #sumUp(to: number, now: number): void {
    const records = this.#ledger.records()
    for (let hour = this.#summedTo; hour < to; hour += hourMs) this.#sumHour(hour, records, now)
    this.#summedTo = Math.max(this.#summedTo, to)
    this.#ledger.forgetSettled(now)
  }

  #sumHour(hour: number, records: readonly AllocationRecord[], now: number): void {
    const { by, region } = this.#request
    const own = records.filter(
      (record) =>
        record.hours.has(hour) || (record.openedAt < hour + hourMs && endOf(record, now) >= hour),
    )
    const window = { from: hour, to: hour + hourMs }
    const cells = cellsOf(own, { region, asOf: now, window })
    const month = this.#months.get(monthOf(hour)) ?? new Map<string, CellSums>()
    this.#months.set(monthOf(hour), month)
    for (const sums of sumCells(cells, by, hourOf(this.from))) {
      const id = [...by, 'transport' as const].map((name) => sums[name]).join('\n')
      const known = month.get(id)
      if (known) addSums(known, sums)
      else month.set(id, sums)
    }
  }
}

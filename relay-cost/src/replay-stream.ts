import { parseTurnUsername, type RelayCostReport, type ReportDimension } from '@parley/protocol'
import { type AllocationRecord, endOf, hourMs, hourOf, isOpen } from './allocation.ts'
import { cellsOf } from './cells.ts'
import { Ledger } from './ledger.ts'
import { PackedRecords } from './packed.ts'
import { pricesOver } from './prices/history.ts'
import type { Prices } from './prices/prices.ts'
import { compareRecorded, type Recorded } from './replay.ts'
import { reportOf } from './report.ts'
import type { Window } from './request.ts'
import { monthOf, type PricedSums, spansOf } from './span.ts'
import { addSums, sumCells } from './sums.ts'
import type { CellSums } from './usage.ts'

/**
 * Hours are summed up when the stream is so far beyond them. An allocation that is alive says so at
 * least every ten minutes, unless coturn was told otherwise; of one that was silent for longer than
 * this and then went on the bytes are counted, and not all of the time.
 */
const settledMs = hourMs
/** How often (of the stream's time) allocations that have ended leave the ledger. */
const tidyMs = 60_000

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
  #request: { prices: readonly Prices[]; by: readonly ReportDimension[]; region: string }
  /** Hours at which a price list begins or ends. */
  #changes: readonly number[]
  #ledger = new Ledger()
  #previous: Recorded | undefined
  /** Records that left the ledger, by the last hour in which they were there; of which one is not summed up yet. */
  #ended = new Map<number, PackedRecords>()
  #tidiedAt = 0
  /** Up to where hours are summed up. */
  #summedTo = 0
  /** By the month's start, or the change of prices in it: within one, prices stay the same. */
  #parts = new Map<number, Map<string, CellSums>>()

  /**
   * @param request `prices`: lists, of which those of the region hold, each in its time; see {@link pricesOver}
   */
  constructor(request: {
    prices: readonly Prices[]
    by: readonly ReportDimension[]
    region?: string
  }) {
    this.#request = { region: '', ...request }
    // As `spansOf` has it: a change within an hour holds from the next one on.
    this.#changes = request.prices
      .flatMap(({ validFrom = 0, validTo = 0 }) => [validFrom, validTo])
      .map((at) => hourOf(at + hourMs - 1))
  }

  /** Events whose counters would bring an allocation past 2^53 bytes. */
  get overflows(): number {
    return this.#ledger.overflows
  }

  /**
   * Counts the next event, in the order of `compareRecorded`; a repeat is dropped.
   * @returns false where it comes before the one before it: it is not counted
   */
  push(recorded: Recorded): boolean {
    const order = this.#previous ? compareRecorded(this.#previous, recorded) : -1
    if (order > 0) return false
    if (order === 0) {
      this.repeated += 1
      return true
    }
    const { t } = recorded.line
    if (!this.#previous) {
      this.from = t
      this.#summedTo = hourOf(t)
    }
    this.#previous = recorded
    this.accepted += 1
    this.to = t
    if (t - this.#tidiedAt > tidyMs) this.#tidy(t)
    if (t - this.#summedTo > settledMs + hourMs) this.#sumUp(hourOf(t - settledMs), t)
    this.#ledger.apply(recorded.event)
    return true
  }

  /**
   * The report of all that came. `notes` come before its own.
   * @throws {PricesError} where the lists do not say what holds in the time of the stream
   */
  report(notes: readonly string[] = []): RelayCostReport {
    const window = { from: this.from, to: this.to + 1 }
    this.#sumUp(hourOf(window.to + hourMs - 1), window.to)
    return reportOf({
      window,
      by: this.#request.by,
      spans: this.#spans(window),
      open: this.#ledger.records().filter((record) => isOpen(record, window.to)).length,
      notes: [
        ...notes,
        ...(this.overflows > 0
          ? [
              `${this.overflows} counters not counted: they would bring an allocation past 2^53 bytes`,
            ]
          : []),
      ],
    })
  }

  #spans(window: Window): PricedSums[] {
    const { prices, region } = this.#request
    const [first] = prices
    // An empty stream is of no time, so no list has to hold in it.
    if (this.accepted === 0 && first) return [{ ...window, prices: first, sums: [] }]
    return spansOf(window, pricesOver(prices, window, region || undefined)).map((span) => ({
      ...span,
      sums: [...this.#parts]
        .filter(([from]) => from < span.to && this.#partOf(span.from) <= from)
        .flatMap(([, sums]) => [...sums.values()]),
    }))
  }

  /** Start of the month, or of the prices, that an hour is in. */
  #partOf(hour: number): number {
    return this.#changes.reduce(
      (start, change) => (change <= hour ? Math.max(start, change) : start),
      monthOf(hour),
    )
  }

  #tidy(now: number): void {
    for (const record of this.#ledger.forgetSettled(now)) {
      const last = hourOf(endOf(record, now))
      const packed = this.#ended.get(last) ?? new PackedRecords()
      this.#ended.set(last, packed)
      packed.add(record)
    }
    this.#tidiedAt = now
  }

  #sumUp(to: number, now: number): void {
    const open = this.#ledger.records()
    for (let hour = this.#summedTo; hour < to; hour += hourMs) this.#sumHour(hour, open, now)
    this.#summedTo = Math.max(this.#summedTo, to)
    for (const last of this.#ended.keys()) if (last < to) this.#ended.delete(last)
  }

  /** Room by room, as cells depend on no other's: so no more than a room's records are there at a time. */
  #sumHour(hour: number, open: readonly AllocationRecord[], now: number): void {
    const rooms = new Map<string, (() => AllocationRecord)[]>()
    const add = (username: string, read: () => AllocationRecord) => {
      const room = roomOf(username)
      const known = rooms.get(room)
      if (known) known.push(read)
      else rooms.set(room, [read])
    }
    for (const record of open)
      if (record.openedAt < hour + hourMs && endOf(record, now) >= hour)
        add(record.username, () => record)
    for (const [last, packed] of this.#ended) {
      if (last < hour) continue
      for (let index = 0; index < packed.size; index += 1)
        if (packed.openedAt(index) < hour + hourMs)
          add(packed.usernameOf(index), () => packed.read(index))
    }
    for (const inRoom of rooms.values())
      this.#sumRoom(
        hour,
        inRoom.map((read) => read()),
        now,
      )
  }

  #sumRoom(hour: number, records: readonly AllocationRecord[], now: number): void {
    const { by, region } = this.#request
    const window = { from: hour, to: hour + hourMs }
    const cells = cellsOf(records, { region, asOf: now, window })
    const start = this.#partOf(hour)
    const part = this.#parts.get(start) ?? new Map<string, CellSums>()
    this.#parts.set(start, part)
    for (const sums of sumCells(cells, by, hourOf(this.from))) {
      const id = [...by, 'transport' as const].map((name) => sums[name]).join('\n')
      const known = part.get(id)
      if (known) addSums(known, sums)
      else part.set(id, sums)
    }
  }
}

/** One string per room; what belongs to none is together. */
function roomOf(username: string): string {
  const identity = parseTurnUsername(username)?.identity
  return identity ? `${identity.tenant}.${identity.room}` : ''
}

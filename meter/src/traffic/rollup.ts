import type { TrafficBatch } from '@parley/protocol'
import type { TrafficBook } from '../store/store.ts'
import { BandwidthWatch } from './bandwidth-watch.ts'
import { addCell, type Cell, cellsOf, newBatches, parseBatch, timeOfBatch } from './batches.ts'
import { fieldsOf, minuteMs } from './live.ts'
import type { TrafficQueue } from './queue.ts'
import type { TrafficRetention } from './tables.ts'

export type RollupOptions = {
  queue: TrafficQueue
  book: () => Promise<TrafficBook>
  /** Epoch ms. */
  now: () => number
  /** Batches that are taken at a time. */
  batchSize: number
  /** Batches that wait for the store at most; more stay in the buffer. */
  bufferSize: number
  /** How long the real-time hash of a minute is kept. */
  liveMs: number
  kept: TrafficRetention
  /** Mbit/s of a protocol and direction over which an alert opens; 0: never. */
  alertMbps: number
}

/** Batches in one transaction of the store. */
const storedAtOnce = 500
/** Servers send what happened in a minute within this time after it. */
const lateMs = 15_000

/**
 * Takes what servers did from the buffer, shows it, and stores it (REQ-H2). A batch stays in Redis until the store
 * has it, and the store knows by its number whether it does: so wherever this is killed, all of it is counted
 * once. Steps run one at a time.
 */
export class TrafficRollup {
  readonly #options: RollupOptions
  readonly #shown = new Map<string, number>()
  /** What recent minutes carried, for the watch. */
  readonly #minutes = new Map<number, Map<string, Cell>>()
  #isPrimed = false
  #watch: BandwidthWatch | undefined
  #watchedUntil = 0
  /** For metrics. */
  readonly totals = { counted: 0, duplicates: 0, rejected: 0, skewed: 0, writes: 0 }

  constructor(options: RollupOptions) {
    this.#options = options
  }

  /** Takes what is in the buffer, so many batches at a time, and adds it to the real-time view. */
  async process(): Promise<void> {
    const { queue, batchSize, bufferSize } = this.#options
    await this.#prime()
    let { pending } = await queue.lengths()
    for (;;) {
      const room = Math.min(batchSize, bufferSize - pending)
      const taken = room > 0 ? await queue.take(room) : []
      if (taken.length === 0) return
      pending += taken.length
      await this.#show(taken)
      if (taken.length < room) return
    }
  }

  /** Stores what was taken, and says so to those whose it is. */
  async persist(): Promise<void> {
    const { queue, now, kept } = this.#options
    const book = await this.#options.book()
    for (;;) {
      const entries = await queue.pending(storedAtOnce)
      if (entries.length === 0) break
      const batches = this.#parsed(entries)
      const stored = await book.add(batches, now(), kept)
      this.totals.counted += stored.counted
      this.totals.duplicates += stored.duplicates
      this.totals.skewed += stored.skewed
      this.totals.writes += stored.writes
      this.totals.rejected += entries.length - batches.length
      await queue.confirm(stored.last)
      await queue.drop(entries)
      if (entries.length < storedAtOnce) break
    }
    await this.#lookForAlerts(book)
  }

  /** Deletes what is older than is kept. */
  async forget(): Promise<void> {
    const { now, kept } = this.#options
    const book = await this.#options.book()
    while (await book.forget(now(), kept)) {
      // A bounded number of rows at a time: others may write in between.
    }
  }

  /** What was taken before this run, and stored, is not shown again when a server sends it again. */
  async #prime(): Promise<void> {
    if (this.#isPrimed) return
    const { queue, bufferSize } = this.#options
    const batches = this.#parsed(await queue.pending(bufferSize))
    newBatches(batches, this.#shown)
    this.#isPrimed = true
  }

  async #show(taken: readonly string[]): Promise<void> {
    const { queue, now, kept, liveMs, book } = this.#options
    const batches = this.#parsed(taken)
    const unknown = batches.map(({ source }) => source).filter((each) => !this.#shown.has(each))
    if (unknown.length > 0) {
      const stored = await (await book()).lastOf([...new Set(unknown)])
      for (const source of unknown) this.#shown.set(source, stored.get(source) ?? 0)
    }
    const at = now()
    const when = (batch: TrafficBatch) => timeOfBatch(batch.at, at, kept.hourlyMs).at
    const cells = cellsOf(newBatches(batches, this.#shown), minuteMs, when)
    for (const cell of cells) {
      const minute = this.#minutes.get(cell.at) ?? new Map<string, Cell>()
      addCell(minute, cell)
      this.#minutes.set(cell.at, minute)
    }
    const recent = cells.filter((cell) => cell.at > at - liveMs)
    if (recent.length > 0) await queue.addLive(fieldsOf(recent), liveMs + minuteMs)
  }

  async #lookForAlerts(book: TrafficBook): Promise<void> {
    const { alertMbps, now } = this.#options
    this.#watch ??= new BandwidthWatch(alertMbps, await book.alerts(1000))
    const over = now() - minuteMs - lateMs
    const changed = [...this.#minutes.keys()]
      .filter((minute) => minute <= over)
      .sort((a, b) => a - b)
      .flatMap((minute) => {
        const cells = [...(this.#minutes.get(minute)?.values() ?? [])]
        this.#minutes.delete(minute)
        // What comes after its minute was looked at is too little, and too late, to say something.
        if (minute <= this.#watchedUntil) return []
        this.#watchedUntil = minute
        return this.#watch?.look(minute, cells) ?? []
      })
    if (changed.length > 0) await book.putAlerts(changed)
  }

  #parsed(entries: readonly string[]): TrafficBatch[] {
    return entries.flatMap((entry) => parseBatch(entry) ?? [])
  }
}

import { parseTurnUsername, type RelayLoad } from '@parley/protocol'
import {
  type AllocationRecord,
  addTraffic,
  dayMs,
  isOpen,
  joinAllocations,
  Ledger,
  noTraffic,
  refKey,
  relayedBytes,
  type StatsdbEvent,
  subtractTraffic,
  type Traffic,
  totalOf,
} from '@parley/relay-cost'
import type { AllocationStatus } from './feed.ts'
import { holderOf, PodRates, relayLoad } from './load.ts'
import type { Store } from './store/store.ts'
import type { Usage } from './usage.ts'

/** How far back allocations may still get events when the meter starts, and how far back closed ones. */
const resumeMs = dayMs
const resumeClosedMs = 10 * 60_000

/**
 * The ledger and its store: events come in, changed records go out. A record that could not be
 * written stays to be written; nothing is dropped because the store fails.
 */
export class Accounting {
  /** Sums of what the store held at the start and of what came in since. */
  traffic: Traffic = noTraffic()
  unattributedBytes = 0
  /** Why the store could not be read or written the last time; undefined while it can. */
  storeError: Error | undefined
  /** Whether the sums hold what the store does. */
  resumed = false
  /** Allocations that were not kept because too many waited for a store that could not be written. */
  dropped = 0
  /** Hours that came so late that the store could not sum them up again. */
  lateHours = 0
  #store: Store
  #usage: Pick<Usage, 'totals'>
  #mostWaiting: number
  #onOverflow: (event: StatsdbEvent) => void
  #usesNone: (holder: string) => boolean
  #ledger = new Ledger()
  #changed = new Set<AllocationRecord>()
  #rates = new PodRates()
  #writing: Promise<void> = Promise.resolve()

  /**
   * @param mostWaiting changed records that are kept at most until they can be written
   * @param onOverflow told of the first counter that would bring an allocation past 2^53 bytes
   * @param usesNone whether somebody (see `holderOf`) is known to use none of the allocations that they hold
   */
  constructor(
    store: Store,
    usage: Pick<Usage, 'totals'>,
    mostWaiting = 100_000,
    onOverflow: (event: StatsdbEvent) => void = () => {},
    usesNone: (holder: string) => boolean = () => false,
  ) {
    this.#store = store
    this.#usage = usage
    this.#mostWaiting = mostWaiting
    this.#onOverflow = onOverflow
    this.#usesNone = usesNone
  }

  /** Counters that would have brought an allocation past 2^53 bytes; they are not counted. */
  get overflows(): number {
    return this.#ledger.overflows
  }

  /**
   * Takes up where the store ends. Best before the first event: what a delta adds to is then known.
   * Of a store that comes later, what was counted meanwhile is joined with what it holds by max():
   * that may be too little until an allocation says its total, and is never too much (another meter
   * may have written what this one counted).
   */
  async resume(now: number): Promise<void> {
    // What was counted while the store was away may since have been closed, and written by another meter.
    let closedSince = now - resumeClosedMs
    for (const { openedAt } of this.#changed) closedSince = Math.min(closedSince, openedAt)
    const stored = await this.#store.recent(now - resumeMs, closedSince)
    const totals = await this.#usage.totals(now)
    const counted = new Set([...this.#changed].map(refKey))
    const isCounted = (record: AllocationRecord) => counted.has(refKey(record))
    this.#ledger.load(stored)
    const joined = this.#ledger.records().filter(isCounted)
    this.#changed = new Set(joined)
    const [before, after] = [sumsOf(joinAllocations(stored.filter(isCounted))), sumsOf(joined)]
    this.traffic = totals.reduce(addTraffic, subtractTraffic(after.traffic, before.traffic))
    this.unattributedBytes = totals.reduce(
      (sum, each) => sum + each.unattributedBytes,
      after.unattributedBytes - before.unattributedBytes,
    )
    this.resumed = true
  }

  count(event: StatsdbEvent): void {
    this.#rates.count(event)
    this.#apply(event)
  }

  #apply(event: StatsdbEvent): void {
    const { gained: before, overflows } = this.#ledger
    const record = this.#ledger.apply(event)
    if (overflows === 0 && this.#ledger.overflows > 0) this.#onOverflow(event)
    if (record) this.#changed.add(record)
    if (this.#changed.size > this.#mostWaiting) this.#drop(event.at)
    const gained = this.#ledger.gained
    if (gained === before) return
    this.traffic = addTraffic(this.traffic, subtractTraffic(gained, before))
    if (!parseTurnUsername(event.allocation.username))
      this.unattributedBytes += relayedBytes(gained) - relayedBytes(before)
  }

  /**
   * Makes room where too many allocations wait to be written. One that is open only waits for its next
   * event, or for the store to be back; one that has ended is lost, and counted as such.
   */
  #drop(now: number): void {
    const [oldest] = this.#changed
    if (!oldest) return
    this.#changed.delete(oldest)
    if (isOpen(oldest, now)) return
    this.#ledger.forget(oldest)
    this.dropped += 1
  }

  /**
   * Takes in a status that was found lying in Redis. It tells of an allocation that opened while
   * nobody listened. Of one that is known it tells nothing: a coturn that is killed leaves its keys
   * behind, and they must not bring its allocations back to life.
   */
  find(status: AllocationStatus): void {
    if (!this.#ledger.knows({ ...status.allocation, remote: status.remote })) this.#apply(status)
  }

  /**
   * Writes what changed, after taking up what the store holds where that is still to be done.
   * Rejects with the store's error, and then keeps it all for the next time.
   */
  flush(now: number): Promise<void> {
    const write = this.#writing.catch(() => {}).then(() => this.#flush(now))
    this.#writing = write
    return write
  }

  async #flush(now: number): Promise<void> {
    try {
      if (!this.resumed) await this.resume(now)
      await this.#write()
      if (this.storeError) for (const record of this.#ledger.records()) this.#changed.add(record)
      this.storeError = undefined
    } catch (error) {
      this.storeError = error as Error
      throw error
    }
    this.#ledger.forgetSettled(now, (record) => this.#changed.has(record))
    this.#rates.forget(now)
  }

  async #write(): Promise<void> {
    const records = [...this.#changed]
    // Where the last write failed, an empty one says whether the store is back.
    if (records.length === 0 && !this.storeError) return
    this.#changed.clear()
    try {
      this.lateHours += (await this.#store.merge(records)).lateHours
    } catch (error) {
      for (const record of records) this.#changed.add(record)
      throw error
    }
  }

  /** Allocations open now, and how many people are on a relay: who holds one, and is not known to use none. */
  open(now: number): { allocations: number; users: number } {
    const open = this.#open(now)
    const holders = new Set(open.map(holderOf))
    const users = [...holders].filter((holder) => !this.#usesNone(holder)).length
    return { allocations: open.length, users }
  }

  /** What each TURN pod has to do now. */
  load(now: number): RelayLoad {
    return relayLoad(this.#open(now), this.#rates.megabitsPerSecond(now), now)
  }

  #open(now: number): AllocationRecord[] {
    return this.#ledger.records().filter((record) => isOpen(record, now))
  }
}

function sumsOf(records: readonly AllocationRecord[]) {
  let traffic = noTraffic()
  let unattributedBytes = 0
  for (const record of records) {
    const total = totalOf(record)
    traffic = addTraffic(traffic, total)
    if (!parseTurnUsername(record.username)) unattributedBytes += relayedBytes(total)
  }
  return { traffic, unattributedBytes }
}

import { parseTurnUsername, type RelayLoad } from '@parley/protocol'
import {
  type AllocationRecord,
  addTraffic,
  isOpen,
  Ledger,
  noTraffic,
  relayedBytes,
  type StatsdbEvent,
  subtractTraffic,
  type Traffic,
} from '@parley/relay-cost'
import type { AllocationStatus } from './feed.ts'
import { holderOf, PodRates, relayLoad } from './load.ts'
import type { Store } from './store/store.ts'

/** How far back allocations may still get events when the meter starts. */
const resumeMs = 24 * 3_600_000

/**
 * The ledger and its store: events come in, changed records go out. A record that could not be
 * written stays to be written; nothing is dropped because the store fails.
 */
export class Accounting {
  /** Sums of what the store held at the start and of what came in since. */
  traffic: Traffic = noTraffic()
  unattributedBytes = 0
  /** Why the last write failed; undefined while writes succeed. */
  writeError: Error | undefined
  #store: Store
  #ledger = new Ledger()
  #changed = new Set<AllocationRecord>()
  #rates = new PodRates()
  #writing: Promise<void> = Promise.resolve()

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Takes up where the store ends. It must be done before the first event is asked for: an event
   * that is in the store already (another meter's doing) would be counted again on top.
   */
  async resume(now: number): Promise<void> {
    this.#ledger.load(await this.#store.recent(now - resumeMs))
    const totals = await this.#store.totals()
    this.traffic = totals.traffic
    this.unattributedBytes = totals.unattributedBytes
  }

  count(event: StatsdbEvent): void {
    this.#rates.count(event)
    this.#apply(event)
  }

  #apply(event: StatsdbEvent): void {
    const before = this.#ledger.gained
    const record = this.#ledger.apply(event)
    if (record) this.#changed.add(record)
    const gained = this.#ledger.gained
    if (gained === before) return
    this.traffic = addTraffic(this.traffic, subtractTraffic(gained, before))
    if (!parseTurnUsername(event.allocation.username))
      this.unattributedBytes += relayedBytes(gained) - relayedBytes(before)
  }

  /**
   * Takes in a status that was found lying in Redis. It tells of an allocation that opened while
   * nobody listened. Of one that is known it tells nothing: a coturn that is killed leaves its keys
   * behind, and they must not bring its allocations back to life.
   */
  find(status: AllocationStatus): void {
    if (!this.#ledger.knows({ ...status.allocation, remote: status.remote })) this.#apply(status)
  }

  /** Writes what changed. Rejects with the store's error, and then keeps it for the next time. */
  flush(now: number): Promise<void> {
    const write = this.#writing.catch(() => {}).then(() => this.#flush(now))
    this.#writing = write
    return write
  }

  async #flush(now: number): Promise<void> {
    const records = [...this.#changed]
    if (records.length === 0 && !this.writeError) return
    this.#changed.clear()
    try {
      await this.#store.merge(records)
      this.writeError = undefined
    } catch (error) {
      for (const record of records) this.#changed.add(record)
      this.writeError = error as Error
      throw error
    }
    if (this.#changed.size === 0) this.#ledger.forgetSettled(now)
  }

  /** Allocations open now, and who holds them. */
  open(now: number): { allocations: number; users: number } {
    const open = this.#open(now)
    return { allocations: open.length, users: new Set(open.map(holderOf)).size }
  }

  /** What each TURN pod has to do now. */
  load(now: number): RelayLoad {
    return relayLoad(this.#open(now), this.#rates.megabitsPerSecond(now), now)
  }

  #open(now: number): AllocationRecord[] {
    return this.#ledger.records().filter((record) => isOpen(record, now))
  }
}

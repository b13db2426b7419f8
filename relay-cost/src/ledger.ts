import { parseTurnUsername } from '@parley/protocol'
import {
  type AllocationRecord,
  allocationKey,
  dayMs,
  hourOf,
  isClosed,
  isOpen,
  joinAllocations,
  mergeAllocations,
  refKey,
  totalOf,
} from './allocation.ts'
import { EndedAllocations } from './ended.ts'
import type { AllocationRef, StatsdbEvent } from './statsdb.ts'
import {
  addTraffic,
  canBeSummed,
  maxTraffic,
  noTraffic,
  raiseTraffic,
  relayedBytes,
  subtractTraffic,
  type Traffic,
} from './traffic.ts'

/** How long after its end an allocation is kept whole: its last messages may still be under way. */
const settleMs = 2 * 60_000
/** How long one that expired without a word is: it may have lived on unheard. */
const silentMs = 10 * 60_000
/** How long a username of unknown form is taken to be valid (a TURN credential seldom lives longer). */
const longestCredentialMs = dayMs

/**
 * Turns statsdb events, in the order in which coturn said them, into allocation records.
 *
 * `traffic` is a delta and adds up; `total_traffic` is what the whole allocation came to and
 * corrects deltas that were lost on the way (publishing is fire and forget): the cumulative traffic
 * is the greater of both. `new` or `refreshed` from another client address means another allocation
 * (see {@link AllocationRecord}); messages without an address belong to the one last named so.
 */
export class Ledger {
  /** Traffic that this ledger's events added, all allocations together. */
  gained: Traffic = noTraffic()
  /** Events whose counters would bring an allocation past 2^53 bytes or packets; they are not counted. */
  overflows = 0
  #entries = new Map<string, Entry>()
  #currentByRef = new Map<string, Entry>()
  #ended = new EndedAllocations()

  /** Takes in records from elsewhere (a store), joined with what is known. */
  load(records: Iterable<AllocationRecord>): void {
    const known = [...this.#entries.values()].map((entry) => entry.record)
    this.#entries.clear()
    this.#currentByRef.clear()
    const joined = joinAllocations([...known, ...records])
    for (const record of joined.sort((a, b) => a.aliveAt - b.aliveAt)) this.#makeCurrent(record)
  }

  /**
   * Counts one event; the answer is the record that it changed. Undefined for a session that never
   * became an allocation (a STUN request, a health check, a client that was refused): coturn
   * publishes its counters too, under no username, but nothing was relayed.
   */
  apply(event: StatsdbEvent): AllocationRecord | undefined {
    if (event.allocation.username === '' && !('remote' in event) && !this.#isKnown(event))
      return undefined
    const entry = this.#entryOf(event)
    const { record } = entry
    record.openedAt = Math.min(record.openedAt, event.at)
    record.lastSeenAt = Math.max(record.lastSeenAt, event.at)
    switch (event.kind) {
      case 'allocation-new':
      case 'allocation-refreshed':
        record.aliveAt = Math.max(record.aliveAt, event.at)
        record.expiresAt = Math.max(record.expiresAt, event.at + event.lifetimeSeconds * 1000)
        if (event.transport > record.transport) record.transport = event.transport
        break
      case 'allocation-deleted':
        record.closedAt = Math.max(record.closedAt, event.at)
        break
      case 'traffic':
      case 'traffic/peer':
        this.#count(entry, event.at, addTraffic(entry.cumulative, event.traffic))
        break
      case 'total_traffic':
      case 'total_traffic/peer':
        this.#reconcile(entry, event.at, maxTraffic(entry.cumulative, event.traffic))
        break
    }
    return record
  }

  /** Is this allocation of this client known? */
  knows(allocation: AllocationRef & { remote: string }): boolean {
    return this.#entries.has(allocationKey(allocation)) || this.#ended.has(allocation)
  }

  records(): AllocationRecord[] {
    return [...this.#entries.values()].map((entry) => entry.record)
  }

  /**
   * Lets go of allocations that have ended: of those that were closed soon after, of those that only
   * expired once their username is no longer valid, so that no later coturn process can open another of
   * that name. What the last of them came to is remembered ({@link EndedAllocations}), so memory stays
   * flat in the number of closed allocations.
   * @param isNeeded those of which it is true stay
   * @returns the records that were let go
   */
  forgetSettled(
    now: number,
    isNeeded: (record: AllocationRecord) => boolean = () => false,
  ): AllocationRecord[] {
    const gone: AllocationRecord[] = []
    for (const { record, cumulative } of this.#entries.values()) {
      if (isOpen(record, now) || settledAt(record) > now || isNeeded(record)) continue
      this.forget(record)
      this.#ended.remember(record, cumulative)
      gone.push(record)
    }
    return gone
  }

  /** Drops what is known of an allocation; its totals, should they still come, make it good. */
  forget(record: AllocationRecord): void {
    this.#entries.delete(allocationKey(record))
    if (this.#currentByRef.get(refKey(record))?.record === record)
      this.#currentByRef.delete(refKey(record))
  }

  #isKnown(event: StatsdbEvent): boolean {
    return this.#currentByRef.has(refKey(event.allocation))
  }

  #entryOf(event: StatsdbEvent): Entry {
    const current = this.#currentByRef.get(refKey(event.allocation))
    const remote = 'remote' in event ? event.remote : ''
    if (current && (remote === '' || remote === current.record.remote)) return current
    if (current && current.record.remote === '') return this.#learnRemote(current, remote)
    const known = this.#entries.get(allocationKey({ ...event.allocation, remote }))
    const record = known?.record ?? this.#ended.take(event.allocation, remote)
    return this.#makeCurrent(record ?? emptyRecord(event.allocation, remote, event.at))
  }

  /** Deltas came before the first status message that this ledger saw: they were this client's. */
  #learnRemote({ record }: Entry, remote: string): Entry {
    this.#entries.delete(allocationKey(record))
    const known = this.#entries.get(allocationKey({ ...record, remote }))
    const named = { ...record, remote }
    return this.#makeCurrent(known ? mergeAllocations(known.record, named) : named)
  }

  /** From now on what names no client address is this record's. */
  #makeCurrent(record: AllocationRecord): Entry {
    const key = allocationKey(record)
    const known = this.#entries.get(key)
    const entry = known?.record === record ? known : { record, cumulative: totalOf(record) }
    this.#entries.set(key, entry)
    this.#currentByRef.set(refKey(record), entry)
    return entry
  }

  /** What the totals tell of beyond the deltas was lost on the way: it is counted, and said. */
  #reconcile(entry: Entry, at: number, cumulative: Traffic): void {
    const lost = relayedBytes(cumulative) - relayedBytes(entry.cumulative)
    if (!this.#count(entry, at, cumulative) || lost === 0) return
    entry.record.recoveredBytes = (entry.record.recoveredBytes ?? 0) + lost
  }

  /** False where the counter cannot be kept: a sum past 2^53 would be rounded in silence. */
  #count(entry: Entry, at: number, cumulative: Traffic): boolean {
    if (!canBeSummed(cumulative)) {
      this.overflows += 1
      return false
    }
    this.gained = addTraffic(this.gained, subtractTraffic(cumulative, entry.cumulative))
    const hour = hourOf(at)
    const mark = entry.record.hours.get(hour)
    // In place: what an event leaves behind would be as much garbage as there are events.
    if (mark) raiseTraffic(mark, cumulative)
    else entry.record.hours.set(hour, cumulative)
    entry.cumulative = mark ?? cumulative
    return true
  }
}

type Entry = { record: AllocationRecord; cumulative: Traffic }

/** From when on nothing more is expected of an allocation that is not open (epoch ms). */
function settledAt(record: AllocationRecord): number {
  const { lastSeenAt, username } = record
  if (isClosed(record)) return lastSeenAt + settleMs
  const longest = lastSeenAt + longestCredentialMs
  const credential = parseTurnUsername(username)
  const validUntil = credential ? credential.expiryEpochSeconds * 1000 : longest
  return Math.max(lastSeenAt + silentMs, Math.min(validUntil, longest))
}

function emptyRecord(ref: AllocationRef, remote: string, at: number): AllocationRecord {
  return {
    ...ref,
    remote,
    transport: '',
    openedAt: at,
    lastSeenAt: at,
    aliveAt: 0,
    expiresAt: 0,
    closedAt: 0,
    hours: new Map(),
  }
}

import type { AllocationRef, Transport } from './statsdb.ts'
import { isNoTraffic, maxTraffic, noTraffic, subtractTraffic, type Traffic } from './traffic.ts'

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs

/**
 * What is known of one allocation. Every field but the key only grows (or, `openedAt`, only
 * shrinks), so that {@link mergeAllocations} is a join: commutative, associative, idempotent. Two
 * meters, a replay and a restart can only agree; none can count a byte twice.
 *
 * The key is (realm, username, id, remote). coturn's ids restart near 1 with each process, so after
 * a container restart in the same pod another allocation may carry the same realm, username and id;
 * `remote`, the client's address, tells them apart, and each meter reads it from the same message.
 */
export type AllocationRecord = AllocationRef & {
  /** `ip:port` of the client; empty while no status message of the allocation was seen. */
  remote: string
  transport: Transport | ''
  /** Epoch ms of the first message seen. */
  openedAt: number
  /** Epoch ms of the last message seen. */
  lastSeenAt: number
  /** Epoch ms of the last message that said it lives; 0 when there was none. */
  aliveAt: number
  /** Epoch ms when it ends unless it is refreshed; 0 when not known. */
  expiresAt: number
  /** Epoch ms of its deletion; 0 while there was none. */
  closedAt: number
  /**
   * Bytes of all legs that only its totals told of: their deltas were lost on the way to the meter
   * (of several meters, to the one that lost most). They are in the traffic. Left out: 0.
   */
  recoveredBytes?: number
  /**
   * Cumulative traffic since the allocation began, as of the end of each UTC hour (epoch ms of the
   * hour's start) in which some was reported. Cumulative, not per hour: two meters that see one
   * message on different sides of the hour would add a byte twice in per-hour sums.
   */
  hours: Map<number, Traffic>
}

/** One string per record, for maps. */
export function allocationKey(record: AllocationRef & { remote: string }): string {
  return `${refKey(record)}\n${record.remote}`
}

export function refKey(ref: AllocationRef): string {
  return `${ref.realm}\n${ref.username}\n${ref.id}`
}

/** Joins two views of the same allocation. */
export function mergeAllocations(a: AllocationRecord, b: AllocationRecord): AllocationRecord {
  const hours = new Map(a.hours)
  for (const [hour, traffic] of b.hours)
    hours.set(hour, maxTraffic(hours.get(hour) ?? noTraffic(), traffic))
  const recoveredBytes = Math.max(a.recoveredBytes ?? 0, b.recoveredBytes ?? 0)
  return {
    ...a,
    ...(recoveredBytes > 0 && { recoveredBytes }),
    transport: laterOf(a.transport, b.transport),
    openedAt: Math.min(a.openedAt, b.openedAt),
    lastSeenAt: Math.max(a.lastSeenAt, b.lastSeenAt),
    aliveAt: Math.max(a.aliveAt, b.aliveAt),
    expiresAt: Math.max(a.expiresAt, b.expiresAt),
    closedAt: Math.max(a.closedAt, b.closedAt),
    hours,
  }
}

/** The later text in order, so that a known transport beats the unknown one, ''. */
function laterOf<T extends string>(a: T, b: T): T {
  return b > a ? b : a
}

/**
 * Joins any number of views into one record an allocation, in the order of their keys. A record
 * whose `remote` was never learnt is another view of the allocation of the same ref (of the latest,
 * where there are several): it is joined to that one, never counted beside it.
 */
export function joinAllocations(views: Iterable<AllocationRecord>): AllocationRecord[] {
  const byKey = new Map<string, AllocationRecord>()
  const latestByRef = new Map<string, AllocationRecord>()
  for (const view of views) {
    const key = allocationKey(view)
    const known = byKey.get(key)
    byKey.set(key, known ? mergeAllocations(known, view) : view)
  }
  for (const record of byKey.values()) {
    if (record.remote === '') continue
    const latest = latestByRef.get(refKey(record))
    if (!latest || compareAge(record, latest) > 0) latestByRef.set(refKey(record), record)
  }
  for (const [key, record] of byKey) {
    const target = record.remote === '' && latestByRef.get(refKey(record))
    if (!target) continue
    byKey.delete(key)
    byKey.set(allocationKey(target), mergeAllocations(target, record))
  }
  return [...byKey.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record)
}

function compareAge(a: AllocationRecord, b: AllocationRecord): number {
  return a.openedAt - b.openedAt || (a.remote < b.remote ? -1 : 1)
}

/** Did coturn say that it has ended, and not that it lives after that? */
export function isClosed({ closedAt, aliveAt }: AllocationRecord): boolean {
  return closedAt > 0 && closedAt >= aliveAt
}

/** Is the allocation open at `now`? A coturn that was killed never says `deleted`: it expires. */
export function isOpen(record: AllocationRecord, now: number): boolean {
  return record.aliveAt > record.closedAt && record.expiresAt > now
}

/** When the allocation ended, or `now` while it is open (epoch ms). */
export function endOf(record: AllocationRecord, now: number): number {
  if (isOpen(record, now)) return Math.max(now, record.openedAt)
  const expired = record.aliveAt > record.closedAt ? Math.min(record.expiresAt, now) : 0
  return Math.max(record.closedAt, expired, record.lastSeenAt)
}

/** Cumulative traffic as of the last hour. */
export function totalOf(record: AllocationRecord): Traffic {
  let total = noTraffic()
  for (const traffic of record.hours.values()) total = maxTraffic(total, traffic)
  return total
}

/** Traffic of each UTC hour by itself, in order of time; the hours sum to {@link totalOf}. */
export function trafficByHour(record: AllocationRecord): { hour: number; traffic: Traffic }[] {
  const result: { hour: number; traffic: Traffic }[] = []
  let before = noTraffic()
  for (const hour of [...record.hours.keys()].sort((a, b) => a - b)) {
    const cumulative = maxTraffic(before, record.hours.get(hour) ?? before)
    const traffic = subtractTraffic(cumulative, before)
    if (!isNoTraffic(traffic)) result.push({ hour, traffic })
    before = cumulative
  }
  return result
}

/** Start of the UTC hour that `at` is in. */
export function hourOf(at: number): number {
  return at - (at % hourMs)
}

/** Start of the UTC day that `at` is in. */
export function dayOf(at: number): number {
  return at - (at % dayMs)
}

import { type AllocationRecord, hourOf, refKey } from './allocation.ts'
import { headLength, packHead, readHead } from './packed.ts'
import type { AllocationRef } from './statsdb.ts'
import { noTraffic, type Traffic, trafficFields } from './traffic.ts'

/** Allocations that are remembered at most: about 15 MB. */
const mostRemembered = 65_536

/** A second hash of the name, the head and counters. */
const rowLength = 1 + headLength + trafficFields.length

/**
 * What is kept of allocations that have ended, in a few bytes each and of so many and no more: who they
 * were and what they came to. A message that comes late, or once more, goes on from there, and counts
 * nothing twice. Beyond the last {@link mostRemembered} the oldest is forgotten.
 */
export class EndedAllocations {
  readonly #most: number
  #rows = new Float64Array(0)
  #remotes: string[] = []
  /** Row of each, by the hash of its name. */
  #rowOf = new Map<number, number>()
  /** The hash of whose row it is; 0: nobody's. */
  #nameAt: number[] = []
  #next = 0

  constructor(most = mostRemembered) {
    this.#most = most
  }

  remember(record: AllocationRecord, total: Traffic): void {
    const row = this.#next
    this.#next = (row + 1) % this.#most
    this.#forget(row)
    const ref = refKey(record)
    const name = hashOf(ref, 1)
    const earlier = this.#rowOf.get(name)
    if (earlier !== undefined) this.#forget(earlier)
    this.#grow(row + 1)
    this.#rowOf.set(name, row)
    this.#nameAt[row] = name
    // A copy: a part of a message would keep all of the message.
    this.#remotes[row] = Buffer.from(record.remote).toString()
    this.#rows.set(
      [hashOf(ref, 2), ...packHead(record), ...trafficFields.map((field) => total[field])],
      row * rowLength,
    )
  }

  has(allocation: AllocationRef & { remote: string }): boolean {
    const row = this.#find(allocation)
    return row !== undefined && this.#remotes[row] === allocation.remote
  }

  /**
   * The record of an allocation that a message is about after all; it is not remembered any more.
   * @param remote of the client; '' where the message names none, and is of the last one of that name
   */
  take(ref: AllocationRef, remote: string): AllocationRecord | undefined {
    const row = this.#find(ref)
    if (row === undefined || (remote !== '' && remote !== this.#remotes[row])) return undefined
    const head = readHead(this.#rows, row * rowLength + 1)
    const total = noTraffic()
    const counters = (row + 1) * rowLength - trafficFields.length
    for (const [index, field] of trafficFields.entries())
      total[field] = this.#rows[counters + index] ?? 0
    const record = {
      ...{ realm: ref.realm, username: ref.username, id: ref.id },
      ...{ remote: this.#remotes[row] ?? '', ...head },
      hours: new Map([[hourOf(head.lastSeenAt), total]]),
    }
    this.#forget(row)
    return record
  }

  #find(ref: AllocationRef): number | undefined {
    if (this.#rowOf.size === 0) return undefined
    const text = refKey(ref)
    const row = this.#rowOf.get(hashOf(text, 1))
    return row !== undefined && this.#rows[row * rowLength] === hashOf(text, 2) ? row : undefined
  }

  #forget(row: number): void {
    this.#rowOf.delete(this.#nameAt[row] ?? 0)
    this.#nameAt[row] = 0
  }

  #grow(rows: number): void {
    const length = rows * rowLength
    if (length <= this.#rows.length) return
    const grown = new Float64Array(
      Math.min(Math.max(length, 2 * this.#rows.length), this.#most * rowLength),
    )
    grown.set(this.#rows)
    this.#rows = grown
  }
}

/** 53 bits of a text: two sums of FNV's kind side by side. Never 0. */
function hashOf(text: string, seed: number): number {
  let high = 0x811c9dc5 ^ seed
  let low = 0x01000193 ^ (seed << 16)
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    high = Math.imul(high ^ code, 0x01000193)
    low = Math.imul((low + code) ^ (low >>> 15), 0x85ebca6b)
  }
  low = Math.imul(low ^ (low >>> 13), 0xc2b2ae35) ^ (high >>> 16)
  high = Math.imul(high ^ (high >>> 15), 0x9e3779b1) ^ (low >>> 16)
  return (high >>> 11) * 2 ** 32 + (low >>> 0) + 1
}

import type { AllocationRecord } from './allocation.ts'
import { transports } from './statsdb.ts'
import { noTraffic, trafficFields } from './traffic.ts'

const instants = ['openedAt', 'lastSeenAt', 'aliveAt', 'expiresAt', 'closedAt'] as const
/** Instants, recovered bytes and the transport. */
export const headLength = instants.length + 2
const hourLength = 1 + trafficFields.length

/** What a record has beside its names and hours. */
type Head = Pick<AllocationRecord, (typeof instants)[number] | 'recoveredBytes' | 'transport'>

/** As {@link headLength} numbers; {@link readHead} makes the same of them again. */
export function packHead(head: Head): number[] {
  return [
    ...instants.map((instant) => head[instant]),
    head.recoveredBytes ?? 0,
    transports.indexOf(head.transport),
  ]
}

/** @param at where in the numbers the head begins */
export function readHead(numbers: Float64Array, at: number): Head {
  const [openedAt = 0, lastSeenAt = 0, aliveAt = 0, expiresAt = 0, closedAt = 0, ...others] =
    numbers.subarray(at, at + headLength)
  const [recoveredBytes = 0, transport = 0] = others
  return {
    ...{ transport: transports[transport] ?? '', openedAt, lastSeenAt, aliveAt, expiresAt },
    ...{ closedAt, ...(recoveredBytes > 0 && { recoveredBytes }) },
  }
}

/** Allocation records in a few hundred bytes each, a third of what they take as objects. */
export class PackedRecords {
  #numbers = new Float64Array(1024)
  #used = 0
  #starts: number[] = []
  #names: string[] = []

  get size(): number {
    return this.#starts.length
  }

  add(record: AllocationRecord): void {
    const { realm, username, id, remote, hours } = record
    const length = headLength + 1 + hours.size * hourLength
    if (this.#used + length > this.#numbers.length) {
      const grown = new Float64Array(Math.max(2 * this.#numbers.length, this.#used + length))
      grown.set(this.#numbers)
      this.#numbers = grown
    }
    this.#starts.push(this.#used)
    // One text, and a copy: a part of a message would keep all of the message.
    this.#names.push(JSON.stringify([realm, username, id, remote]))
    this.#put(packHead(record))
    this.#put([hours.size])
    for (const [hour, traffic] of hours) {
      this.#put([hour])
      this.#put(trafficFields.map((field) => traffic[field]))
    }
  }

  usernameOf(index: number): string {
    return this.#nameOf(index)[1] ?? ''
  }

  openedAt(index: number): number {
    return this.#numbers[this.#starts[index] ?? 0] ?? 0
  }

  read(index: number): AllocationRecord {
    const start = this.#starts[index] ?? 0
    let at = start + headLength
    const next = () => this.#numbers[at++] ?? 0
    const [realm = '', username = '', id = '', remote = ''] = this.#nameOf(index)
    const hours: AllocationRecord['hours'] = new Map()
    for (let left = next(); left > 0; left -= 1) {
      const hour = next()
      const traffic = noTraffic()
      for (const field of trafficFields) traffic[field] = next()
      hours.set(hour, traffic)
    }
    return { realm, username, id, remote, ...readHead(this.#numbers, start), hours }
  }

  #nameOf(index: number): string[] {
    return JSON.parse(this.#names[index] ?? '[]')
  }

  #put(values: readonly number[]): void {
    this.#numbers.set(values, this.#used)
    this.#used += values.length
  }
}

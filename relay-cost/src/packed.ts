import type { AllocationRecord } from './allocation.ts'
import { type Transport, transports } from './statsdb.ts'
import { noTraffic, trafficFields } from './traffic.ts'

const instants = ['openedAt', 'lastSeenAt', 'aliveAt', 'expiresAt', 'closedAt'] as const
/** Instants, recovered bytes, the transport, and the number of hours. */
const headLength = instants.length + 3
const hourLength = 1 + trafficFields.length

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
    const length = headLength + hours.size * hourLength
    if (this.#used + length > this.#numbers.length) {
      const grown = new Float64Array(Math.max(2 * this.#numbers.length, this.#used + length))
      grown.set(this.#numbers)
      this.#numbers = grown
    }
    this.#starts.push(this.#used)
    // One text, and a copy: a part of a message would keep all of the message.
    this.#names.push(JSON.stringify([realm, username, id, remote]))
    this.#put(instants.map((instant) => record[instant]))
    this.#put([record.recoveredBytes ?? 0, transports.indexOf(record.transport), hours.size])
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
    let at = this.#starts[index] ?? 0
    const next = () => this.#numbers[at++] ?? 0
    const [realm = '', username = '', id = '', remote = ''] = this.#nameOf(index)
    const [openedAt, lastSeenAt, aliveAt, expiresAt, closedAt] = [
      ...[next(), next(), next(), next(), next()],
    ] as [number, number, number, number, number]
    const recoveredBytes = next()
    const transport: Transport | '' = transports[next()] ?? ''
    const hours: AllocationRecord['hours'] = new Map()
    for (let left = next(); left > 0; left -= 1) {
      const hour = next()
      const traffic = noTraffic()
      for (const field of trafficFields) traffic[field] = next()
      hours.set(hour, traffic)
    }
    return {
      ...{ realm, username, id, remote, transport, openedAt, lastSeenAt, aliveAt, expiresAt },
      ...{ closedAt, ...(recoveredBytes > 0 && { recoveredBytes }), hours },
    }
  }

  #nameOf(index: number): string[] {
    return JSON.parse(this.#names[index] ?? '[]')
  }

  #put(values: readonly number[]): void {
    this.#numbers.set(values, this.#used)
    this.#used += values.length
  }
}

import type { Clock } from '../../clock.ts'
import { type Freeze, FreezeMeter, type VideoReading } from './FreezeMeter.ts'

export type FreezeWatchOptions = {
  clock: Clock
  /** What was read last, at no cost. */
  lastReadings(): VideoReading[]
  /** Reads anew. */
  read(): Promise<VideoReading[]>
}

const coarseMs = 1000
const fineMs = 250

/**
 * Measures how long videos stand still: from the readings that are taken anyhow, and four times a
 * second from the moment on at which somebody first asks, which costs more than a call should.
 */
export class FreezeWatch {
  readonly #options: FreezeWatchOptions
  readonly #meter = new FreezeMeter()
  readonly #observed = new Map<string, number>()
  #fine = false

  constructor(options: FreezeWatchOptions) {
    this.#options = options
    this.#next()
  }

  async freezes(): Promise<Freeze[]> {
    this.#fine = true
    this.#take(await this.#options.read())
    return this.#meter.freezes()
  }

  async reset(): Promise<void> {
    this.#fine = true
    const readings = await this.#options.read()
    this.#take(readings)
    const present = readings.map(({ peerId }) => peerId)
    this.#meter.reset(this.#options.clock.now(), present)
  }

  #next(): void {
    this.#options.clock.after(this.#fine ? fineMs : coarseMs, async () => {
      const { lastReadings, read } = this.#options
      this.#take(this.#fine ? await read() : lastReadings())
      this.#next()
    })
  }

  /** Readings may cross on their way: one that is older than what was seen says nothing new. */
  #take(readings: VideoReading[]): void {
    for (const reading of readings) {
      if (reading.atMs <= (this.#observed.get(reading.peerId) ?? -1)) continue
      this.#observed.set(reading.peerId, reading.atMs)
      this.#meter.observe(reading)
    }
  }
}

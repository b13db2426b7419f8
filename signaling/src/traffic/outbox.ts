import { type TrafficBatch, type TrafficRow, trafficBatchSchema } from '@parley/protocol'
import { addSample, figuresOf, newRows, rowsOf, type Sample } from './rows.ts'
import { sampleLine, type WriteAhead } from './write-ahead.ts'

/** Batches that go to Redis in one command. */
const batchesAtOnce = 100

/**
 * Puts batches of one source at the end of the list, as many as there is room for.
 * @returns how many it took, and the last of this source that the meter's SQL store has; rejects where Redis is away
 */
export type Push = (
  source: string,
  batches: readonly TrafficBatch[],
) => Promise<{ taken: number; stored: number }>

export type OutboxOptions = {
  /** Names this run. */
  source: string
  writeAhead: WriteAhead
  push: Push
  /** Epoch ms. */
  now: () => number
  /** Batches that are kept at most, until the store has them. */
  bufferSize: number
  /** What another run left. */
  left?: readonly TrafficBatch[]
}

/** Batches of one source that the store does not have yet, in order; the first `sent` are in Redis. */
type Lane = { source: string; batches: TrafficBatch[]; sent: number }

/**
 * What this server did, on its way to the meter. A batch is kept until the SQL store has it, and sent again in order
 * after Redis was away: so it may come twice and is known by its number, but is not lost with a Redis that
 * forgets. Past `bufferSize` batches new ones are dropped, and counted.
 */
export class TrafficOutbox {
  readonly #options: OutboxOptions
  readonly #lanes: Lane[]
  #seq = 1
  #at = 0
  #rows = newRows()
  #shipping: Promise<void> | undefined
  /** Requests and samples that were dropped. */
  dropped = 0
  /** What the requests of every sealed batch came to, dropped ones too, by route: for Prometheus. */
  readonly totals = new Map<string, Total>()

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#lanes = [...lanesOf(options.left ?? []), { source: options.source, batches: [], sent: 0 }]
    options.writeAhead.begin(options.source, this.#seq)
  }

  /** Batches that the store does not have yet. */
  get buffered(): number {
    return this.#lanes.reduce((sum, { batches }) => sum + batches.length, 0)
  }

  /** Notes what was done. Waits for nothing but the write of one line. */
  record(sample: Sample): void {
    if (this.#rows.all.length === 0) this.#at = this.#options.now()
    const figures = figuresOf(sample)
    const { row, isNew } = addSample(this.#rows, sample, figures)
    const line = sampleLine(row.index, isNew ? row.key : undefined, figures)
    this.#options.writeAhead.append(this.#at, line)
  }

  /**
   * Requests of a route that are answered with these begin to count at 0. Prometheus does not see the first of a series that
   * it has not seen before, and that may be all that fails.
   */
  expect(method: string, route: string, statuses: readonly number[]): void {
    for (const status of statuses) {
      const labels = { protocol: 'http', name: route, method, status: String(status) } as const
      this.#addUp({ ...labels, count: 0, bytesIn: 0, bytesOut: 0 })
    }
  }

  /** Ends the batch that is being filled. */
  seal(): void {
    if (this.#rows.all.length === 0) return
    const { source, bufferSize, writeAhead } = this.#options
    const batch = { source, seq: this.#seq, at: this.#at, rows: rowsOf(this.#rows) }
    this.#seq += 1
    this.#rows = newRows()
    writeAhead.begin(source, this.#seq)
    for (const row of batch.rows) if (row.protocol === 'http') this.#addUp(row)
    if (this.buffered >= bufferSize) {
      this.dropped += batch.rows.reduce((sum, { count }) => sum + count, 0)
      writeAhead.drop(source, batch.seq)
    } else this.#lanes.at(-1)?.batches.push(batch)
  }

  /** Redis may have lost what it was given: all that the store does not have is sent again. */
  resend(): void {
    for (const lane of this.#lanes) lane.sent = 0
  }

  /** Sends what is sealed and not sent, and forgets what is stored; one at a time. Rejects where Redis is away. */
  ship(): Promise<void> {
    this.#shipping ??= this.#ship().finally(() => {
      this.#shipping = undefined
    })
    return this.#shipping
  }

  /** Ends the files; what is not stored stays in its own. */
  close(): void {
    this.#options.writeAhead.close()
  }

  async #ship(): Promise<void> {
    for (const lane of [...this.#lanes]) {
      while (lane.batches.length > 0) {
        const next = lane.batches.slice(lane.sent, lane.sent + batchesAtOnce)
        const { taken, stored } = await this.#pushed(lane, next)
        lane.sent += taken
        this.#forget(lane, stored)
        if (taken < next.length || lane.sent >= lane.batches.length) break
      }
      if (lane.batches.length === 0 && lane.source !== this.#options.source)
        this.#lanes.splice(this.#lanes.indexOf(lane), 1)
    }
  }

  async #pushed(lane: Lane, batches: readonly TrafficBatch[]) {
    try {
      return await this.#options.push(lane.source, batches)
    } catch (error) {
      // Whether Redis took it, and kept it, nobody knows.
      this.resend()
      throw error
    }
  }

  #forget(lane: Lane, stored: number): void {
    const kept = lane.batches.findIndex(({ seq }) => seq > stored)
    const gone = kept < 0 ? lane.batches.length : kept
    for (const { seq } of lane.batches.splice(0, gone))
      this.#options.writeAhead.drop(lane.source, seq)
    lane.sent = Math.max(0, lane.sent - gone)
  }

  #addUp({ protocol, name, method, status, count, bytesIn, bytesOut }: Total): void {
    const key = JSON.stringify([protocol, name, method, status])
    const total = this.totals.get(key) ?? {
      ...{ protocol, name, method, status, count: 0, bytesIn: 0, bytesOut: 0 },
    }
    total.count += count
    total.bytesIn += bytesIn
    total.bytesOut += bytesOut
    this.totals.set(key, total)
  }
}

type Total = Omit<TrafficRow, 'latency'>

function lanesOf(batches: readonly TrafficBatch[]): Lane[] {
  const lanes = new Map<string, Lane>()
  for (const batch of batches) {
    if (!trafficBatchSchema.safeParse(batch).success) continue
    const lane = lanes.get(batch.source) ?? { source: batch.source, batches: [], sent: 0 }
    lane.batches.push(batch)
    lanes.set(batch.source, lane)
  }
  return [...lanes.values()]
}

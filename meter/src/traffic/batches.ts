import {
  addLatency,
  decodeLatencies,
  type LatencyHistogram,
  mergeLatencies,
  type TrafficBatch,
  type TrafficProtocol,
  trafficBatchSchema,
} from '@parley/protocol'
import { dayMs, hourMs } from '@parley/relay-cost'

/** What something came to. */
export type Sums = {
  count: number
  errors: number
  bytesIn: number
  bytesOut: number
  latency: LatencyHistogram
}
/** What was done in an hour, or a day, or a minute, by what it was. */
export type Cell = Omit<Sums, 'errors'> & {
  /** Epoch ms of its start. */
  at: number
  protocol: TrafficProtocol
  name: string
  method: string
  status: string
}

/** Clocks differ; what is later than this cannot be. */
const aheadMs = 5 * 60_000

/** Undefined where it is none. */
export function parseBatch(text: string): TrafficBatch | undefined {
  try {
    return trafficBatchSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/**
 * When a batch was, in the meter's time: a server whose clock is ahead, or so far behind that the hour is not kept
 * any more, is believed what it counted and not when.
 */
export function timeOfBatch(
  at: number,
  now: number,
  keptMs: number,
): { at: number; skewed: boolean } {
  const skewed = at > now + aheadMs || at < now - keptMs
  return { at: skewed ? now : Math.min(at, now), skewed }
}

/** The batches of which `last` says that they are not counted yet, each once; `last` then has them. */
export function newBatches(
  batches: readonly TrafficBatch[],
  last: Map<string, number>,
): TrafficBatch[] {
  return batches.filter(({ source, seq }) => {
    if (seq <= (last.get(source) ?? 0)) return false
    last.set(source, seq)
    return true
  })
}

/** What batches come to by steps of time; `when` says when each was. */
export function cellsOf(
  batches: readonly TrafficBatch[],
  stepMs: number,
  when: (batch: TrafficBatch) => number,
): Cell[] {
  const cells = new Map<string, Cell>()
  for (const batch of batches) {
    const at = Math.floor(when(batch) / stepMs) * stepMs
    for (const row of batch.rows)
      addCell(cells, { ...row, at, latency: decodeLatencies(row.latency) })
  }
  return [...cells.values()]
}

export const hourly = hourMs
export const daily = dayMs

/** Adds up cells of the same time and name. */
export function addCell(cells: Map<string, Cell>, cell: Cell): void {
  const key = `${cell.at}\n${cell.protocol}\n${cell.method}\n${cell.status}\n${cell.name}`
  const known = cells.get(key)
  if (known === undefined) {
    cells.set(key, { ...cell, latency: new Map(cell.latency) })
    return
  }
  known.count += cell.count
  known.bytesIn = atMost(known.bytesIn + cell.bytesIn)
  known.bytesOut = atMost(known.bytesOut + cell.bytesOut)
  mergeLatencies(known.latency, cell.latency)
}

/** Sizes are what clients say: sums of them stay what can be read back, or no batch would be stored any more. */
function atMost(bytes: number): number {
  return Math.min(bytes, Number.MAX_SAFE_INTEGER)
}

/** Cells summed up by a key of one's own, in the order in which keys come. */
export function sumBy(cells: Iterable<Cell>, keyOf: (cell: Cell) => string): Map<string, Sums> {
  const sums = new Map<string, Sums>()
  for (const cell of cells) {
    const key = keyOf(cell)
    const sum = sums.get(key) ?? emptySums()
    sum.count += cell.count
    sum.errors += isError(cell) ? cell.count : 0
    sum.bytesIn += cell.bytesIn
    sum.bytesOut += cell.bytesOut
    for (const [bucket, count] of cell.latency) addLatency(sum.latency, bucket, count)
    sums.set(key, sum)
  }
  return sums
}

export function emptySums(): Sums {
  return { count: 0, errors: 0, bytesIn: 0, bytesOut: 0, latency: new Map() }
}

function isError({ protocol, status }: Cell): boolean {
  return protocol === 'http' ? /^5\d\d$/.test(status) : status === 'poor'
}

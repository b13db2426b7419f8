import {
  latencyPercentileMs,
  type TrafficLive,
  type TrafficMeasures,
  type TrafficProtocol,
} from '@parley/protocol'
import { addCell, type Cell, emptySums, type Sums, sumBy } from './batches.ts'

/** What is kept of a minute in Redis: fields `<measure>\t<protocol>\t<method>\t<status>\t<name>` of a hash. */

export const minuteMs = 60_000

/** Fields and by how much each grows. */
export function fieldsOf(cells: readonly Cell[]): Map<number, Map<string, number>> {
  const minutes = new Map<number, Map<string, number>>()
  for (const cell of cells) {
    const fields = minutes.get(cell.at) ?? new Map<string, number>()
    minutes.set(cell.at, fields)
    const whose = `${cell.protocol}\t${cell.method}\t${cell.status}\t${cell.name}`
    const add = (measure: string, by: number) => {
      const field = `${measure}\t${whose}`
      if (by > 0) fields.set(field, (fields.get(field) ?? 0) + by)
    }
    add('n', cell.count)
    add('i', cell.bytesIn)
    add('o', cell.bytesOut)
    for (const [bucket, count] of cell.latency) add(`b${bucket}`, count)
  }
  return minutes
}

/** The cells that fields of a minute stand for. What is no such field is left out. */
export function cellsFrom(minute: number, fields: Readonly<Record<string, string>>): Cell[] {
  const cells = new Map<string, Cell>()
  for (const [field, text] of Object.entries(fields)) {
    const [measure = '', protocol, method, status, name] = field.split('\t')
    const value = Number(text)
    if (name === undefined || !Number.isSafeInteger(value)) continue
    const cell: Cell = {
      ...{ at: minute, protocol: protocol as TrafficProtocol },
      ...{ name, method: method ?? '', status: status ?? '' },
      count: measure === 'n' ? value : 0,
      bytesIn: measure === 'i' ? value : 0,
      bytesOut: measure === 'o' ? value : 0,
      latency: /^b\d+$/.test(measure) ? new Map([[Number(measure.slice(1)), value]]) : new Map(),
    }
    addCell(cells, cell)
  }
  return [...cells.values()]
}

/** Starts of the minutes that are shown, the oldest first; the last is not over. */
export function liveMinutes(now: number, ttlMs: number): number[] {
  const last = Math.floor(now / minuteMs) * minuteMs
  const count = Math.max(1, Math.floor(ttlMs / minuteMs))
  return Array.from({ length: count }, (_, back) => last - (count - 1 - back) * minuteMs)
}

/** @param limit of names */
export function liveOf(
  cells: readonly Cell[],
  protocol: TrafficProtocol,
  { now, minutes, limit }: { now: number; minutes: readonly number[]; limit: number },
): TrafficLive {
  const mine = cells.filter((cell) => cell.protocol === protocol)
  const total = sumBy(mine, () => '').get('') ?? emptySums()
  const byMinute = sumBy(mine, ({ at }) => String(at))
  const named = namedSums(mine)
  const seconds = Math.max(1, (now - (minutes[0] ?? now)) / 1000)
  return {
    at: new Date(now).toISOString(),
    protocol,
    seconds,
    perSecond: {
      count: total.count / seconds,
      bytesIn: total.bytesIn / seconds,
      bytesOut: total.bytesOut / seconds,
    },
    total: measuresOf(total),
    statuses: [...sumBy(mine, ({ status }) => status)]
      .map(([status, { count }]) => ({ status, count }))
      .sort((a, b) => b.count - a.count || (a.status < b.status ? -1 : 1)),
    names: named.length,
    top: named.slice(0, limit),
    minutes: minutes.map((minute) => ({
      time: new Date(minute).toISOString(),
      ...measuresOf(byMinute.get(String(minute)) ?? emptySums()),
    })),
  }
}

/** By name and method, the most often first. */
export function namedSums(cells: readonly Cell[]) {
  return [...sumBy(cells, ({ name, method }) => `${method}\n${name}`)]
    .map(([key, sums]) => {
      const [method = '', name = ''] = key.split('\n')
      return { name, method, ...measuresOf(sums) }
    })
    .sort((a, b) => b.count - a.count || (a.name + a.method < b.name + b.method ? -1 : 1))
}

export function measuresOf({ count, errors, bytesIn, bytesOut, latency }: Sums): TrafficMeasures {
  const ms = (part: number) => latencyPercentileMs(latency, part) ?? null
  return { count, errors, bytesIn, bytesOut, p50Ms: ms(0.5), p95Ms: ms(0.95), p99Ms: ms(0.99) }
}

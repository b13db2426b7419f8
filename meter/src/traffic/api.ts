import {
  type bandwidthAlertsSchema,
  type TrafficLive,
  type TrafficPage,
  type TrafficProtocol,
  type TrafficSeries,
  trafficProtocols,
} from '@parley/protocol'
import { parseWindow, ReportRequestError, type Window } from '@parley/relay-cost'
import { z } from 'zod'
import { MeterError } from '../errors.ts'
import type { TrafficBook } from '../store/store.ts'
import { type Cell, daily, emptySums, hourly, sumBy } from './batches.ts'
import { cellsFrom, liveMinutes, liveOf, measuresOf, namedSums } from './live.ts'
import type { TrafficQueue } from './queue.ts'
import { mostCells, type TrafficTable } from './tables.ts'

/** Longer windows are answered from days. */
const hourlyWindowMs = 7 * daily
const mostRows = 10_000

const rows = z.string().regex(/^\d{1,5}$/, `must be a number of rows, ${mostRows} at most`)
const span = {
  protocol: z.enum(trafficProtocols).optional().describe('Default: http.'),
  window: z
    .string()
    .optional()
    .describe('The time up to now, as 6h or 7d; default 24h. Not beside from and to.'),
  from: z
    .string()
    .optional()
    .describe('ISO 8601; begins with the hour, or the day, that it is in.'),
  to: z.string().optional().describe('ISO 8601; default: now'),
}
const limit = rows.optional().describe(`Rows at most; default 100, ${mostRows} at most.`)

/** The queries of `/api/v1/traffic…`; what is not named here is refused. */
export const trafficQueries = {
  live: z.strictObject({ protocol: span.protocol, limit }),
  page: z.strictObject({
    ...span,
    limit,
    offset: z
      .string()
      .regex(/^\d{1,9}$/, 'must be a number of rows')
      .optional()
      .describe('Rows to leave out before them; default 0.'),
  }),
  series: z.strictObject({
    ...span,
    step: z.enum(['hour', 'day']).optional().describe('Default: hour, up to a week; then day.'),
  }),
  alerts: z.strictObject({ limit }),
}
type Query<Name extends keyof typeof trafficQueries> = z.infer<(typeof trafficQueries)[Name]>

/** The worker that counts what servers do is turned off, so nothing is known of it. */
export class TrafficOffError extends MeterError {
  constructor() {
    super('METRICS_OFF', 'the meter counts no traffic; set METRICS_ENABLED=true')
  }
}

/** What servers did, as answers (REQ-A2). */
export class TrafficApi {
  readonly #queue: Pick<TrafficQueue, 'live'>
  readonly #book: () => Promise<TrafficBook>
  readonly #now: () => number
  readonly #liveMs: number

  constructor(options: {
    queue: Pick<TrafficQueue, 'live'>
    book: () => Promise<TrafficBook>
    now: () => number
    /** How much of the last minutes is shown. */
    liveMs: number
  }) {
    this.#queue = options.queue
    this.#book = options.book
    this.#now = options.now
    this.#liveMs = options.liveMs
  }

  /** The last minutes, from Redis. */
  async live({ protocol = 'http', limit }: Query<'live'>): Promise<TrafficLive> {
    const now = this.#now()
    const minutes = liveMinutes(now, this.#liveMs)
    const hashes = await this.#queue.live(minutes)
    const cells = [...hashes].flatMap(([minute, fields]) => cellsFrom(minute, fields))
    return liveOf(cells, protocol, { now, minutes, limit: rowsOf(limit, 20) })
  }

  /** Endpoints, or rooms, of a window, those that did most first. */
  async page({ protocol = 'http', limit, offset, ...asked }: Query<'page'>): Promise<TrafficPage> {
    const window = this.#windowOf(asked)
    const table = isLong(window) ? 'metrics_daily' : 'metrics_hourly'
    const named = namedSums(await this.#cells(table, protocol, window))
    const [first, count] = [Number(offset ?? 0), rowsOf(limit, 100)]
    return {
      ...isoOf(window),
      protocol,
      ...{ total: named.length, offset: first, limit: count },
      rows: named.slice(first, first + count),
    }
  }

  /** All of it together, hour by hour or day by day; hours with nothing are rows of 0. */
  async series({ protocol = 'http', step, ...asked }: Query<'series'>): Promise<TrafficSeries> {
    const window = this.#windowOf(asked)
    const isDaily = step === undefined ? isLong(window) : step === 'day'
    const stepMs = isDaily ? daily : hourly
    const from = Math.floor(window.from / stepMs) * stepMs
    if ((window.to - from) / stepMs > mostRows)
      throw new ReportRequestError(
        'REPORT_WINDOW',
        'there are too many hours in the window; ask for days',
      )
    const table = isDaily ? 'metrics_daily' : 'metrics_hourly'
    const sums = sumBy(await this.#cells(table, protocol, window), ({ at }) => String(at))
    const times = Array.from(
      { length: Math.ceil((window.to - from) / stepMs) },
      (_, index) => from + index * stepMs,
    )
    return {
      ...isoOf({ from, to: window.to }),
      protocol,
      rows: times.map((at) => ({
        time: new Date(at).toISOString(),
        ...measuresOf(sums.get(String(at)) ?? emptySums()),
      })),
    }
  }

  async alerts({ limit }: Query<'alerts'>): Promise<z.infer<typeof bandwidthAlertsSchema>> {
    const alerts = await (await this.#book()).alerts(rowsOf(limit, 100))
    return {
      alerts: alerts.map(({ openedAt, resolvedAt, limitKbps, peakKbps, ...alert }) => ({
        ...alert,
        openedAt: new Date(openedAt).toISOString(),
        resolvedAt: resolvedAt === 0 ? null : new Date(resolvedAt).toISOString(),
        limitMbps: limitKbps / 1000,
        peakMbps: peakKbps / 1000,
      })),
    }
  }

  async #cells(table: TrafficTable, protocol: TrafficProtocol, { from, to }: Window) {
    const stepMs = table === 'metrics_daily' ? daily : hourly
    const window = { from: Math.floor(from / stepMs) * stepMs, to }
    const cells: Cell[] = await (await this.#book()).cells(table, protocol, window)
    if (cells.length >= mostCells)
      throw new ReportRequestError(
        'REPORT_WINDOW',
        'too much happened in the window to add it up at once; ask for a shorter one',
      )
    return cells
  }

  #windowOf(asked: Pick<Query<'page'>, 'window' | 'from' | 'to'>): Window {
    return parseWindow(asked as Parameters<typeof parseWindow>[0], this.#now())
  }
}

function isLong({ from, to }: Window): boolean {
  return to - from > hourlyWindowMs
}

function isoOf({ from, to }: Window) {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() }
}

/** @throws {ReportRequestError} `REPORT_PAGE` */
function rowsOf(limit: string | undefined, usual: number): number {
  const count = limit === undefined ? usual : Number(limit)
  if (count > mostRows)
    throw new ReportRequestError('REPORT_PAGE', `limit is ${mostRows} at most; ask for pages`)
  return count
}

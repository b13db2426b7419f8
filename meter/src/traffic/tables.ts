import {
  decodeLatencies,
  encodeLatencies,
  type TrafficBatch,
  type TrafficProtocol,
} from '@parley/protocol'
import type { Window } from '@parley/relay-cost'
import type { Row } from '../store/rows.ts'
import { exactInteger } from '../store/rows.ts'
import type { Dialect, Program } from '../store/sql.ts'
import { addCell, type Cell, cellsOf, daily, hourly, newBatches, timeOfBatch } from './batches.ts'
import { statementOf, type TrafficWords } from './sql.ts'

export type TrafficTable = 'metrics_hourly' | 'metrics_daily'
/** How long what is kept, in ms. */
export type TrafficRetention = { hourlyMs: number; dailyMs: number }
export type Alert = {
  protocol: TrafficProtocol
  direction: 'in' | 'out'
  /** Epoch ms; `resolvedAt` is 0 while it is open. */
  openedAt: number
  resolvedAt: number
  limitKbps: number
  peakKbps: number
}
export type Stored = {
  /** Batches that were counted, and that were counted before. */
  counted: number
  duplicates: number
  /** Requests whose time could not be. */
  skewed: number
  /** The last batch of each source that was in what was given. */
  last: Map<string, number>
  /** Statements that wrote. */
  writes: number
}

const cellKeys = ['meter', 'at', 'protocol', 'name', 'method', 'status'] as const
const measures = ['count', 'bytes_in', 'bytes_out', 'latency'] as const
const alertKeys = ['meter', 'protocol', 'direction', 'opened_at'] as const
/** Rows that go into one statement: few sizes, since each text is prepared once and kept. */
const rowsAtOnce = [256, 64, 16, 4, 1]
/** A source of which nothing came for so long does not send again what was counted. */
const sourceMs = 14 * daily
/** Cells in one answer; who gets so many asked for too much. */
export const mostCells = 200_000
/** Of this name is no source: who writes takes this row first, so that two meters come one after the other. */
const lockRow = ''

/** What one meter's servers did, as programs for either database. */
export function trafficTables({ words, put }: TrafficWords, dialect: Dialect, meter: string) {
  /** Adds batches that are not counted yet to their hours and days: all of it, or nothing. */
  function* add(
    batches: readonly TrafficBatch[],
    now: number,
    { hourlyMs }: TrafficRetention,
  ): Program<Stored> {
    let writes = 1
    yield putSource(lockRow, 0, now)
    const last = yield* lastOf([...new Set(batches.map(({ source }) => source))])
    const fresh = newBatches(batches, last)
    const when = ({ at }: TrafficBatch) => timeOfBatch(at, now, hourlyMs).at
    for (const [table, stepMs] of steps) {
      const cells = cellsOf(fresh, stepMs, when)
      writes += yield* addCells(table, cells)
    }
    const sources = new Set(fresh.map(({ source }) => source))
    for (const source of sources) yield putSource(source, last.get(source) ?? 0, now)
    const skewed = fresh
      .filter(({ at }) => timeOfBatch(at, now, hourlyMs).skewed)
      .flatMap(({ rows }) => rows)
      .reduce((sum, { count }) => sum + count, 0)
    return {
      counted: fresh.length,
      duplicates: batches.length - fresh.length,
      skewed,
      last,
      writes: writes + sources.size,
    }
  }

  const putSource = (source: string, seq: number, at: number) =>
    put({
      table: 'metrics_sources',
      keys: ['meter', 'source'],
      values: ['seq', 'at'],
      rows: [{ meter, source, seq, at }],
    })

  /** The last batch of each source that is counted. */
  function* lastOf(sources: readonly string[]): Program<Map<string, number>> {
    if (sources.length === 0) return new Map()
    const { rows } = yield statementOf(
      words
        .selectFrom('metrics_sources')
        .select(['source', 'seq'])
        .where('meter', '=', meter)
        .where('source', 'in', sources),
    )
    return new Map(rows.map((row) => [String(row.source), exactInteger(row.seq, 'seq')]))
  }

  function* addCells(table: TrafficTable, cells: readonly Cell[]): Program<number> {
    if (cells.length === 0) return 0
    const { rows } = yield statementOf(
      words
        .selectFrom(table)
        .selectAll()
        .where('meter', '=', meter)
        .where('at', 'in', [...new Set(cells.map(({ at }) => at))]),
    )
    const sums = new Map<string, Cell>()
    for (const cell of cells) addCell(sums, cell)
    // Only what is new is written, with what was there before.
    const changed = new Set(sums.keys())
    for (const row of rows) addCell(sums, readCell(row))
    const given = [...sums].filter(([key]) => changed.has(key)).map(([, cell]) => rowOf(cell))
    let writes = 0
    for (const some of portions(given)) {
      yield put({ table, keys: cellKeys, values: measures, rows: some })
      writes += 1
    }
    return writes
  }

  const rowOf = ({ bytesIn, bytesOut, latency, ...cell }: Cell) => ({
    ...{ meter, at: cell.at, protocol: cell.protocol, name: cell.name, method: cell.method },
    ...{ status: cell.status, count: cell.count, bytes_in: bytesIn, bytes_out: bytesOut },
    latency: encodeLatencies(latency),
  })

  /** The hours, or days, that begin in the window. */
  function* cells(table: TrafficTable, protocol: TrafficProtocol, window: Window): Program<Cell[]> {
    const { rows } = yield statementOf(
      words
        .selectFrom(table)
        .selectAll()
        .where('meter', '=', meter)
        .where('at', '>=', window.from)
        .where('at', '<', window.to)
        .where('protocol', '=', protocol)
        .orderBy('at')
        .limit(mostCells),
    )
    return rows.map(readCell)
  }

  function* putAlerts(alerts: readonly Alert[]): Program<void> {
    for (const { protocol, direction, openedAt, resolvedAt, limitKbps, peakKbps } of alerts)
      yield put({
        table: 'bandwidth_alerts',
        keys: alertKeys,
        values: ['resolved_at', 'limit_kbps', 'peak_kbps'],
        rows: [
          {
            ...{ meter, protocol, direction, opened_at: openedAt, resolved_at: resolvedAt },
            ...{ limit_kbps: limitKbps, peak_kbps: peakKbps },
          },
        ],
      })
  }

  /** The newest first. */
  function* alerts(limit: number): Program<Alert[]> {
    const { rows } = yield statementOf(
      words
        .selectFrom('bandwidth_alerts')
        .selectAll()
        .where('meter', '=', meter)
        .orderBy('opened_at', 'desc')
        .limit(limit),
    )
    return rows.map(readAlert)
  }

  /**
   * Deletes what is older than is kept, so many rows of a table at most.
   * @returns whether there may be more
   */
  function* forget(
    now: number,
    { hourlyMs, dailyMs }: TrafficRetention,
    limit: number,
  ): Program<boolean> {
    const old = [
      ['metrics_hourly', cellKeys, '`at`', now - hourlyMs],
      ['metrics_daily', cellKeys, '`at`', now - dailyMs],
      ['bandwidth_alerts', alertKeys, 'resolved_at > 0 AND opened_at', now - dailyMs],
      ['metrics_sources', ['meter', 'source'], '`at`', now - sourceMs],
    ] as const
    let isMore = false
    for (const [table, keys, column, before] of old) {
      const columns = keys.map((key) => `\`${key}\``)
      const where = `meter = ? AND ${column} < ?`
      const { changes } = yield {
        sql: dialect.deleteSome(table, columns, where, limit),
        values: [meter, before],
      }
      isMore ||= changes >= limit
    }
    return isMore
  }

  return { add, lastOf, cells, putAlerts, alerts, forget }
}

const steps = [
  ['metrics_hourly', hourly],
  ['metrics_daily', daily],
] as const

function* portions<T>(rows: readonly T[]): Iterable<T[]> {
  let start = 0
  for (const size of rowsAtOnce)
    for (; rows.length - start >= size; start += size) yield rows.slice(start, start + size)
}

function readCell(row: Row): Cell {
  return {
    at: exactInteger(row.at, 'at'),
    protocol: String(row.protocol) as TrafficProtocol,
    name: String(row.name),
    method: String(row.method),
    status: String(row.status),
    count: exactInteger(row.count, 'count'),
    bytesIn: exactInteger(row.bytes_in, 'bytes_in'),
    bytesOut: exactInteger(row.bytes_out, 'bytes_out'),
    latency: decodeLatencies(String(row.latency)),
  }
}

function readAlert(row: Row): Alert {
  return {
    protocol: String(row.protocol) as TrafficProtocol,
    direction: String(row.direction) as Alert['direction'],
    openedAt: exactInteger(row.opened_at, 'opened_at'),
    resolvedAt: exactInteger(row.resolved_at, 'resolved_at'),
    limitKbps: exactInteger(row.limit_kbps, 'limit_kbps'),
    peakKbps: exactInteger(row.peak_kbps, 'peak_kbps'),
  }
}

import type { ReportDimension } from '@parley/protocol'
import {
  type AllocationRecord,
  type CellSums,
  dayMs,
  dayOf,
  hourMs,
  hourOf,
  noSums,
  type SumMeasures,
  sumFields,
  type UsageCell,
  usageFields,
  type Window,
} from '@parley/relay-cost'
import { dayKeys, hourKeys } from './migrations.ts'
import { columnOf, exactInteger } from './rows.ts'
import type { Answer, Dialect, Program } from './sql.ts'
import type { ChangedHour, Kept, Span } from './store.ts'
import {
  blockMs,
  blockOf,
  daysByRoom,
  isRare,
  rareFields,
  rareOf,
  type SumField,
  usualFields,
} from './usage-indexes.ts'

/** No allocation is open for so long: a clock was wrong. */
const longestMs = 400 * dayMs
/** A lifetime is an hour at most unless coturn was told otherwise; what is far beyond is no lifetime. */
const longestLifetimeMs = 7 * dayMs

/** The participant in what is older than the hours that are kept; brackets cannot stand in an id. */
export const notKept = '(not kept)'

const measureColumns = usageFields.map(columnOf)

/** Up to where a store has deleted rows for their age (epoch ms), and whether its hours are known. */
type Mark = 'adopted' | 'allocations' | 'hours'

/** The rollups of one meter, as programs for either database. */
export function usageTables(dialect: Dialect, meter: string) {
  function* mark(name: Mark): Program<number | undefined> {
    const { rows } = yield {
      sql: 'SELECT at FROM store_marks WHERE meter = ? AND name = ?',
      values: [meter, name],
    }
    const at = rows[0]?.at
    return at === undefined ? undefined : exactInteger(at, 'at')
  }

  function* setMark(name: Mark, at: number): Program<void> {
    yield {
      sql: `INSERT INTO store_marks (meter, name, at) VALUES (?, ?, ?)
            ${dialect.onConflict(['meter', 'name'])} at = ?`,
      values: [meter, name, at, at],
    }
  }

  /**
   * Says that allocations changed in these hours: they are to be rolled up (again).
   * @returns hours that were rolled up and whose allocations are gone: nothing is changed there
   */
  function* touch(hours: Iterable<number>): Program<number> {
    const gone = yield* kept()
    let late = 0
    for (const hour of [...hours].sort((a, b) => a - b)) {
      if (hour < gone.hours || (hour < gone.allocations && (yield* isRolledUp(hour)))) {
        late += 1
        continue
      }
      yield {
        sql: `INSERT INTO rolled_hours (meter, hour, changes, rolled) VALUES (?, ?, 1, 0)
              ${dialect.onConflict(['meter', 'hour'])} changes = changes + 1`,
        values: [meter, hour],
      }
    }
    return late
  }

  function* isRolledUp(hour: number): Program<boolean> {
    const { rows } = yield {
      sql: 'SELECT hour FROM rolled_hours WHERE meter = ? AND hour = ?',
      values: [meter, hour],
    }
    return rows.length > 0
  }

  /** Takes in a store from before the rollups: every hour that its allocations can have touched. */
  function* adopt(presentUntil: string): Program<void> {
    if ((yield* mark('adopted')) !== undefined) return
    const { rows } = yield {
      sql: `SELECT min(opened_at) AS since, max(last_seen_at) AS seen, max(${presentUntil}) AS until
            FROM allocations ${dialect.sharesAllocations ? 'WHERE meter = ?' : ''}`,
      values: dialect.sharesAllocations ? [meter] : [],
    }
    const [since, seen, until] = [rows[0]?.since, rows[0]?.seen, rows[0]?.until].map((at) =>
      at == null ? undefined : exactInteger(at, 'at'),
    )
    if (since !== undefined && seen !== undefined && until !== undefined)
      yield* touch(
        hoursBetween(Math.max(since, seen - longestMs), Math.min(until, seen + longestLifetimeMs)),
      )
    yield* setMark('adopted', 1)
  }

  /** Hours from `from` to before `to` that changed since they were rolled up, the earliest first. */
  function* changedHours(from: number, to: number): Program<ChangedHour[]> {
    const { rows } = yield {
      sql: `SELECT hour, changes FROM rolled_hours
            WHERE meter = ? AND hour >= ? AND hour < ? AND changes > rolled ORDER BY hour`,
      values: [meter, from, to],
    }
    return rows.map(({ hour, changes }) => ({
      hour: exactInteger(hour, 'hour'),
      changes: exactInteger(changes, 'changes'),
    }))
  }

  /** Puts an hour's cells in the place of what it had; false where it has changed since, and stays. */
  function* putHour({ hour, changes }: ChangedHour, cells: readonly UsageCell[]): Program<boolean> {
    const found = yield {
      sql: 'UPDATE rolled_hours SET rolled = ? WHERE meter = ? AND hour = ? AND changes = ?',
      values: [changes, meter, hour, changes],
    }
    if (found.changes === 0) return false
    yield { sql: 'DELETE FROM usage_hours WHERE meter = ? AND hour = ?', values: [meter, hour] }
    yield {
      sql: `INSERT INTO usage_hours (meter, hour, cell, ${[...hourKeys, ...measureColumns].join(', ')}) VALUES`,
      rows: cells.map((cell, index) => [
        ...[meter, hour, index],
        ...hourKeys.map((key) => cell[key]),
        ...usageFields.map((field) => cell[field]),
      ]),
    }
    yield* forgetDay(dayOf(hour))
    return true
  }

  function* forgetDay(day: number): Program<void> {
    yield { sql: 'DELETE FROM rolled_days WHERE meter = ? AND hour = ?', values: [meter, day] }
  }

  /** Sums a day's hours up. */
  function* putDay(day: number): Program<void> {
    const keys = dayKeys.join(', ')
    const sums = usageFields.map((field) =>
      field === 'carried'
        ? 'sum(CASE WHEN hour = ? THEN carried ELSE 0 END)'
        : `sum(${columnOf(field)})`,
    )
    yield { sql: 'DELETE FROM usage_days WHERE meter = ? AND hour = ?', values: [meter, day] }
    yield {
      sql: `INSERT INTO usage_days (meter, hour, cell, ${keys}, ${measureColumns.join(', ')})
            SELECT meter, ?, row_number() OVER (ORDER BY ${keys}), ${keys}, ${sums.join(', ')}
            FROM usage_hours WHERE meter = ? AND hour >= ? AND hour < ?
            GROUP BY meter, ${keys}`,
      values: [day, day, meter, day, day + dayMs],
    }
    yield* forgetDay(day)
    yield { sql: 'INSERT INTO rolled_days (meter, hour) VALUES (?, ?)', values: [meter, day] }
  }

  /** Days of the window that have hours, and are (or are not) rolled up. */
  function* days(from: number, to: number, rolled: boolean): Program<number[]> {
    const { rows } = yield rolled
      ? {
          sql: 'SELECT hour FROM rolled_days WHERE meter = ? AND hour >= ? AND hour < ? ORDER BY hour',
          values: [meter, from, to],
        }
      : {
          sql: `SELECT DISTINCT hour - hour % ${dayMs} AS hour FROM rolled_hours
                WHERE meter = ? AND hour >= ? AND hour < ? AND changes = rolled
                  AND hour - hour % ${dayMs} NOT IN (SELECT hour FROM rolled_days WHERE meter = ?)
                ORDER BY 1`,
          values: [meter, from, to, meter],
        }
    return rows.map(({ hour }) => exactInteger(hour, 'hour'))
  }

  /** From the first to after the last hour of which anything is known. */
  function* extent(): Program<Window | undefined> {
    const edges: number[] = []
    for (const table of ['rolled_hours', 'rolled_days']) {
      const { rows } = yield {
        sql: `SELECT min(hour) AS first, max(hour) AS last FROM ${table} WHERE meter = ?`,
        values: [meter],
      }
      const [row] = rows
      if (row?.first == null) continue
      const length = table === 'rolled_days' ? dayMs : hourMs
      edges.push(exactInteger(row.first, 'hour'), exactInteger(row.last, 'hour') + length)
    }
    return edges.length > 0 ? { from: Math.min(...edges), to: Math.max(...edges) } : undefined
  }

  /**
   * What the spans come to, by the dimensions asked for and the transport.
   * @param first hour at which the window begins: there, `carried` counts
   */
  function* sums(
    spans: readonly Span[],
    by: readonly ReportDimension[],
    first: number,
  ): Program<CellSums[]> {
    const result: CellSums[] = []
    for (const span of spans) {
      const keys = keysOf(by, span.table)
      for (const pass of yield* passes(span, keys)) {
        const { values: rows = [] } = yield { ...sumsOf(span, keys, pass, first), asArrays: true }
        for (const row of rows) result.push(readSums(row, keys, pass.fields))
      }
    }
    return result
  }

  /**
   * In which passes a span is summed up. Each measure that is summed and read costs time, and a dozen of
   * them are 0 of nearly every row: where few rows have any, these are summed by themselves.
   */
  function* passes(span: Span, keys: readonly KeyColumn[]): Program<Pass[]> {
    const { table, from, to } = span
    const { fewRare } = dialect
    const through = (fields: readonly SumField[]): Pass =>
      fewRare > 0 && isByRoom(span, keys)
        ? { fields, from: daysByRoom, inBlocks: true }
        : { fields, from: table }
    if (fewRare === 0) return [through(sumFields)]
    const { rows } = yield {
      sql: `SELECT count(*) AS number FROM (SELECT 1 FROM ${rareOf(table)}
            WHERE meter = ? AND hour >= ? AND hour < ? AND ${isRare} LIMIT ${fewRare})`,
      values: [meter, from, to],
    }
    const number = Number(rows[0]?.number)
    if (number === fewRare) return [through(sumFields)]
    const usual = through(usualFields)
    return number === 0
      ? [usual]
      : [usual, { fields: rareFields, from: rareOf(table), where: isRare }]
  }

  function sumsOf({ from, to }: Span, keys: readonly KeyColumn[], pass: Pass, first: number) {
    const carried = pass.fields.includes('allocations') && from <= first && first < to
    const columns = [
      ...keys.map(({ sql, name }) => `${sql} AS ${name}`),
      ...sumColumns(pass.fields, carried),
    ].join(', ')
    const group = `GROUP BY ${keys.map((_, index) => index + 1).join(', ')}`
    const within = 'meter = ? AND hour >= ? AND hour < ?'
    const values = [...(carried ? [first] : []), meter, from, to]
    if (!pass.inBlocks) {
      const where = pass.where ? `AND ${pass.where}` : ''
      return {
        sql: `SELECT ${columns} FROM ${pass.from} WHERE ${within} ${where} ${group}`,
        values,
      }
    }
    const one = `SELECT ${columns} FROM ${pass.from} WHERE ${within} AND ${blockOf} = ? ${group}`
    const blocks = blocksOf(from, to)
    const blockValues = blocks.flatMap((block) => [...values, block])
    if (blocks.length === 1) return { sql: one, values: blockValues }
    const again = [
      ...keys.map(({ name }) => name),
      ...pass.fields.map((field) => `sum(${field})`),
    ].join(', ')
    return {
      sql: `SELECT ${again} FROM (${blocks.map(() => one).join(' UNION ALL ')}) ${group}`,
      values: blockValues,
    }
  }

  /** As its meter said; of a store from before it did, as its usage says; undefined: nobody has. */
  function* region(): Program<string | undefined> {
    for (const table of ['meters', 'usage_hours', 'usage_days']) {
      const { rows } = yield {
        sql: `SELECT region FROM ${table} WHERE meter = ?
              ${table === 'meters' ? '' : 'ORDER BY hour DESC'} LIMIT 1`,
        values: [meter],
      }
      if (rows[0]?.region) return String(rows[0].region)
    }
    return undefined
  }

  function* setRegion(region: string): Program<void> {
    yield {
      sql: `INSERT INTO meters (meter, region) VALUES (?, ?)
            ${dialect.onConflict(['meter'])} region = ?`,
      values: [meter, region, region],
    }
  }

  function* kept(): Program<Kept> {
    return { allocations: (yield* mark('allocations')) ?? 0, hours: (yield* mark('hours')) ?? 0 }
  }

  /**
   * Deletes at most `limit` rows of each kind that are older than `before`.
   * @param now no mark is kept past it: a clock that was ahead would have all deleted that is yet to come
   * @param presentUntil SQL for when an allocation was last there
   * @returns whether there is more
   */
  function* forget(
    before: Kept,
    now: number,
    limit: number,
    presentUntil: string,
  ): Program<boolean> {
    const known = yield* kept()
    const [changed] = yield* changedHours(0, before.allocations)
    const [unsummed] = yield* days(0, before.hours, false)
    // Allocations of an hour that is not rolled up yet are all that is known of it; so with hours.
    const open = changed?.hour ?? before.allocations
    const allocations = Math.min(before.allocations, open)
    const markedTo = Math.max(Math.min(known.allocations, hourOf(now)), allocations)
    const hours = dayOf(Math.min(before.hours, unsummed ?? before.hours, markedTo))
    yield* setMark('allocations', markedTo)
    yield* setMark('hours', Math.max(Math.min(known.hours, dayOf(now)), hours))
    const gone = [
      yield dialect.sharesAllocations
        ? {
            sql: `DELETE FROM allocations WHERE meter = ? AND ${presentUntil} < ? LIMIT ${limit}`,
            values: [meter, allocations],
          }
        : {
            sql: `DELETE FROM allocations WHERE key IN
                  (SELECT key FROM allocations WHERE opened_at < ? AND ${presentUntil} < ? LIMIT ${limit})`,
            values: [allocations, allocations],
          },
      yield* forgetHours('usage_hours', hours, limit),
      yield* forgetHours('rolled_hours', hours, limit),
    ]
    return gone.some(({ changes }) => changes >= limit)
  }

  /** Whole hours, so that none is there in part. */
  function* forgetHours(
    table: 'usage_hours' | 'rolled_hours',
    before: number,
    limit: number,
  ): Program<Answer> {
    const { rows } = yield {
      sql: `SELECT hour FROM ${table} WHERE meter = ? AND hour < ? ORDER BY hour LIMIT 1`,
      values: [meter, before],
    }
    const oldest = rows[0] && exactInteger(rows[0].hour, 'hour')
    if (oldest === undefined) return { rows: [], changes: 0 }
    yield {
      sql: `DELETE FROM ${table} WHERE meter = ? AND hour < ?`,
      values: [meter, Math.min(before, dayOf(oldest) + dayMs)],
    }
    return { rows: [], changes: limit }
  }

  return {
    ...{ touch, adopt, changedHours, putHour, putDay, days, extent, sums, kept, forget },
    ...{ region, setRegion },
  }
}

type Pass = {
  fields: readonly SumField[]
  /** The table, and through which index. */
  from: string
  where?: string
  /** Whether the index is by blocks of days. */
  inBlocks?: boolean
}

/** Of fewer days it is quicker to sort them than to skip the other days of their block. */
const fewDays = 7
/** SQLite joins at most 500 SELECTs; forty years are as many blocks. */
const mostBlocks = 400

/** Whether the index by room has what is asked for, in its order. */
function isByRoom({ table, from, to }: Span, keys: readonly KeyColumn[]): boolean {
  return (
    table === 'usage_days' &&
    to - from >= fewDays * dayMs &&
    blocksOf(from, to).length <= mostBlocks &&
    keys.some(({ name }) => name === 'room') &&
    keys.every(({ name }) => name === 'room' || name === 'tenant' || name === 'transport')
  )
}

function blocksOf(from: number, to: number): number[] {
  const first = Math.floor(from / blockMs)
  return Array.from({ length: Math.floor((to - 1) / blockMs) - first + 1 }, (_, at) => first + at)
}

function sumColumns(fields: readonly SumField[], carried: boolean): string[] {
  return fields.map((field) =>
    field === 'allocations' && carried
      ? 'sum(allocations + CASE WHEN hour = ? THEN carried ELSE 0 END) AS allocations'
      : `sum(${columnOf(field)}) AS ${field}`,
  )
}

type KeyColumn = { name: string; sql: string; kind: 'text' | 'instant' }

/** The columns that a report by these dimensions groups by; a room's name is a tenant's own. */
function keysOf(by: readonly ReportDimension[], table: Span['table']): KeyColumn[] {
  const names = new Set<ReportDimension>(by)
  names.add('transport')
  return [...names].map((name) => {
    if (name === 'hour') return { name, sql: 'hour', kind: 'instant' }
    if (name === 'day') return { name, sql: `hour - hour % ${dayMs}`, kind: 'instant' }
    if (name === 'participant' && table === 'usage_days')
      return { name, sql: `'${notKept}'`, kind: 'text' }
    return { name, sql: name, kind: 'text' }
  })
}

function readSums(
  row: readonly unknown[],
  keys: readonly KeyColumn[],
  fields: readonly SumField[],
): CellSums {
  const sums: Record<string, unknown> & SumMeasures = { ...noSums() }
  for (const [index, { name, kind }] of keys.entries())
    sums[name] = kind === 'text' ? String(row[index]) : exactInteger(row[index], name)
  for (const [index, field] of fields.entries())
    sums[field] = exactInteger(row[keys.length + index], field)
  return sums as CellSums
}

/** What of an allocation decides in which hours it counts. */
export type Presence = Pick<
  AllocationRecord,
  'openedAt' | 'lastSeenAt' | 'aliveAt' | 'expiresAt' | 'closedAt' | 'transport' | 'recoveredBytes'
>

/**
 * The hours whose sums a change of an allocation can change.
 * @param before what was known of it; undefined: nothing
 * @param after what is known now, joined with what was
 * @param changedMarks hours of its traffic that are new, or greater than they were
 */
export function touchedHours(
  before: Presence | undefined,
  after: Presence,
  changedMarks: readonly number[],
): Iterable<number> {
  if (before && changedMarks.length === 0 && isSame(before, after)) return []
  const fromTheStart =
    !before ||
    before.openedAt !== after.openedAt ||
    before.transport !== after.transport ||
    (before.recoveredBytes ?? 0) !== (after.recoveredBytes ?? 0) ||
    (before.recoveredBytes ?? 0) > 0
  const from = fromTheStart
    ? Math.min(after.openedAt, ...changedMarks)
    : Math.min(before.lastSeenAt, ...changedMarks)
  const expiresAt = Math.max(after.expiresAt, before?.expiresAt ?? 0)
  const to = Math.max(after.lastSeenAt, Math.min(expiresAt, after.lastSeenAt + longestLifetimeMs))
  return hoursBetween(Math.max(from, to - longestMs), to)
}

function isSame(a: Presence, b: Presence): boolean {
  return (
    a.openedAt === b.openedAt &&
    a.lastSeenAt === b.lastSeenAt &&
    a.aliveAt === b.aliveAt &&
    a.expiresAt === b.expiresAt &&
    a.closedAt === b.closedAt &&
    a.transport === b.transport &&
    (a.recoveredBytes ?? 0) === (b.recoveredBytes ?? 0)
  )
}

function* hoursBetween(from: number, to: number): Iterable<number> {
  for (let hour = hourOf(from); hour <= to; hour += hourMs) yield hour
}

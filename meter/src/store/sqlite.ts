import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { parseTurnUsername } from '@parley/protocol'
import { type AllocationRecord, hourMs, hourOf, isClosed, trafficFields } from '@parley/relay-cost'
import { StoreError } from '../errors.ts'
import { heardTable } from '../places/heard-table.ts'
import { podTables } from '../places/pod-tables.ts'
import { linkTables } from '../reasons/link-tables.ts'
import { sqliteTrafficWords } from '../traffic/sql.ts'
import { trafficTables } from '../traffic/tables.ts'
import { sqliteMigrations as migrations } from './migrations.ts'
import { presentKeys, presentUntil } from './presence.ts'
import { presenceOf, type Row, readAllocation, readTraffic, trafficColumns } from './rows.ts'
import { type Answer, type Program, sqliteDialect } from './sql.ts'
import type { Book, Merged, Store } from './store.ts'
import { touchedHours, usageTables } from './usage-tables.ts'

/** Rows deleted at a time for their age: others wait for no longer than that takes. */
const forgetRows = 2000

export type SqliteOptions = {
  /** How long to wait for another process that holds the file. Default: 5 s. */
  busyMs?: number
  /** See `Dialect`. */
  fewRare?: number
  /** An open database of that path, in place of one that is opened here. */
  database?: DatabaseSync
}

/** A store in one SQLite file (WAL, so that reports read while the meter writes). */
export function openSqliteStore(path: string, options: SqliteOptions = {}): Store {
  const db = openDatabase(path, options)
  const run = runnerOf(db)
  const allocations = prepare(db)
  const dialect = { ...sqliteDialect, fewRare: options.fewRare ?? sqliteDialect.fewRare }
  const usage = usageTables(dialect, '')
  const links = linkTables(dialect, '')
  const pods = podTables(dialect, '')
  const heard = heardTable(dialect, '')
  const traffic = trafficTables(sqliteTrafficWords, dialect, '')
  const read = <T>(program: () => Program<T>) =>
    attempt('read', path, () => inTransaction(db, 'BEGIN', () => run(program())))
  const write = <T>(program: () => Program<T>) =>
    attempt('write', path, () => inTransaction(db, 'BEGIN IMMEDIATE', () => run(program())))

  const records: Store['records'] = async ({ from, to }) =>
    attempt('read', path, () => allocations.between(hourOf(from), hourOf(to + hourMs - 1)))

  const book: Book = {
    records,
    links: {
      merge: async (records) =>
        write(function* () {
          return { lateHours: yield* usage.touch(yield* links.merge(records)) }
        }),
      between: async (window, rooms) => read(() => links.between(window, rooms)),
    },
    pods: {
      put: async (there, now) =>
        write(function* () {
          return { lateHours: yield* usage.touch(yield* pods.put(there, now)) }
        }),
      between: async (window) => read(() => pods.between(window)),
      since: async () => read(pods.since),
    },
    heard: {
      note: async (time) => write(() => heard.note(time)),
      during: async (window) => read(() => heard.during(window)),
    },
    traffic: {
      add: async (batches, now, kept) => write(() => traffic.add(batches, now, kept)),
      lastOf: async (sources) => read(() => traffic.lastOf(sources)),
      cells: async (table, protocol, window) => read(() => traffic.cells(table, protocol, window)),
      putAlerts: async (alerts) => write(() => traffic.putAlerts(alerts)),
      alerts: async (limit) => read(() => traffic.alerts(limit)),
      forget: async (now, kept) => write(() => traffic.forget(now, kept, forgetRows)),
    },
    region: async () => read(usage.region),
    setRegion: async (region) => write(() => usage.setRegion(region)),
    changedHours: async ({ from, to }) => read(() => usage.changedHours(from, to)),
    putHour: async (hour, cells) => write(() => usage.putHour(hour, cells)),
    putDay: async (day) => write(() => usage.putDay(day)),
    days: async ({ from, to }, rolled) => read(() => usage.days(from, to, rolled)),
    extent: async () => read(usage.extent),
    sums: async (spans, by, first) => read(() => usage.sums(spans, by, first)),
    kept: async () => read(() => usage.kept()),
    forget: async (before, now) =>
      write(function* () {
        const isMore = yield* usage.forget(before, now, forgetRows, presentUntil)
        const { allocations, hours } = yield* usage.kept()
        yield* heard.forget(hours)
        return (yield* links.forget(allocations, forgetRows)) || isMore
      }),
  }

  try {
    write(() => usage.adopt(presentUntil))
  } catch (error) {
    db.close()
    throw error
  }
  return {
    async merge(records): Promise<Merged> {
      const touched = new Set<number>()
      return write(function* () {
        for (const record of records)
          for (const hour of allocations.merge(record)) touched.add(hour)
        return { lateHours: yield* usage.touch(touched) }
      })
    },
    records,
    async recent(since, closedSince) {
      return attempt('read', path, () =>
        allocations.between(
          since,
          Number.MAX_SAFE_INTEGER,
          (record) => !isClosed(record) || record.lastSeenAt >= closedSince,
        ),
      )
    },
    async books() {
      return [book]
    },
    async close() {
      db.close()
    },
  }
}

function openDatabase(path: string, { busyMs = 5000, database }: SqliteOptions): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
    db = database ?? new DatabaseSync(path, { timeout: busyMs })
    useWal(db, busyMs)
    migrate(db, path)
    return db
  } catch (error) {
    db?.close()
    if (error instanceof StoreError) throw error
    throw new StoreError(
      'STORE_OPEN',
      `cannot open the store ${path}: ${reason(error)}; check that its folder exists, is writable and has space`,
      { cause: error },
    )
  }
}

const SQLITE_BUSY = 5
const sleeper = new Int32Array(new SharedArrayBuffer(4))

/**
 * SQLite waits for others by itself, but not where a file is changed to WAL: of two processes that do so at once one is
 * told that the database is locked.
 */
function useWal(db: DatabaseSync, busyMs: number): void {
  const deadline = performance.now() + busyMs
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;')
      return
    } catch (error) {
      const code = (error as { errcode?: number }).errcode ?? 0
      // The lower byte; what is above it says more of the same.
      if ((code & 0xff) !== SQLITE_BUSY || performance.now() > deadline) throw error
      Atomics.wait(sleeper, 0, 0, 10)
    }
  }
}

function migrate(db: DatabaseSync, path: string): void {
  inTransaction(db, 'BEGIN IMMEDIATE', () => {
    const version = Number(db.prepare('PRAGMA user_version').get()?.user_version)
    if (version > migrations.length)
      throw new StoreError(
        'STORE_NEWER',
        `the store ${path} has schema ${version}, this version knows up to ${migrations.length}; run the version that wrote it, or a newer one`,
      )
    for (const sql of migrations.slice(version)) db.exec(sql)
    db.exec(`PRAGMA user_version = ${migrations.length}`)
  })
}

function inTransaction<T>(db: DatabaseSync, begin: 'BEGIN' | 'BEGIN IMMEDIATE', work: () => T): T {
  db.exec(begin)
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function attempt<T>(what: 'read' | 'write', path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof StoreError) throw error
    // node:sqlite refuses to read what a number cannot hold, and SQLite to sum past 2^63.
    if ((error as { code?: string }).code === 'ERR_OUT_OF_RANGE' || /overflow/.test(reason(error)))
      throw new StoreError(
        'STORE_OVERFLOW',
        `the store ${path} holds a sum past 2^53; ask for a shorter window`,
        { cause: error },
      )
    throw new StoreError(
      what === 'read' ? 'STORE_READ' : 'STORE_WRITE',
      `cannot ${what} the store ${path}: ${reason(error)}; check its disk space and that nothing else holds it`,
      { cause: error },
    )
  }
}

function reason(error: unknown): string {
  return (error as Error).message
}

/** Runs programs; statements are prepared once for each text. */
function runnerOf(db: DatabaseSync) {
  const prepared = new Map<string, StatementSync>()
  const statement = (sql: string) => {
    const known = prepared.get(sql)
    if (known) return known
    const made = db.prepare(sql)
    prepared.set(sql, made)
    return made
  }
  const answer = (sql: string, values: readonly unknown[], asArrays = false): Answer => {
    const made = statement(sql)
    const given = values as SQLInputValue[]
    if (asArrays) {
      made.setReturnArrays(true)
      return { rows: [], values: made.all(...given) as unknown as unknown[][], changes: 0 }
    }
    if (/^\s*SELECT/i.test(sql)) return { rows: made.all(...given) as Row[], changes: 0 }
    return { rows: [], changes: Number(made.run(...given).changes) }
  }
  return <T>(program: Program<T>): T => {
    for (let step = program.next(); ; ) {
      if (step.done) return step.value
      const { sql, values = [], rows, asArrays } = step.value
      if (rows) {
        for (const row of rows) answer(`${sql} (${row.map(() => '?').join(', ')})`, row)
        step = program.next({ rows: [], changes: rows.length })
      } else step = program.next(answer(sql, values, asArrays))
    }
  }
}

function prepare(db: DatabaseSync) {
  const keep = (how: 'min' | 'max', column: string) =>
    `${column} = ${how}(${column}, excluded.${column})`
  const known = db.prepare(`
    SELECT key, opened_at, last_seen_at, alive_at, expires_at, closed_at, transport, recovered_bytes
    FROM allocations WHERE realm = ? AND username = ? AND allocation_id = ? AND remote = ?`)
  const allocation = db.prepare(`
    INSERT INTO allocations (realm, username, allocation_id, remote, tenant, room, participant,
      transport, opened_at, last_seen_at, alive_at, expires_at, closed_at, recovered_bytes)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (realm, username, allocation_id, remote) DO UPDATE SET
      ${keep('max', 'transport')}, ${keep('min', 'opened_at')}, ${keep('max', 'last_seen_at')},
      ${keep('max', 'alive_at')}, ${keep('max', 'expires_at')}, ${keep('max', 'closed_at')},
      ${keep('max', 'recovered_bytes')}
    RETURNING key, opened_at, last_seen_at, alive_at, expires_at, closed_at, transport,
      recovered_bytes`)
  const hour = db.prepare(`
    INSERT INTO allocation_hours (allocation, hour, ${trafficColumns.join(', ')})
    VALUES (?, ?, ${trafficColumns.map(() => '?').join(', ')})
    ON CONFLICT (allocation, hour) DO UPDATE SET
      ${trafficColumns.map((column) => keep('max', column)).join(', ')}
    WHERE ${trafficColumns.map((column) => `excluded.${column} > ${column}`).join(' OR ')}`)
  const allocationsBetween = db.prepare(`
    SELECT allocations.* FROM (${presentKeys}) AS present
    CROSS JOIN allocations ON allocations.key = present.key`)
  const hoursBetween = db.prepare(`
    SELECT allocation_hours.* FROM (${presentKeys}) AS present
    CROSS JOIN allocation_hours ON allocation = present.key WHERE hour < :to`)
  const named = db.prepare(`
    SELECT * FROM allocations
    WHERE realm = ? AND username = ? AND allocation_id = ? AND remote <> ''`)
  const hoursOfOne = db.prepare('SELECT * FROM allocation_hours WHERE allocation = ? AND hour < ?')

  return {
    /** Joins a record into what is stored; the answer is the hours that it changed. */
    merge(record: AllocationRecord): Iterable<number> {
      const identity = parseTurnUsername(record.username)?.identity
      const { realm, username, id, remote, transport } = record
      const { openedAt, lastSeenAt, aliveAt, expiresAt, closedAt, recoveredBytes = 0 } = record
      const before = known.get(realm, username, id, remote)
      const after = allocation.get(
        ...[realm, username, id, remote],
        ...[identity?.tenant ?? null, identity?.room ?? null, identity?.participant ?? null],
        ...[transport, openedAt, lastSeenAt, aliveAt, expiresAt, closedAt, recoveredBytes],
      ) as Row
      const changed: number[] = []
      for (const [at, traffic] of record.hours) {
        const values = trafficFields.map((field) => traffic[field])
        if (Number(hour.run(Number(after.key), at, ...values).changes) > 0) changed.push(at)
      }
      return touchedHours(before && presenceOf(before), presenceOf(after), changed)
    },

    /** @param isWanted of which of them the records are */
    between(
      from: number,
      to: number,
      isWanted: (record: AllocationRecord) => boolean = () => true,
    ): AllocationRecord[] {
      const byKey = new Map<number, AllocationRecord>()
      for (const row of allocationsBetween.iterate({ from, to })) {
        const record = readAllocation(row)
        if (isWanted(record)) byKey.set(Number(row.key), record)
      }
      for (const row of hoursBetween.iterate({ from, to }))
        byKey.get(Number(row.allocation))?.hours.set(Number(row.hour), readTraffic(row))
      // Of whom no address is known may be another view of one that was there before.
      for (const { realm, username, id, remote } of [...byKey.values()]) {
        if (remote !== '') continue
        for (const row of named.all(realm, username, id)) {
          const key = Number(row.key)
          if (byKey.has(key)) continue
          const record = readAllocation(row)
          for (const mark of hoursOfOne.all(key, to))
            record.hours.set(Number(mark.hour), readTraffic(mark))
          byKey.set(key, record)
        }
      }
      return [...byKey.values()]
    },
  }
}

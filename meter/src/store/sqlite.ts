import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseTurnUsername } from '@parley/protocol'
import { type AllocationRecord, hourMs, hourOf, trafficFields } from '@parley/relay-cost'
import { StoreError } from '../errors.ts'
import { sqliteMigrations as migrations } from './migrations.ts'
import { readAllocation, readTotals, readTraffic, trafficColumns } from './rows.ts'
import type { Store } from './store.ts'

/** How long to wait for another process that holds the file. */
const busyMs = 5000

/** A store in one SQLite file (WAL, so that reports read while the meter writes). */
export function openSqliteStore(path: string): Store {
  const db = openDatabase(path)
  const statements = prepare(db)

  return {
    async merge(records) {
      attempt('write', path, () => {
        inTransaction(db, () => {
          for (const record of records) statements.merge(record)
        })
      })
    },
    async records({ from, to }) {
      const untilHour = hourOf(to + hourMs - 1)
      return attempt('read', path, () => statements.between(hourOf(from), untilHour))
    },
    async recent(since) {
      return attempt('read', path, () => statements.between(since, Number.MAX_SAFE_INTEGER))
    },
    async totals() {
      return attempt('read', path, statements.totals)
    },
    async close() {
      db.close()
    },
  }
}

function openDatabase(path: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
    db = new DatabaseSync(path, { timeout: busyMs })
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;')
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

function migrate(db: DatabaseSync, path: string): void {
  inTransaction(db, () => {
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

function inTransaction(db: DatabaseSync, work: () => void): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    work()
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

function attempt<T>(what: 'read' | 'write', path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new StoreError(
      what === 'read' ? 'STORE_READ' : 'STORE_WRITE',
      `cannot ${what} the store ${path}: ${reason(error)}; check its disk space and that nothing else holds it`,
      { cause: error },
    )
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function prepare(db: DatabaseSync) {
  const keep = (how: 'min' | 'max', column: string) =>
    `${column} = ${how}(${column}, excluded.${column})`
  const allocation = db.prepare(`
    INSERT INTO allocations (realm, username, allocation_id, remote, tenant, room, participant,
      transport, opened_at, last_seen_at, alive_at, expires_at, closed_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (realm, username, allocation_id, remote) DO UPDATE SET
      ${keep('max', 'transport')}, ${keep('min', 'opened_at')}, ${keep('max', 'last_seen_at')},
      ${keep('max', 'alive_at')}, ${keep('max', 'expires_at')}, ${keep('max', 'closed_at')}
    RETURNING key`)
  const hour = db.prepare(`
    INSERT INTO allocation_hours (allocation, hour, ${trafficColumns.join(', ')})
    VALUES (?, ?, ${trafficColumns.map(() => '?').join(', ')})
    ON CONFLICT (allocation, hour) DO UPDATE SET
      ${trafficColumns.map((column) => keep('max', column)).join(', ')}`)
  const alive = 'opened_at < :to AND max(last_seen_at, expires_at) >= :from'
  const allocationsBetween = db.prepare(`SELECT * FROM allocations WHERE ${alive}`)
  const hoursBetween = db.prepare(`
    SELECT allocation_hours.* FROM allocation_hours JOIN allocations ON key = allocation
    WHERE hour < :to AND ${alive}`)
  const sums = db.prepare(`
    SELECT tenant IS NULL AS unattributed,
      ${trafficColumns.map((column) => `sum(${column}) AS ${column}`).join(', ')}
    FROM allocations JOIN (
      SELECT allocation, ${trafficColumns.map((column) => `max(${column}) AS ${column}`).join(', ')}
      FROM allocation_hours GROUP BY allocation
    ) ON allocation = key
    GROUP BY 1`)
  const oldest = db.prepare('SELECT min(opened_at) AS at FROM allocations')

  return {
    merge(record: AllocationRecord): void {
      const identity = parseTurnUsername(record.username)?.identity
      const { realm, username, id, remote, transport } = record
      const { openedAt, lastSeenAt, aliveAt, expiresAt, closedAt } = record
      const row = allocation.get(
        ...[realm, username, id, remote],
        ...[identity?.tenant ?? null, identity?.room ?? null, identity?.participant ?? null],
        ...[transport, openedAt, lastSeenAt, aliveAt, expiresAt, closedAt],
      )
      for (const [at, traffic] of record.hours)
        hour.run(Number(row?.key), at, ...trafficFields.map((field) => traffic[field]))
    },

    between(from: number, to: number): AllocationRecord[] {
      const byKey = new Map<number, AllocationRecord>()
      for (const row of allocationsBetween.all({ from, to }))
        byKey.set(Number(row.key), readAllocation(row))
      for (const row of hoursBetween.all({ from, to }))
        byKey.get(Number(row.allocation))?.hours.set(Number(row.hour), readTraffic(row))
      return [...byKey.values()]
    },

    totals: () => readTotals(sums.all(), oldest.get()?.at),
  }
}

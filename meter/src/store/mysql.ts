import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseTurnUsername } from '@parley/protocol'
import {
  type AllocationRecord,
  allocationKey,
  hourMs,
  hourOf,
  trafficFields,
} from '@parley/relay-cost'
import mysql, { type PoolConnection, type RowDataPacket } from 'mysql2/promise'
import { StoreError } from '../errors.ts'
import { mysqlMigrations } from './migrations.ts'
import { type Row, readAllocation, readTotals, readTraffic, trafficColumns } from './rows.ts'
import type { Store } from './store.ts'

export type MysqlLocation = {
  host: string
  port: number
  user: string
  password: string
  database: string
  /** Certificates (PEM) that the server's must come from; without them the connection is not encrypted. */
  ca?: string | undefined
}

/** How long the server may take to connect, and to answer. */
const connectMs = 5000
const answerMs = 15_000
/** Rows in one statement: a statement is at most max_allowed_packet long, 16 MB by default. */
const batchRows = 500
/** Two meters that write the same rows may lock each other out; the server then ends one of them. */
const attempts = 4

/**
 * A store in a MySQL or MariaDB database, which many meters may share.
 *
 * The server is asked for at the first call, and again at each until it is there: opening never
 * fails, and neither does the meter when the database starts after it.
 * @param meter whose rows are written and read; undefined: those of all are read, none can be written
 */
export function openMysqlStore(location: MysqlLocation, meter: string | undefined): Store {
  const { host, port, database } = location
  const name = `mysql://${host}:${port}/${database}`
  const pool = connectionPool(location)
  let migrated: Promise<void> | undefined

  const attempt = async <T>(what: 'read' | 'write', work: (c: PoolConnection) => Promise<T>) => {
    try {
      migrated ??= withConnection(pool, (connection) => migrate(connection, name))
      await migrated
      return await withConnection(pool, work)
    } catch (error) {
      // The next call looks at the schema again: a database that comes back may be another one.
      migrated = undefined
      if (error instanceof StoreError) throw error
      throw new StoreError(
        what === 'read' ? 'STORE_READ' : 'STORE_WRITE',
        `cannot ${what} the store ${name}: ${reason(error)}; check that the server is up and reached from here, and the user's password and rights`,
        { cause: error },
      )
    }
  }
  const between = (from: number, to: number) =>
    attempt('read', (connection) => readBetween(connection, meter, from, to))

  return {
    async merge(records) {
      if (meter === undefined)
        throw new StoreError('STORE_WRITE', `the store ${name} was opened for reading`)
      await attempt('write', (connection) => merge(connection, meter, records))
    },
    records: ({ from, to }) => between(hourOf(from), hourOf(to + hourMs - 1)),
    recent: (since) => between(since, Number.MAX_SAFE_INTEGER),
    totals: () => attempt('read', (connection) => readSums(connection, meter)),
    close: () => pool.end(),
  }
}

function connectionPool({ ca, ...server }: MysqlLocation) {
  const pool = mysql.createPool({
    ...server,
    connectionLimit: 4,
    connectTimeout: connectMs,
    charset: 'utf8mb4',
    timezone: 'Z',
    // A certificate for an address cannot be checked against it by this client, only its authority.
    ...(ca === undefined ? {} : { ssl: { ca, verifyIdentity: !isIP(server.host) } }),
  })
  // Values are escaped here, in the way that this mode has it; usernames come from outside.
  pool.on('connection', (connection) => {
    connection.query("SET SESSION sql_mode = 'STRICT_ALL_TABLES'")
    connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
  })
  return pool
}

async function withConnection<T>(
  pool: mysql.Pool,
  work: (connection: PoolConnection) => Promise<T>,
): Promise<T> {
  const connection = await pool.getConnection()
  try {
    const result = await work(connection)
    connection.release()
    return result
  } catch (error) {
    // In what state it is, and whether its answer is still to come, nobody knows.
    connection.destroy()
    throw error
  }
}

async function query(connection: PoolConnection, sql: string, values: unknown[] = []) {
  const [rows] = await connection.query<RowDataPacket[]>({ sql, values, timeout: answerMs })
  return rows as Row[]
}

/** Meters that start together wait for each other here. */
async function migrate(connection: PoolConnection, name: string): Promise<void> {
  const [lock] = await query(connection, "SELECT GET_LOCK('parley-schema', 10) AS held")
  if (Number(lock?.held) !== 1)
    throw new Error('another meter has been changing the schema for 10 s')
  await query(
    connection,
    'CREATE TABLE IF NOT EXISTS parley_schema (version INT PRIMARY KEY) ENGINE = InnoDB',
  )
  const [row] = await query(
    connection,
    'SELECT coalesce(max(version), 0) AS version FROM parley_schema',
  )
  const version = Number(row?.version)
  if (version > mysqlMigrations.length)
    throw new StoreError(
      'STORE_NEWER',
      `the store ${name} has schema ${version}, this version knows up to ${mysqlMigrations.length}; run the version that wrote it, or a newer one`,
    )
  for (const [index, sql] of mysqlMigrations.entries()) {
    if (index < version) continue
    await query(connection, sql)
    await query(connection, 'INSERT INTO parley_schema VALUES (?)', [index + 1])
  }
  await query(connection, "SELECT RELEASE_LOCK('parley-schema')")
}

async function merge(
  connection: PoolConnection,
  meter: string,
  records: readonly AllocationRecord[],
): Promise<void> {
  // In one order, so that two meters which write the same rows wait for each other and no more.
  const keyed = records
    .map((record) => ({ record, digest: digestOf(record) }))
    .toSorted((a, b) => Buffer.compare(a.digest, b.digest))
  const allocations = keyed.map(({ record, digest }) => allocationRow(meter, digest, record))
  const hours = keyed.flatMap(({ record, digest }) =>
    [...record.hours]
      .toSorted(([a], [b]) => a - b)
      .map(([hour, traffic]) => [
        meter,
        digest,
        hour,
        ...trafficFields.map((field) => traffic[field]),
      ]),
  )
  for (let left = attempts; ; ) {
    try {
      await connection.beginTransaction()
      for (const rows of batches(allocations)) await query(connection, mergeAllocations, [rows])
      for (const rows of batches(hours)) await query(connection, mergeHours, [rows])
      return await connection.commit()
    } catch (error) {
      left -= 1
      if ((error as { code?: string }).code !== 'ER_LOCK_DEADLOCK' || left === 0) throw error
      await connection.rollback()
      await sleep(20 * (attempts - left))
    }
  }
}

const keep = (how: 'LEAST' | 'GREATEST', column: string) =>
  `${column} = ${how}(${column}, VALUES(${column}))`

const mergeAllocations = `
  INSERT INTO allocations (meter, digest, realm, username, allocation_id, remote, tenant, room,
    participant, transport, opened_at, last_seen_at, alive_at, expires_at, closed_at)
  VALUES ?
  ON DUPLICATE KEY UPDATE ${keep('GREATEST', 'transport')}, ${keep('LEAST', 'opened_at')},
    ${['last_seen_at', 'alive_at', 'expires_at', 'closed_at'].map((c) => keep('GREATEST', c)).join(', ')}`

const mergeHours = `
  INSERT INTO allocation_hours (meter, digest, hour, ${trafficColumns.join(', ')})
  VALUES ?
  ON DUPLICATE KEY UPDATE ${trafficColumns.map((column) => keep('GREATEST', column)).join(', ')}`

function digestOf(record: AllocationRecord): Buffer {
  return createHash('sha256').update(allocationKey(record)).digest().subarray(0, 16)
}

function allocationRow(meter: string, digest: Buffer, record: AllocationRecord): unknown[] {
  const identity = parseTurnUsername(record.username)?.identity
  const { realm, username, id, remote, transport } = record
  const { openedAt, lastSeenAt, aliveAt, expiresAt, closedAt } = record
  return [
    ...[meter, digest, realm, username, id, remote],
    ...[identity?.tenant ?? null, identity?.room ?? null, identity?.participant ?? null],
    ...[transport, openedAt, lastSeenAt, aliveAt, expiresAt, closedAt],
  ]
}

function* batches<T>(rows: readonly T[]): Iterable<T[]> {
  for (let start = 0; start < rows.length; start += batchRows)
    yield rows.slice(start, start + batchRows)
}

async function readBetween(
  connection: PoolConnection,
  meter: string | undefined,
  from: number,
  to: number,
): Promise<AllocationRecord[]> {
  const whose = meter === undefined ? [] : [meter]
  const present = `${meter === undefined ? '' : 'meter = ? AND '}opened_at < ? AND present_until >= ?`
  const byKey = new Map<string, AllocationRecord>()
  const keyOf = (row: Row) => `${row.meter} ${(row.digest as Buffer).toString('hex')}`
  const allocations = await query(connection, `SELECT * FROM allocations WHERE ${present}`, [
    ...whose,
    to,
    from,
  ])
  for (const row of allocations) byKey.set(keyOf(row), readAllocation(row))
  const hours = await query(
    connection,
    `SELECT allocation_hours.* FROM allocation_hours JOIN allocations USING (meter, digest)
     WHERE ${present} AND hour < ?`,
    [...whose, to, from, to],
  )
  for (const row of hours) byKey.get(keyOf(row))?.hours.set(Number(row.hour), readTraffic(row))
  return [...byKey.values()]
}

async function readSums(connection: PoolConnection, meter: string | undefined) {
  const whose = meter === undefined ? [] : [meter]
  const where = meter === undefined ? '' : 'WHERE meter = ?'
  const sums = await query(
    connection,
    `SELECT tenant IS NULL AS unattributed,
       ${trafficColumns.map((column) => `sum(${column}) AS ${column}`).join(', ')}
     FROM allocations JOIN (
       SELECT meter, digest,
         ${trafficColumns.map((column) => `max(${column}) AS ${column}`).join(', ')}
       FROM allocation_hours ${where} GROUP BY meter, digest
     ) AS latest USING (meter, digest)
     GROUP BY 1`,
    whose,
  )
  const [first] = await query(
    connection,
    `SELECT min(opened_at) AS at FROM allocations ${where}`,
    whose,
  )
  return readTotals(sums, first?.at)
}

/** A refused connection has its reason in the code alone where a name has several addresses. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || (error as { code?: string }).code || error.name
}

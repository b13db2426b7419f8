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
  type Window,
} from '@parley/relay-cost'
import mysql, { type PoolConnection, type RowDataPacket } from 'mysql2/promise'
import { StoreError } from '../errors.ts'
import { heardTable } from '../places/heard-table.ts'
import { podTables } from '../places/pod-tables.ts'
import { linkTables } from '../reasons/link-tables.ts'
import { mysqlTrafficWords } from '../traffic/sql.ts'
import { trafficTables } from '../traffic/tables.ts'
import { mysqlMigrations } from './migrations.ts'
import { presenceOf, type Row, readAllocation, readTraffic, trafficColumns } from './rows.ts'
import { type Answer, mysqlDialect, type Program } from './sql.ts'
import type { Book, Merged, Store } from './store.ts'
import { type Presence, touchedHours, usageTables } from './usage-tables.ts'

export type MysqlLocation = {
  host: string
  port: number
  user: string
  password: string
  database: string
  /** Certificates (PEM) that the server's must come from; without them the connection is not encrypted. */
  ca?: string | undefined
}

/** How long the server may take to connect. */
const connectMs = 5000
const defaultLimits: Limits = { answerMs: 15_000, schemaWaitSeconds: 10 }
/** Names of locks are the server's, and 64 characters at most: who has another database waits for nobody here. */
const schemaLock = "concat('parley-schema-', md5(database()))"
/** Rows in one statement: a statement is at most max_allowed_packet long, 16 MB by default. */
const batchRows = 500
/** Rows deleted at a time for their age. */
const forgetRows = 2000
/** Two meters that write the same rows may lock each other out; the server then ends one of them. */
const attempts = 4

export type Limits = {
  /** How long the server may take for each answer. */
  answerMs: number
  /** How long a meter waits for another one that brings the schema up to date. */
  schemaWaitSeconds: number
}

/**
 * A store in a MySQL or MariaDB database, which many meters may share.
 *
 * The server is asked for at the first call, and again at each until it is there: opening never
 * fails, and neither does the meter when the database starts after it.
 * @param meter whose rows are written and read; undefined: those of all are read, none can be written
 */
export function openMysqlStore(
  location: MysqlLocation,
  meter: string | undefined,
  limits: Partial<Limits> = {},
): Store {
  const { host, port, database } = location
  const name = `mysql://${host}:${port}/${database}`
  const { answerMs, schemaWaitSeconds } = { ...defaultLimits, ...limits }
  const pool = connectionPool(location)
  /** Those that have the modes of a session that statements count on. */
  const begun = new WeakSet<object>()
  let migrated: Promise<void> | undefined

  const attempt = async <T>(what: 'read' | 'write', work: (c: Limited) => Promise<T>) => {
    const asked = <R>(work: (c: Limited) => Promise<R>) =>
      withConnection(pool, answerMs, async (connection) => {
        if (!begun.has(connection.connection))
          for (const sql of session) await query(connection, sql)
        begun.add(connection.connection)
        return work(connection)
      })
    try {
      migrated ??= asked((connection) => migrate(connection, name, schemaWaitSeconds))
      await migrated
      return await asked(work)
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
  const between = (whose: string | undefined, from: number, to: number) =>
    attempt('read', (connection) => readBetween(connection, whose, from, to))
  const hoursOf = ({ from, to }: Window): [number, number] => [
    hourOf(from),
    hourOf(to + hourMs - 1),
  ]
  const requireMeter = () => {
    if (meter !== undefined) return meter
    throw new StoreError('STORE_WRITE', `the store ${name} was opened for reading`)
  }

  const bookOf = (whose: string): Book => {
    const usage = usageTables(mysqlDialect, whose)
    const links = linkTables(mysqlDialect, whose)
    const pods = podTables(mysqlDialect, whose)
    const heard = heardTable(mysqlDialect, whose)
    const traffic = trafficTables(mysqlTrafficWords, mysqlDialect, whose)
    const read = <T>(program: () => Program<T>) =>
      attempt('read', (connection) => runProgram(connection, program))
    const write = async <T>(program: () => Program<T>) => {
      requireMeter()
      return await attempt('write', (connection) => runProgram(connection, program))
    }
    return {
      records: (window) => between(whose, ...hoursOf(window)),
      links: {
        merge: (records) =>
          write(function* () {
            return { lateHours: yield* usage.touch(yield* links.merge(records)) }
          }),
        between: (window, rooms) => read(() => links.between(window, rooms)),
      },
      pods: {
        put: (there, now) =>
          write(function* () {
            return { lateHours: yield* usage.touch(yield* pods.put(there, now)) }
          }),
        between: (window) => read(() => pods.between(window)),
        since: () => read(pods.since),
      },
      heard: {
        note: (time) => write(() => heard.note(time)),
        during: (window) => read(() => heard.during(window)),
      },
      traffic: {
        add: (batches, now, kept) => write(() => traffic.add(batches, now, kept)),
        lastOf: (sources) => read(() => traffic.lastOf(sources)),
        cells: (table, protocol, window) => read(() => traffic.cells(table, protocol, window)),
        putAlerts: (alerts) => write(() => traffic.putAlerts(alerts)),
        alerts: (limit) => read(() => traffic.alerts(limit)),
        forget: (now, kept) => write(() => traffic.forget(now, kept, forgetRows)),
      },
      region: () => read(usage.region),
      setRegion: (region) => write(() => usage.setRegion(region)),
      changedHours: ({ from, to }) => read(() => usage.changedHours(from, to)),
      putHour: (hour, cells) => write(() => usage.putHour(hour, cells)),
      putDay: (day) => write(() => usage.putDay(day)),
      days: ({ from, to }, rolled) => read(() => usage.days(from, to, rolled)),
      extent: () => read(usage.extent),
      sums: (spans, by, first) => read(() => usage.sums(spans, by, first)),
      kept: () => read(() => usage.kept()),
      forget: (before, now) =>
        write(function* () {
          const isMore = yield* usage.forget(before, now, forgetRows, 'present_until')
          const { allocations, hours } = yield* usage.kept()
          yield* heard.forget(hours)
          return (yield* links.forget(allocations, forgetRows)) || isMore
        }),
    }
  }

  let adopted: Promise<void> | undefined
  const adopt = (whose: string) =>
    attempt('read', (connection) =>
      runProgram(connection, () => usageTables(mysqlDialect, whose).adopt('present_until')),
    )
  const whose = async () => {
    if (meter !== undefined) return [meter]
    const rows = await attempt('read', (connection) =>
      query(connection, 'SELECT meter FROM rolled_hours UNION SELECT meter FROM rolled_days'),
    )
    return rows.map((row) => String(row.meter))
  }

  return {
    async merge(records) {
      const whose = requireMeter()
      return attempt('write', (connection) => merge(connection, whose, records))
    },
    records: (window) => between(meter, ...hoursOf(window)),
    recent: (since, closedSince) =>
      attempt('read', (connection) =>
        readBetween(connection, meter, since, Number.MAX_SAFE_INTEGER, closedSince),
      ),
    async books() {
      if (meter !== undefined) {
        adopted ??= adopt(meter)
        await adopted.catch((error) => {
          adopted = undefined
          throw error
        })
      }
      return (await whose()).map(bookOf)
    },
    close: () => pool.end(),
  }
}

function connectionPool({ ca, ...server }: MysqlLocation) {
  return mysql.createPool({
    ...server,
    connectionLimit: 4,
    connectTimeout: connectMs,
    charset: 'utf8mb4',
    timezone: 'Z',
    // What is past 2^53 comes as text, and is refused, instead of being rounded.
    supportBigNumbers: true,
    // A certificate for an address cannot be checked against it by this client, only its authority.
    ...(ca === undefined ? {} : { ssl: { ca, verifyIdentity: !isIP(server.host) } }),
  })
}

const session = [
  // Values are escaped here, in the way that this mode has it; usernames come from outside.
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES'",
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
]

/** Its server is given so long for each answer. */
type Limited = PoolConnection & { answerMs: number }

async function withConnection<T>(
  pool: mysql.Pool,
  answerMs: number,
  work: (connection: Limited) => Promise<T>,
): Promise<T> {
  const connection = Object.assign(await pool.getConnection(), { answerMs })
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

async function query(connection: Limited, sql: string, values: unknown[] = []) {
  const { answerMs: timeout } = connection
  const [rows] = await connection.query<RowDataPacket[]>({ sql, values, timeout })
  return rows as Row[]
}

/**
 * Meters that start together wait for each other here. The lock is the connection's: it ends with it, and this one is
 * closed where anything fails.
 */
async function migrate(connection: Limited, name: string, waitSeconds: number) {
  const [lock] = await query(connection, `SELECT GET_LOCK(${schemaLock}, ?) AS held`, [waitSeconds])
  if (Number(lock?.held) !== 1)
    throw new StoreError(
      'STORE_MIGRATING',
      `the schema of the store ${name} has been changed over another connection for ${waitSeconds} s; it is looked at again at the next call. Where that does not end, SHOW FULL PROCESSLIST on the server says what the statement waits for`,
    )
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
    await query(connection, sql).catch((error) => {
      // The step was run and not noted: a meter that ended in between.
      if (!/^ER_DUP_(FIELD|KEY)NAME$/.test((error as { code?: string }).code ?? '')) throw error
    })
    await query(connection, 'INSERT INTO parley_schema VALUES (?)', [index + 1])
  }
  await query(connection, `SELECT RELEASE_LOCK(${schemaLock})`)
}

/** Runs a program in one transaction, again where the server ended it to resolve a deadlock. */
async function runProgram<T>(connection: Limited, make: () => Program<T>): Promise<T> {
  for (let left = attempts; ; ) {
    try {
      await query(connection, 'START TRANSACTION')
      const result = await steps(connection, make())
      await query(connection, 'COMMIT')
      return result
    } catch (error) {
      left -= 1
      if ((error as { code?: string }).code !== 'ER_LOCK_DEADLOCK' || left === 0) throw error
      await query(connection, 'ROLLBACK')
      await sleep(20 * (attempts - left))
    }
  }
}

async function steps<T>(connection: Limited, program: Program<T>): Promise<T> {
  for (let step = program.next(); ; ) {
    if (step.done) return step.value
    const { sql, values = [], rows, asArrays = false } = step.value
    if (rows) for (const batch of batches(rows)) await query(connection, `${sql} ?`, [batch])
    const answer = rows
      ? { rows: [], changes: rows.length }
      : await execute(connection, sql, values, asArrays)
    step = program.next(answer)
  }
}

async function execute(
  connection: Limited,
  sql: string,
  values: readonly unknown[],
  asArrays: boolean,
): Promise<Answer> {
  const [result] = await connection.query({
    ...{ sql, values: [...values], timeout: connection.answerMs, rowsAsArray: asArrays },
  })
  if (asArrays) return { rows: [], values: result as unknown as unknown[][], changes: 0 }
  if (Array.isArray(result)) return { rows: result as Row[], changes: 0 }
  return { rows: [], changes: result.affectedRows }
}

async function merge(
  connection: Limited,
  meter: string,
  records: readonly AllocationRecord[],
): Promise<Merged> {
  // In one order, so that two meters which write the same rows wait for each other and no more.
  const keyed = records
    .map((record) => ({ record, digest: digestOf(record) }))
    .toSorted((a, b) => Buffer.compare(a.digest, b.digest))
  return runProgram(connection, function* () {
    const touched = new Set<number>()
    for (const batch of batches(keyed)) {
      const digests = batch.map(({ digest }) => digest)
      const before = yield* presences(meter, digests)
      yield {
        sql: mergeAllocations,
        values: [batch.map(({ record, digest }) => allocationRow(meter, digest, record))],
      }
      const after = yield* presences(meter, digests)
      const changed = yield* mergeMarks(meter, batch)
      for (const { digest } of batch) {
        const key = digest.toString('hex')
        const presence = after.get(key)
        if (presence)
          for (const hour of touchedHours(before.get(key), presence, changed.get(key) ?? []))
            touched.add(hour)
      }
    }
    return { lateHours: yield* usageTables(mysqlDialect, meter).touch(touched) }
  })
}

type Keyed = { record: AllocationRecord; digest: Buffer }

function* presences(meter: string, digests: readonly Buffer[]): Program<Map<string, Presence>> {
  const { rows } = yield {
    sql: `SELECT digest, opened_at, last_seen_at, alive_at, expires_at, closed_at, transport,
            recovered_bytes
          FROM allocations WHERE meter = ? AND digest IN (?)`,
    values: [meter, digests],
  }
  return new Map(rows.map((row) => [(row.digest as Buffer).toString('hex'), presenceOf(row)]))
}

/** Writes the traffic by hour; the answer is, by digest, the hours in which there is more than before. */
function* mergeMarks(meter: string, batch: readonly Keyed[]): Program<Map<string, number[]>> {
  const marks = batch.flatMap(({ record, digest }) =>
    [...record.hours]
      .toSorted(([a], [b]) => a - b)
      .map(([hour, traffic]) => ({ digest, hour, traffic })),
  )
  const { rows } = yield {
    sql: `SELECT digest, hour, ${trafficColumns.join(', ')} FROM allocation_hours
          WHERE meter = ? AND digest IN (?)`,
    values: [meter, batch.map(({ digest }) => digest)],
  }
  const known = new Map(
    rows.map((row) => [
      `${(row.digest as Buffer).toString('hex')} ${String(row.hour)}`,
      readTraffic(row),
    ]),
  )
  const changed = new Map<string, number[]>()
  const greater = marks.filter(({ digest, hour, traffic }) => {
    const key = digest.toString('hex')
    const before = known.get(`${key} ${hour}`)
    if (before && trafficFields.every((field) => traffic[field] <= before[field])) return false
    changed.set(key, [...(changed.get(key) ?? []), hour])
    return true
  })
  for (const rows of batches(greater))
    yield {
      sql: mergeHours,
      values: [
        rows.map(({ digest, hour, traffic }) => [
          ...[meter, digest, hour],
          ...trafficFields.map((field) => traffic[field]),
        ]),
      ],
    }
  return changed
}

const keep = (how: 'LEAST' | 'GREATEST', column: string) =>
  `${column} = ${how}(${column}, VALUES(${column}))`

const mergeAllocations = `
  INSERT INTO allocations (meter, digest, realm, username, allocation_id, remote, tenant, room,
    participant, transport, opened_at, last_seen_at, alive_at, expires_at, closed_at, recovered_bytes)
  VALUES ?
  ON DUPLICATE KEY UPDATE ${keep('GREATEST', 'transport')}, ${keep('LEAST', 'opened_at')},
    ${['last_seen_at', 'alive_at', 'expires_at', 'closed_at', 'recovered_bytes'].map((c) => keep('GREATEST', c)).join(', ')}`

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
  const { openedAt, lastSeenAt, aliveAt, expiresAt, closedAt, recoveredBytes = 0 } = record
  return [
    ...[meter, digest, realm, username, id, remote],
    ...[identity?.tenant ?? null, identity?.room ?? null, identity?.participant ?? null],
    ...[transport, openedAt, lastSeenAt, aliveAt, expiresAt, closedAt, recoveredBytes],
  ]
}

function* batches<T>(rows: readonly T[]): Iterable<T[]> {
  for (let start = 0; start < rows.length; start += batchRows)
    yield rows.slice(start, start + batchRows)
}

async function readBetween(
  connection: Limited,
  meter: string | undefined,
  from: number,
  to: number,
  closedSince = 0,
): Promise<AllocationRecord[]> {
  const whose = meter === undefined ? [] : [meter]
  const byKey = new Map<string, AllocationRecord>()
  const keyOf = (row: Row) => `${row.meter} ${(row.digest as Buffer).toString('hex')}`
  const take = async (where: string, values: unknown[]) => {
    const taken = await query(connection, `SELECT * FROM allocations WHERE ${where}`, values)
    for (const row of taken) if (!byKey.has(keyOf(row))) byKey.set(keyOf(row), readAllocation(row))
    const hours = await query(
      connection,
      `SELECT allocation_hours.* FROM allocation_hours JOIN allocations USING (meter, digest)
       WHERE ${where} AND hour < ?`,
      [...values, to],
    )
    for (const row of hours) byKey.get(keyOf(row))?.hours.set(Number(row.hour), readTraffic(row))
    return taken
  }
  const present = await take(
    `${meter === undefined ? '' : 'meter = ? AND '}opened_at < ? AND present_until >= ?
     AND (closed_at = 0 OR closed_at < alive_at OR last_seen_at >= ?)`,
    [...whose, to, from, closedSince],
  )
  // Of whom no address is known may be another view of one that was there before.
  for (const row of present)
    if (row.remote === '')
      await take(
        "meter = ? AND allocation_id = ? AND username = ? AND realm = ? AND remote <> ''",
        [...[row.meter, row.allocation_id, row.username, row.realm]],
      )
  return [...byKey.values()]
}

/** A refused connection has its reason in the code alone where a name has several addresses. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || (error as { code?: string }).code || error.name
}

import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely'
import type { Statement } from '../store/sql.ts'

/** What the tables hold. Instants are epoch ms. */
export type TrafficTables = {
  metrics_hourly: TrafficColumns
  metrics_daily: TrafficColumns
  bandwidth_alerts: {
    meter: string
    protocol: string
    direction: string
    opened_at: number
    /** 0 while it is open. */
    resolved_at: number
    limit_kbps: number
    peak_kbps: number
  }
  /** The last batch of each source that is counted. */
  metrics_sources: { meter: string; source: string; seq: number; at: number }
}

/** `at` begins the hour or the day; `latency` is a histogram of `encodeLatencies`. */
export type TrafficColumns = {
  meter: string
  at: number
  protocol: string
  name: string
  method: string
  status: string
  count: number
  bytes_in: number
  bytes_out: number
  latency: string
}

/** Kysely says what is asked; the store runs it, in its own transactions. It is connected to nothing. */
export const sqliteWords = new Kysely<TrafficTables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
})
export const mysqlWords = new Kysely<TrafficTables>({
  dialect: {
    createAdapter: () => new MysqlAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new MysqlIntrospector(db),
    createQueryCompiler: () => new MysqlQueryCompiler(),
  },
})

export function statementOf(query: { compile(): CompiledQuery }): Statement {
  const { sql, parameters } = query.compile()
  return { sql, values: parameters }
}

/** Columns of a table, by what names a row and what it comes to. */
type Upsert = {
  table: keyof TrafficTables
  keys: readonly string[]
  values: readonly string[]
  rows: readonly Record<string, unknown>[]
}

/** What the two databases say differently. */
export type TrafficWords = {
  words: Kysely<TrafficTables>
  /** Puts rows in place of those of their keys. */
  put: (upsert: Upsert) => Statement
}

export const sqliteTrafficWords: TrafficWords = {
  words: sqliteWords,
  put: ({ table, keys, values, rows }) =>
    statementOf(
      sqliteWords
        .insertInto(table)
        .values(rows as never)
        .onConflict((conflict) =>
          conflict
            .columns(keys as never)
            .doUpdateSet(
              Object.fromEntries(
                values.map((column) => [column, sql.ref(`excluded.${column}`)]),
              ) as never,
            ),
        ),
    ),
}

export const mysqlTrafficWords: TrafficWords = {
  words: mysqlWords,
  put: ({ table, values, rows }) =>
    statementOf(
      mysqlWords
        .insertInto(table)
        .values(rows as never)
        .onDuplicateKeyUpdate(
          Object.fromEntries(
            values.map((column) => [column, sql`values(${sql.ref(column)})`]),
          ) as never,
        ),
    ),
}

import type { Row } from './rows.ts'

/**
 * A piece of work in SQL that either database can run: it yields statements and is given their
 * answers. SQLite runs it in one go, MySQL awaits each; both in one transaction, which is undone where
 * it throws.
 */
export type Program<T> = Generator<Statement, T, Answer>

export type Statement = {
  sql: string
  /** For each `?`. */
  values?: readonly unknown[]
  /** Rows of an `INSERT INTO t (columns) VALUES` that ends there; none is fine. */
  rows?: readonly (readonly unknown[])[]
  /** Whether the answer is to be in `values`: a month by room is many rows, and objects take their time. */
  asArrays?: boolean
}

export type Answer = {
  rows: Row[]
  /** With `asArrays`: the rows, column by column. */
  values?: (readonly unknown[])[]
  /** Rows that an UPDATE found, whether it changed them or not. */
  changes: number
}

/** What the two databases say differently. */
export type Dialect = {
  /** `INSERT … VALUES …` goes on with this where a row of these keys is there already. */
  onConflict: (keys: readonly string[]) => string
  /** Deletes the rows of a condition, so many at most. */
  deleteSome: (table: string, keys: readonly string[], where: string, limit: number) => string
  /** Whether the table of allocations is that of many meters. */
  sharesAllocations: boolean
  /**
   * Up to how many rows with a measure that is mostly 0 these are summed up by themselves; 0 where usage
   * has none of the indexes for that (`usageIndexes`).
   */
  fewRare: number
}

export const sqliteDialect: Dialect = {
  onConflict: (keys) => `ON CONFLICT (${keys.join(', ')}) DO UPDATE SET`,
  deleteSome: (table, keys, where, limit) =>
    `DELETE FROM ${table} WHERE (${keys.join(', ')}) IN
     (SELECT ${keys.join(', ')} FROM ${table} WHERE ${where} LIMIT ${limit})`,
  sharesAllocations: false,
  fewRare: 10_000,
}
export const mysqlDialect: Dialect = {
  onConflict: () => 'ON DUPLICATE KEY UPDATE',
  deleteSome: (table, _keys, where, limit) => `DELETE FROM ${table} WHERE ${where} LIMIT ${limit}`,
  sharesAllocations: true,
  fewRare: 0,
}

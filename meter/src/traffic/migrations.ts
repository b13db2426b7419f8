import { type ColumnDataType, type Kysely, type RawBuilder, sql } from 'kysely'
import { mysqlWords, sqliteWords, type TrafficTables } from './sql.ts'

/**
 * The tables of what servers did (REQ-H3), one statement a step of the store's schema. A step that ended half-way is
 * run again, so it makes only what is not there.
 */

type Types = { integer: ColumnDataType; text: ColumnDataType; short: ColumnDataType; end: string }

// SQLite's strict tables know neither bigint nor varchar.
const sqlite: Types = {
  ...{ integer: 'integer', text: 'text', short: 'text' },
  end: 'strict, without rowid',
}
const mysql: Types = {
  ...{ integer: 'bigint', text: 'varchar(255)', short: 'varchar(16)' },
  end: 'engine = InnoDB character set utf8mb4 collate utf8mb4_bin',
}

const stepsFor = (
  words: Kysely<TrafficTables>,
  { integer, text, short, end }: Types,
): readonly string[] => {
  const ending = sql.raw(end) as RawBuilder<unknown>
  const measures = (table: 'metrics_hourly' | 'metrics_daily') =>
    words.schema
      .createTable(table)
      .ifNotExists()
      .addColumn('meter', text, (column) => column.notNull())
      .addColumn('at', integer, (column) => column.notNull())
      .addColumn('protocol', short, (column) => column.notNull())
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('method', short, (column) => column.notNull())
      .addColumn('status', short, (column) => column.notNull())
      .addColumn('count', integer, (column) => column.notNull())
      .addColumn('bytes_in', integer, (column) => column.notNull())
      .addColumn('bytes_out', integer, (column) => column.notNull())
      .addColumn('latency', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${table}_key`, [
        ...(['meter', 'at', 'protocol', 'name', 'method', 'status'] as const),
      ])
      .modifyEnd(ending)
  const alerts = words.schema
    .createTable('bandwidth_alerts')
    .ifNotExists()
    .addColumn('meter', text, (column) => column.notNull())
    .addColumn('protocol', short, (column) => column.notNull())
    .addColumn('direction', short, (column) => column.notNull())
    .addColumn('opened_at', integer, (column) => column.notNull())
    .addColumn('resolved_at', integer, (column) => column.notNull())
    .addColumn('limit_kbps', integer, (column) => column.notNull())
    .addColumn('peak_kbps', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('bandwidth_alerts_key', [
      ...(['meter', 'protocol', 'direction', 'opened_at'] as const),
    ])
    .modifyEnd(ending)
  const sources = words.schema
    .createTable('metrics_sources')
    .ifNotExists()
    .addColumn('meter', text, (column) => column.notNull())
    .addColumn('source', text, (column) => column.notNull())
    .addColumn('seq', integer, (column) => column.notNull())
    .addColumn('at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('metrics_sources_key', ['meter', 'source'])
    .modifyEnd(ending)
  return [measures('metrics_hourly'), measures('metrics_daily'), alerts, sources].map(
    (table) => table.compile().sql,
  )
}

export const sqliteTraffic = stepsFor(sqliteWords, sqlite)
export const mysqlTraffic = stepsFor(mysqlWords, mysql)

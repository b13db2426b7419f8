import { usageFields } from '@parley/relay-cost'
import { mysqlTraffic, sqliteTraffic } from '../traffic/migrations.ts'
import { presenceIndexes } from './presence.ts'
import { columnOf } from './rows.ts'
import { usageIndexes } from './usage-indexes.ts'

/**
 * The schema, step by step: a store at version n has run the first n. Never change a step that was
 * released; add one. The steps up to the rollups are each database's own; from there on they are one
 * list for both, in the words of a {@link Vocabulary}.
 *
 * Instants are epoch ms, 0 where there was none. Traffic of allocations is cumulative since the
 * allocation began, as of the end of the hour (see AllocationRecord in relay-cost): rows are merged by
 * max(). Usage is what an hour or a day comes to by itself, and adds up.
 */

/** What differs in the words of the two. */
type Vocabulary = {
  integer: string
  text: string
  /** Of an id. */
  id: string
  /** Of what is reported of a link. */
  report: string
  end: string
}

const sqlite: Vocabulary = {
  integer: 'INTEGER',
  text: 'TEXT',
  id: 'TEXT',
  report: 'TEXT',
  end: 'STRICT, WITHOUT ROWID',
}
const mysql: Vocabulary = {
  integer: 'BIGINT',
  text: 'VARCHAR(255)',
  id: 'VARCHAR(64)',
  report: 'VARCHAR(1024)',
  end: 'ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
}

/**
 * The rollups, one statement a step.
 *
 * - `usage_hours`: what each identity did in each hour that is over; `usage_days`: the same by day,
 *   without the participant and the pod, which come and go.
 * - `rolled_hours`: `changes` grows with each change of an allocation in that hour, and `rolled` is what
 *   it was when the hour was rolled up: where they differ, the hour is to be rolled up again.
 * - `rolled_days`: the days whose rows in `usage_days` are the sum of their hours.
 * - `store_marks`: up to which instant rows were deleted for their age.
 */
const usageFor = ({ integer, text, end }: Vocabulary): string[] => {
  const measures = usageFields.map((field) => `${columnOf(field)} ${integer} NOT NULL`).join(', ')
  const whose = (columns: readonly string[]) =>
    columns.map((column) => `${column} ${text} NOT NULL`).join(', ')
  return [
    `CREATE TABLE IF NOT EXISTS usage_hours (
       meter ${text} NOT NULL, hour ${integer} NOT NULL, cell ${integer} NOT NULL,
       ${whose(hourKeys)}, ${measures}, PRIMARY KEY (meter, hour, cell)
     ) ${end}`,
    `CREATE TABLE IF NOT EXISTS usage_days (
       meter ${text} NOT NULL, hour ${integer} NOT NULL, cell ${integer} NOT NULL,
       ${whose(dayKeys)}, ${measures}, PRIMARY KEY (meter, hour, cell)
     ) ${end}`,
    `CREATE TABLE IF NOT EXISTS rolled_hours (
       meter ${text} NOT NULL, hour ${integer} NOT NULL,
       changes ${integer} NOT NULL, rolled ${integer} NOT NULL, PRIMARY KEY (meter, hour)
     ) ${end}`,
    `CREATE TABLE IF NOT EXISTS rolled_days (
       meter ${text} NOT NULL, hour ${integer} NOT NULL, PRIMARY KEY (meter, hour)
     ) ${end}`,
    `CREATE TABLE IF NOT EXISTS store_marks (
       meter ${text} NOT NULL, name ${text} NOT NULL, at ${integer} NOT NULL,
       PRIMARY KEY (meter, name)
     ) ${end}`,
  ]
}

/**
 * What pages said of their links: `link` is the page's count of them, and `report` a LinkFacts of
 * protocol as JSON.
 * @param keys in the table's own definition; SQLite has a step of its own for each
 */
const linksFor = ({ integer, text, id, report, end }: Vocabulary, keys = '') =>
  `CREATE TABLE IF NOT EXISTS link_reports (
     meter ${text} NOT NULL, tenant ${id} NOT NULL, room ${id} NOT NULL, participant ${id} NOT NULL,
     link ${integer} NOT NULL, started_at ${integer} NOT NULL, at ${integer} NOT NULL,
     report ${report} NOT NULL, PRIMARY KEY (meter, tenant, room, participant, link)${keys}
   ) ${end}`

/**
 * When a pod of TURN or the SFU was on which node, from `from_at` (Kubernetes' word) to `to_at` (when it was
 * there last); when the meter heard coturn; and what is said of a meter: its region.
 */
const placesFor = ({ integer, text, end }: Vocabulary): string[] => [
  `CREATE TABLE IF NOT EXISTS media_pods (
     meter ${text} NOT NULL, pod ${text} NOT NULL, from_at ${integer} NOT NULL,
     component ${text} NOT NULL, node ${text} NOT NULL, zone ${text} NOT NULL,
     instance_type ${text} NOT NULL, mbps ${integer} NOT NULL, to_at ${integer} NOT NULL,
     PRIMARY KEY (meter, pod, from_at)
   ) ${end}`,
  `CREATE TABLE IF NOT EXISTS heard (
     meter ${text} NOT NULL, from_at ${integer} NOT NULL, to_at ${integer} NOT NULL,
     PRIMARY KEY (meter, from_at)
   ) ${end}`,
  `CREATE TABLE IF NOT EXISTS meters (
     meter ${text} NOT NULL, region ${text} NOT NULL, PRIMARY KEY (meter)
   ) ${end}`,
]

/** Columns that say whose usage a row of `usage_hours` is, and of `usage_days`. */
export const hourKeys = [
  'tenant',
  'room',
  'participant',
  'realm',
  'region',
  'zone',
  'transport',
  'reason',
] as const
export const dayKeys = hourKeys.filter((column) => column !== 'participant' && column !== 'realm')

/** Version: `PRAGMA user_version`; all that are new in one transaction. */
export const sqliteMigrations: readonly string[] = [
  `
  CREATE TABLE allocations (
    key INTEGER PRIMARY KEY,
    realm TEXT NOT NULL,
    username TEXT NOT NULL,
    allocation_id TEXT NOT NULL,
    remote TEXT NOT NULL,
    tenant TEXT,
    room TEXT,
    participant TEXT,
    transport TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    alive_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    closed_at INTEGER NOT NULL,
    UNIQUE (realm, username, allocation_id, remote)
  ) STRICT;
  CREATE INDEX allocations_last_seen_at ON allocations (last_seen_at);
  CREATE TABLE allocation_hours (
    allocation INTEGER NOT NULL REFERENCES allocations (key) ON DELETE CASCADE,
    hour INTEGER NOT NULL,
    client_to_turn_bytes INTEGER NOT NULL,
    client_to_turn_packets INTEGER NOT NULL,
    turn_to_client_bytes INTEGER NOT NULL,
    turn_to_client_packets INTEGER NOT NULL,
    peer_to_turn_bytes INTEGER NOT NULL,
    peer_to_turn_packets INTEGER NOT NULL,
    turn_to_peer_bytes INTEGER NOT NULL,
    turn_to_peer_packets INTEGER NOT NULL,
    PRIMARY KEY (allocation, hour)
  ) STRICT, WITHOUT ROWID;
  `,
  // Who was present in an hour is asked at each roll-up: from this index alone, whatever the number.
  'CREATE INDEX allocations_present ON allocations (max(last_seen_at, expires_at), opened_at)',
  'DROP INDEX allocations_last_seen_at',
  'ALTER TABLE allocations ADD COLUMN recovered_bytes INTEGER NOT NULL DEFAULT 0',
  ...usageFor(sqlite),
  linksFor(sqlite),
  'CREATE INDEX link_reports_at ON link_reports (meter, at)',
  ...placesFor(sqlite),
  'CREATE INDEX media_pods_to_at ON media_pods (meter, to_at)',
  ...usageIndexes,
  // Of an old hour no later allocation is looked at: those that were there for long have an index of their own.
  ...presenceIndexes,
  'DROP INDEX allocations_present',
  ...sqliteTraffic,
]

/**
 * Version: the rows of `parley_schema`. One statement a step, because MySQL commits each by itself;
 * a step that ended half-way is run again, so it must do no harm twice.
 *
 * Many meters share a database, so each row says whose it is (`meter`). An allocation's key, which is
 * long, stands as its digest.
 */
export const mysqlMigrations: readonly string[] = [
  `
  CREATE TABLE IF NOT EXISTS allocations (
    meter VARCHAR(255) NOT NULL,
    digest BINARY(16) NOT NULL,
    realm VARCHAR(255) NOT NULL,
    username VARCHAR(1024) NOT NULL,
    allocation_id VARCHAR(64) NOT NULL,
    remote VARCHAR(255) NOT NULL,
    tenant VARCHAR(255),
    room VARCHAR(255),
    participant VARCHAR(255),
    transport VARCHAR(16) NOT NULL,
    opened_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    alive_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    closed_at BIGINT NOT NULL,
    present_until BIGINT AS (GREATEST(last_seen_at, expires_at)) STORED,
    PRIMARY KEY (meter, digest),
    KEY present (meter, present_until)
  ) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  `,
  `
  CREATE TABLE IF NOT EXISTS allocation_hours (
    meter VARCHAR(255) NOT NULL,
    digest BINARY(16) NOT NULL,
    hour BIGINT NOT NULL,
    client_to_turn_bytes BIGINT NOT NULL,
    client_to_turn_packets BIGINT NOT NULL,
    turn_to_client_bytes BIGINT NOT NULL,
    turn_to_client_packets BIGINT NOT NULL,
    peer_to_turn_bytes BIGINT NOT NULL,
    peer_to_turn_packets BIGINT NOT NULL,
    turn_to_peer_bytes BIGINT NOT NULL,
    turn_to_peer_packets BIGINT NOT NULL,
    PRIMARY KEY (meter, digest, hour),
    FOREIGN KEY (meter, digest) REFERENCES allocations (meter, digest) ON DELETE CASCADE
  ) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
  `,
  'ALTER TABLE allocations ADD COLUMN recovered_bytes BIGINT NOT NULL DEFAULT 0',
  ...usageFor(mysql),
  linksFor(mysql, ', KEY reported (meter, at)'),
  'CREATE INDEX allocation_refs ON allocations (meter, allocation_id, username(191))',
  ...placesFor(mysql),
  'CREATE INDEX media_pods_to_at ON media_pods (meter, to_at)',
  ...mysqlTraffic,
]

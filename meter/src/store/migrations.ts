/**
 * The schema of each kind of store, step by step: a store at version n has run the first n. Never
 * change a step that was released; add one.
 *
 * Instants are epoch ms, 0 where there was none. Traffic is cumulative since the allocation began,
 * as of the end of the hour (see AllocationRecord in relay-cost): rows are merged by max().
 */

/** Version: `PRAGMA user_version`. */
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
]

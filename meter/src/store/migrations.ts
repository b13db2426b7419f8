/**
 * The schema, step by step: a store at version n (`PRAGMA user_version`) has run the first n.
 * Never change a step that was released; add one.
 *
 * Instants are epoch ms, 0 where there was none. Traffic is cumulative since the allocation began,
 * as of the end of the hour (see AllocationRecord in relay-cost): rows are merged by max().
 */
export const migrations: readonly string[] = [
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

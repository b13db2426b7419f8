import {
  type AllocationRecord,
  noTraffic,
  type Traffic,
  type Transport,
  trafficFields,
} from '@parley/relay-cost'
import { StoreError } from '../errors.ts'
import type { Presence } from './usage-tables.ts'

/** A row of either database, by column. */
export type Row = Record<string, unknown>

/** `clientToTurnBytes` → `client_to_turn_bytes` */
export function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** Columns of traffic, in the order of `trafficFields`. */
export const trafficColumns = trafficFields.map(columnOf)

export function readAllocation(row: Row): AllocationRecord {
  return {
    realm: String(row.realm),
    username: String(row.username),
    id: String(row.allocation_id),
    remote: String(row.remote),
    ...presenceOf(row),
    hours: new Map(),
  }
}

/** Since when an allocation is known, and until when. */
export function presenceOf(row: Row): Presence {
  const recoveredBytes = exactInteger(row.recovered_bytes, 'recovered_bytes')
  return {
    transport: String(row.transport) as Transport | '',
    openedAt: Number(row.opened_at),
    lastSeenAt: Number(row.last_seen_at),
    aliveAt: Number(row.alive_at),
    expiresAt: Number(row.expires_at),
    closedAt: Number(row.closed_at),
    ...(recoveredBytes > 0 && { recoveredBytes }),
  }
}

export function readTraffic(row: Row): Traffic {
  const traffic = noTraffic()
  for (const [index, field] of trafficFields.entries())
    traffic[field] = exactInteger(row[trafficColumns[index] ?? ''], field)
  return traffic
}

/**
 * A whole number as a database gives it: SQLite as a number, MySQL as a number or, where it may be
 * past 2^53, as text.
 * @throws {StoreError} `STORE_OVERFLOW` where it cannot be told exactly
 */
export function exactInteger(value: unknown, column: string): number {
  const number = Number(value)
  if (Number.isSafeInteger(number)) return number
  throw new StoreError(
    'STORE_OVERFLOW',
    `${column} is ${String(value)}, which is past 2^53; ask for a shorter window`,
  )
}

import {
  type AllocationRecord,
  noTraffic,
  type Traffic,
  type Transport,
  trafficFields,
} from '@parley/relay-cost'
import type { StoreTotals } from './store.ts'

/** A row of either database, by column. */
export type Row = Record<string, unknown>

/** `clientToTurnBytes` → `client_to_turn_bytes` */
function columnOf(field: string): string {
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
    transport: String(row.transport) as Transport | '',
    openedAt: Number(row.opened_at),
    lastSeenAt: Number(row.last_seen_at),
    aliveAt: Number(row.alive_at),
    expiresAt: Number(row.expires_at),
    closedAt: Number(row.closed_at),
    hours: new Map(),
  }
}

export function readTraffic(row: Row): Traffic {
  const traffic = noTraffic()
  for (const [index, field] of trafficFields.entries())
    traffic[field] = Number(row[trafficColumns[index] ?? ''])
  return traffic
}

/** From one row of sums for what is attributed and one for what is not, whichever of them there are. */
export function readTotals(rows: readonly Row[], oldest: unknown): StoreTotals {
  const traffic = noTraffic()
  let unattributedBytes = 0
  for (const row of rows) {
    const part = readTraffic(row)
    for (const field of trafficFields) {
      traffic[field] += part[field]
      if (Number(row.unattributed) && field.endsWith('Bytes')) unattributedBytes += part[field]
    }
  }
  return { traffic, unattributedBytes, oldest: oldest == null ? undefined : Number(oldest) }
}

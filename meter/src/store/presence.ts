import { hourMs } from '@parley/relay-cost'

/**
 * Which allocations were there in a window, in SQLite: from two indexes alone, and from no more of them
 * than the window and what began shortly before it, however many came later.
 */

/** Until when an allocation is known to have been there (epoch ms). */
export const presentUntil = 'max(last_seen_at, expires_at)'

/** Most allocations are there for less. */
const longMs = 2 * hourMs
const isLong = `${presentUntil} - opened_at > ${longMs}`

export const presenceIndexes: readonly string[] = [
  `CREATE INDEX allocations_opened ON allocations (opened_at, ${presentUntil})`,
  `CREATE INDEX allocations_long ON allocations (${presentUntil}, opened_at) WHERE ${isLong}`,
]

/** Keys of those that were there from `:from` to before `:to`. */
export const presentKeys = `
  SELECT key FROM allocations INDEXED BY allocations_opened
  WHERE opened_at >= :from - ${longMs} AND opened_at < :to
    AND ${presentUntil} >= :from AND NOT (${isLong})
  UNION ALL
  SELECT key FROM allocations INDEXED BY allocations_long
  WHERE ${isLong} AND ${presentUntil} >= :from AND opened_at < :to`

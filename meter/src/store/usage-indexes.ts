import { dayMs, type SumMeasures, sumFields } from '@parley/relay-cost'
import { columnOf } from './rows.ts'

/**
 * Indexes of usage in SQLite that reports of long windows are made from. Without them SQLite sorts every
 * row of the window, with every measure, before it sums up.
 */

export type SumField = keyof SumMeasures

/** Measures that are 0 of nearly everything: what crossed zones or regions, and what needs a note. */
export const rareFields: readonly SumField[] = [
  'crossZoneBytes',
  'crossZonePackets',
  'interRegionBytes',
  'interRegionPackets',
  'crossZoneInBytes',
  'crossZoneInPackets',
  'interRegionInBytes',
  'interRegionInPackets',
  'unattributedBytes',
  'recoveredBytes',
  'unseenSentBytes',
  'unseenReceivedBytes',
]
export const usualFields = sumFields.filter((field) => !rareFields.includes(field))

/** Of a row: whether any of the rare measures is not 0. The query must say it in these words. */
export const isRare = `${rareFields.map(columnOf).join(' + ')} > 0`

/** Days lie in blocks of so many, and in each by room: a window is a few blocks, read in order of room. */
const blockDays = 32
export const blockMs = blockDays * dayMs
export const blockOf = `hour / ${blockMs}`
const byRoom = 'usage_days_by_room'

/** SQLite takes neither index by itself: it does not know how few rows are rare. */
export const rareOf = (table: 'usage_hours' | 'usage_days') => `${table} INDEXED BY ${table}_rare`
export const daysByRoom = `usage_days INDEXED BY ${byRoom}`

export const usageIndexes: readonly string[] = [
  `CREATE INDEX usage_hours_rare ON usage_hours (meter, hour) WHERE ${isRare}`,
  `CREATE INDEX usage_days_rare ON usage_days (meter, hour) WHERE ${isRare}`,
  `CREATE INDEX ${byRoom} ON usage_days
     (meter, ${blockOf}, room, transport, tenant, hour, carried, ${sumFields.map(columnOf).join(', ')})`,
]

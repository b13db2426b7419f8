import type { RelayReason, ReportDimension } from '@parley/protocol'
import type { Transport } from './statsdb.ts'
import { type Traffic, trafficFields } from './traffic.ts'

/**
 * What is counted of relaying, whole numbers that add up: over allocations, hours and pods, in
 * JavaScript or as plain SUMs in SQL. No price is in them: what any vendor charges is a linear
 * function of the sums (`quantitiesOf`), so that history can be priced again.
 */
export type UsageMeasures = Traffic & {
  /** Allocations that began in the hour. */
  allocations: number
  /**
   * Allocations that began before the hour and were open in it. It adds up over everything but
   * time: a report over a window counts `allocations` of all its hours and `carried` of its first.
   */
  carried: number
  /** Time that allocations were open, each by itself. */
  milliseconds: number
  /** Time in which participants had an allocation that relayed, several at once counted once. */
  userMilliseconds: number
  /** Of turn→peer: what stayed on the node or in its zone, and costs what `sameNode` does. */
  insideBytes: number
  insidePackets: number
  /** Of turn→peer: to a TURN or SFU pod of ours in another zone, and in another region. */
  crossZoneBytes: number
  crossZonePackets: number
  interRegionBytes: number
  interRegionPackets: number
  /** Of peer→turn: from an SFU pod of ours in another zone, and in another region. */
  crossZoneInBytes: number
  crossZoneInPackets: number
  interRegionInBytes: number
  interRegionInPackets: number
  /** Of inside, crossZone and interRegion: what no client report told; the most that it can have been. */
  boundBytes: number
  boundPackets: number
  /** Bytes of all legs that belong to no participant: unknown usernames, and what only nodes counted. */
  unattributedBytes: number
  /** Of the traffic: bytes that only the totals at the end told of; their deltas were lost. */
  recoveredBytes: number
  /** Bytes that the node or coturn counted beyond all allocations; they stand in no leg. */
  unseenSentBytes: number
  unseenReceivedBytes: number
}

/** Every measure, in the order in which stores keep them. */
export const usageFields = [
  'allocations',
  'carried',
  'milliseconds',
  'userMilliseconds',
  ...trafficFields,
  'insideBytes',
  'insidePackets',
  'crossZoneBytes',
  'crossZonePackets',
  'interRegionBytes',
  'interRegionPackets',
  'crossZoneInBytes',
  'crossZoneInPackets',
  'interRegionInBytes',
  'interRegionInPackets',
  'boundBytes',
  'boundPackets',
  'unattributedBytes',
  'recoveredBytes',
  'unseenSentBytes',
  'unseenReceivedBytes',
] as const satisfies readonly (keyof UsageMeasures)[]

/** Whose usage a cell is. Two cells of one key are to be added up. */
export type UsageKey = {
  /** Epoch ms of the start of the UTC hour (or, rolled up, of the UTC day). */
  hour: number
  /** All three are '' where the username does not parse, and for what only nodes counted. */
  tenant: string
  room: string
  participant: string
  /** coturn's realm: `<pod>.<cluster>`. */
  realm: string
  region: string
  /** '' where it is not known. */
  zone: string
  transport: Transport | ''
  /** `unknown` where no client has said. */
  reason: RelayReason
}

/** What one identity did in one UTC hour on one TURN pod over one transport. */
export type UsageCell = UsageKey & UsageMeasures

/**
 * A row of `SELECT … SUM(each measure) … GROUP BY …` over cells, which is what a report is made of.
 * The key holds the dimensions that the report is by, and always the transport, on which header bytes
 * depend. `day` and `hour` are epoch ms of their starts. In SQL, for `by` = room and day:
 *
 *     SELECT room, hour - hour % 86400000 AS day, transport,
 *       SUM(allocations) + SUM(CASE WHEN hour = :first THEN carried ELSE 0 END) AS allocations,
 *       SUM(milliseconds) AS milliseconds, …
 *     FROM cells WHERE hour >= :from AND hour < :to GROUP BY 1, 2, 3
 *
 * where `:first` is the first hour of the report (not of each of its spans). A sum past 2^53 must be
 * refused (`COUNTER_OVERFLOW`), never rounded: read 64-bit integers as BigInt and check.
 */
export type CellSums = Omit<UsageMeasures, 'carried'> & {
  transport: Transport | ''
} & Partial<Pick<UsageKey, 'tenant' | 'room' | 'participant' | 'region' | 'zone' | 'reason'>> & {
    day?: number
    hour?: number
  }

/** Dimensions of a report whose value is an instant. */
export type TimeDimension = Extract<ReportDimension, 'day' | 'hour'>

const zero = Object.fromEntries(usageFields.map((field) => [field, 0])) as UsageMeasures

export function noUsage(): UsageMeasures {
  return { ...zero }
}

import { z } from 'zod'

const count = z.number().int().nonnegative()

/**
 * Bytes of an allocation by leg, integers as coturn counts them (STUN and ChannelData framing
 * included, IP and UDP headers not). `billable` is what the price list charges as egress.
 */
export const relayedBytesSchema = z.strictObject({
  clientToTurn: count,
  turnToClient: count,
  turnToPeer: count,
  peerToTurn: count,
  billable: count,
})

/** Money in the report's currency. `total` = egress + nodes + idle. */
export const relayCostSchema = z.strictObject({
  egress: z.number(),
  nodes: z.number(),
  idle: z.number(),
  total: z.number(),
})

/** What a report says of a room, a tenant, or of everything. */
export const measuresSchema = z.strictObject({
  allocations: count,
  relayedSeconds: z.number().nonnegative(),
  bytes: relayedBytesSchema,
  cost: relayCostSchema,
  unattributedBytes: count,
})

export const reportDimensions = [
  'tenant',
  'room',
  'participant',
  'region',
  'zone',
  'transport',
  'reason',
  'day',
  'hour',
] as const
export const reportDimensionSchema = z.enum(reportDimensions)

export const reportRowSchema = z.strictObject({
  key: z.partialRecord(reportDimensionSchema, z.string()),
  ...measuresSchema.shape,
})

export const adviceKinds = ['mesh-to-sfu', 'cheaper-region', 'nearer-turn', 'tenant-moved'] as const

/** What could cost less, or has changed: with the amount (of the report's window) and its arithmetic. */
export const adviceSchema = z.strictObject({
  kind: z.enum(adviceKinds),
  /** The room (`tenant/room`), the region or the tenant that it is about. */
  subject: z.string(),
  /** In the report's currency; left out where nothing is to be saved. */
  saves: z.number().nonnegative().optional(),
  text: z.string(),
  arithmetic: z.string(),
})

/** The relay-cost report. Instants are ISO 8601 in UTC; the rows sum to the totals exactly. */
export const relayCostReportSchema = z.strictObject({
  window: z.strictObject({ from: z.iso.datetime(), to: z.iso.datetime() }),
  currency: z.string(),
  prices: z.strictObject({ name: z.string(), asOf: z.string() }),
  totals: measuresSchema,
  rows: z.array(reportRowSchema),
  notes: z.array(z.string()),
  advice: z.array(adviceSchema).optional(),
})

export type RelayedBytes = z.infer<typeof relayedBytesSchema>
export type RelayCost = z.infer<typeof relayCostSchema>
export type Measures = z.infer<typeof measuresSchema>
export type ReportDimension = z.infer<typeof reportDimensionSchema>
export type ReportRow = z.infer<typeof reportRowSchema>
export type Advice = z.infer<typeof adviceSchema>
export type RelayCostReport = z.infer<typeof relayCostReportSchema>

/**
 * The meter's present state: what a MeetingCluster's status shows. What is money is left out while the
 * store has not been read yet. `troubles` says what keeps the meter from its work, by what it is about
 * (`redis`, `store`, `prices`).
 */
export const relaySummarySchema = z.strictObject({
  allocations: count,
  /** On a relay: who hold an allocation, but for those whose pages say that they use none. */
  users: count,
  currency: z.string(),
  costPerHour: z.number().nonnegative().optional(),
  monthToDate: z.number().nonnegative().optional(),
  /** What the month (UTC) is going to cost at the pace of the last days; worked out once an hour. */
  forecast: z.number().nonnegative().optional(),
  troubles: z.record(z.string(), z.string()).optional(),
})
export type RelaySummary = z.infer<typeof relaySummarySchema>

/** Header that carries the meter's token: the API server's proxy drops `Authorization`. */
export const meterTokenHeader = 'x-parley-token'

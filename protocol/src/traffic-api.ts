import { z } from 'zod'
import { trafficProtocols } from './traffic.ts'

/** Answers of the meter's `/api/v1/traffic…` (REQ-A2, REQ-H3). */

const count = z.int().nonnegative()
const instant = z.iso.datetime({ offset: true })
const ms = z.number().nonnegative().nullable()

const measures = {
  /** Requests, or samples of media. */
  count,
  /** Of them, those that failed: status 500 and above; of media, quality "poor". */
  errors: count,
  bytesIn: count,
  bytesOut: count,
  /** Null where nothing was counted. Within 2 % of the true one (`latencyError`). */
  p50Ms: ms,
  p95Ms: ms,
  p99Ms: ms,
}
export const trafficMeasuresSchema = z.strictObject(measures)

const named = { name: z.string(), method: z.string(), ...measures }

/** The last minutes, from Redis; empty where the worker is off or nothing happened. */
export const trafficLiveSchema = z.strictObject({
  at: instant,
  protocol: z.enum(trafficProtocols),
  /** What the figures are over. */
  seconds: z.number().positive(),
  perSecond: z.strictObject({
    count: z.number().nonnegative(),
    bytesIn: z.number().nonnegative(),
    bytesOut: z.number().nonnegative(),
  }),
  total: trafficMeasuresSchema,
  statuses: z.array(z.strictObject({ status: z.string(), count })),
  /** Of `top`, so many there are. */
  names: count,
  top: z.array(z.strictObject(named)),
  /** By minute, the oldest first. */
  minutes: z.array(z.strictObject({ time: instant, ...measures })),
})

export const trafficPageSchema = z.strictObject({
  from: instant,
  to: instant,
  protocol: z.enum(trafficProtocols),
  total: count,
  offset: count,
  limit: count,
  rows: z.array(z.strictObject(named)),
})

export const trafficSeriesSchema = z.strictObject({
  from: instant,
  to: instant,
  protocol: z.enum(trafficProtocols),
  rows: z.array(z.strictObject({ time: instant, ...measures })),
})

export const bandwidthAlertSchema = z.strictObject({
  protocol: z.enum(trafficProtocols),
  direction: z.enum(['in', 'out']),
  openedAt: instant,
  /** Null while it is open. */
  resolvedAt: instant.nullable(),
  /** Mbit/s that it is about, and the highest since it opened. */
  limitMbps: z.number().positive(),
  peakMbps: z.number().nonnegative(),
})
export const bandwidthAlertsSchema = z.strictObject({ alerts: z.array(bandwidthAlertSchema) })

export type TrafficMeasures = z.infer<typeof trafficMeasuresSchema>
export type TrafficLive = z.infer<typeof trafficLiveSchema>
export type TrafficPage = z.infer<typeof trafficPageSchema>
export type TrafficSeries = z.infer<typeof trafficSeriesSchema>
export type BandwidthAlert = z.infer<typeof bandwidthAlertSchema>

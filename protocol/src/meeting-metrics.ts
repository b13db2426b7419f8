import { z } from 'zod'
import type { AdminHistory } from './admin.ts'
import { slugSchema } from './ids.ts'
import type { Ack } from './meeting.ts'
import type { QualityLabel } from './quality.ts'
import type { MetricCounter, MetricField } from './words.ts'

/** 10 Gbit/s: nobody's call has more. */
const kbps = z.int().min(0).max(10_000_000)
/** A round trip of a minute is none. */
const ms = z.int().min(0).max(60_000)
const links = z.int().min(0).max(1000)
/** Of a whole stay: 1 PB. */
const kilobytes = z.int().min(0).max(1e12)

/**
 * What a page says of all of its connections together (REQ-M3). Names are short, since they are on the
 * wire with each event; numbers are rounded to what they are good for.
 */
const fields = {
  /** kbit/s sent and received over the last seconds, audio and video. */
  up: kbps,
  down: kbps,
  /** Round trip, ms: average, least and most over the connections; null: not known. */
  rtt: ms.nullable(),
  min: ms.nullable(),
  max: ms.nullable(),
  /** Lost of the packets that were due in the last seconds, 0–100; null: none were due. */
  loss: z.number().min(0).max(100).nullable(),
  /** ms; null: nothing was received. */
  jitter: ms.nullable(),
  /** Connections, and those of them over a relay. */
  links,
  relayed: links,
} as const satisfies Record<MetricField, z.ZodType>

/** They only grow: a delta says by how much, a full sample how far they are. */
const counters = {
  /** kB (1000 bytes) sent and received since the page joined. */
  tx: kilobytes,
  rx: kilobytes,
  /** Connections that were lost and came back. */
  back: z.int().min(0).max(1e6),
} as const satisfies Record<MetricCounter, z.ZodType>

/** Counts a page's events from one full sample on. */
const n = z.int().min(0).max(1e9)

const fullSchema = z.strictObject({ n, full: z.literal(true), ...fields, ...counters })
const deltaSchema = z.strictObject({
  n,
  ...z.object(fields).partial().shape,
  ...z.object(counters).partial().shape,
})

/**
 * `meeting:metrics` (REQ-G1). The first event of a connection, and the one after the server asked for it, is
 * a full sample; all others have what has changed since the one before.
 */
export const meetingMetricsSchema = z.strictObject({
  /** The room. May be left out where the token says it, which it always does. */
  meetingId: slugSchema.optional(),
  /** The participant, who can be nobody but the sender. */
  userId: slugSchema.optional(),
  // Deltas first: nearly all of them are.
  metrics: z.union([deltaSchema, fullSchema]),
  /** Epoch ms by the page's clock, which may be off by hours: nothing is reckoned by it. */
  timestamp: z.number().min(0).max(8.64e15).optional(),
})

/** The same as it may come: a delta may be packed (packed-metrics.ts), for a server that says it reads that. */
export const wireMetricsSchema = meetingMetricsSchema.extend({
  metrics: z.union([deltaSchema, fullSchema, z.array(z.number().nullable()).min(2).max(14)]),
})

export type FullMetrics = z.infer<typeof fullSchema>
export type MetricsDelta = z.infer<typeof deltaSchema>
export type MeetingMetrics = z.infer<typeof wireMetricsSchema>
/** All that is known of somebody: the deltas put together. */
export type UserMetrics = Omit<FullMetrics, 'n' | 'full'>

/** `admin:subscribe`. */
export const adminSubscribeSchema = z.strictObject({})

/** `admin:history`: of whom. */
export const adminAskHistorySchema = z.strictObject({ meetingId: slugSchema, userId: slugSchema })

export const alertKinds = ['latency', 'loss', 'quality', 'relay'] as const
export type AlertKind = (typeof alertKinds)[number]

/** REQ-G3: opens once, and is resolved once. */
export type MeetingAlert = {
  /** `<meeting>/<user>/<kind>`; an alert that opens again has the same one. */
  id: string
  meetingId: string
  userId: string
  kind: AlertKind
  severity: 'info' | 'warning' | 'critical'
  state: 'open' | 'resolved'
  /** Server's time, epoch ms: when it opened, and when this was said. */
  since: number
  at: number
  /** ms, per cent or the MOS when it opened; null for `relay`. */
  value: number | null
  /** It costs money for as long as it is open. */
  cost: boolean
}

/** Somebody in a call, as admins see them. */
export type LiveUser = {
  meetingId: string
  userId: string
  metrics: UserMetrics
  quality: QualityLabel
  /** Mean opinion score, 1–4.5, and rating, 0–100, by the E-model. */
  mos: number | null
  score: number | null
  /** Server's time, epoch ms. */
  at: number
}

/** `gone` has left, or has not been heard of for too long. */
export type LiveUpdate = LiveUser | { meetingId: string; userId: string; gone: true; at: number }

export type LiveSnapshot = { users: LiveUser[]; alerts: MeetingAlert[] }

export type MetricsClientEvents = {
  'meeting:metrics': (message: MeetingMetrics, ack?: (a: Ack<null>) => void) => void
  /** Of admins. The answer is all there is; what follows are changes. */
  'admin:subscribe': (message: Record<string, never>, ack: (a: Ack<LiveSnapshot>) => void) => void
  /** Of admins: somebody's last hour, and why they are relayed. */
  'admin:history': (
    message: z.infer<typeof adminAskHistorySchema>,
    ack: (a: Ack<AdminHistory>) => void,
  ) => void
}

export type MetricsServerEvents = {
  /** At the beginning: how the page may say what it does. A server that does not say is of version 1. */
  'meeting:metrics:reads': (message: { version: number }) => void
  /** Something is missing between the last two events: send a full sample next. */
  'meeting:metrics:full': () => void
  /** Of each participant at most one in the throttle's time; several participants come together. */
  'meeting:metrics:update': (message: { updates: LiveUpdate[] }) => void
  'meeting:alerts': (message: { alerts: MeetingAlert[] }) => void
}

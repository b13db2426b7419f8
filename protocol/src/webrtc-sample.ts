import { z } from 'zod'
import { slugSchema } from './ids.ts'
import { qualityLabels } from './quality.ts'

/** A call never has more of anything than this in a minute. */
const bytes = z.int().min(0).max(1e12)
const ms = z.number().min(0).max(60_000)

/**
 * One participant's minute of a call, as the metrics gateway hands it to the history: the `webrtc` half of what the
 * rollup worker takes off the queue. By the server's clock, and merged from what the page said of itself: a client
 * says what it likes, so nothing is charged by it.
 */
export const webrtcSampleSchema = z.strictObject({
  protocol: z.literal('webrtc'),
  /** The same sample handed over twice has the same one: `<replica>-<count>`. */
  id: z.string().min(1).max(128),
  /** Epoch ms at which it ends. */
  at: z.int().nonnegative(),
  /** How long it covers: a minute, or less at the end of a stay. */
  durationMs: z.int().min(0).max(600_000),
  tenant: slugSchema,
  room: slugSchema,
  participant: slugSchema,
  /** Of all connections, within this time. */
  bytesSent: bytes,
  bytesReceived: bytes,
  /** Of the connections at its end; null: not known. */
  rttMs: z.strictObject({ avg: ms, min: ms, max: ms }).nullable(),
  lossPercent: z.number().min(0).max(100).nullable(),
  jitterMs: ms.nullable(),
  /** Mean opinion score by the E-model. */
  mos: z.number().min(1).max(5).nullable(),
  quality: z.enum(qualityLabels),
  /** Of `durationMs`, the time with at least one connection over a relay. */
  relayedMs: z.int().min(0).max(600_000),
  /** Connections that were lost and came back. */
  reconnections: z.int().min(0).max(10_000),
})
export type WebrtcSample = z.infer<typeof webrtcSampleSchema>

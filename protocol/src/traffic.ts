import { z } from 'zod'
import { decodeLatencies, lastBucket } from './latency-histogram.ts'

/**
 * What a server did, summed up by second, on its way to the meter (REQ-H2): signaling puts batches into a
 * Redis list, the meter's worker takes them from there.
 */

export const trafficProtocols = ['http', 'webrtc'] as const
export type TrafficProtocol = (typeof trafficProtocols)[number]

/** Of more things in one batch, those that come last are one of this name. */
export const otherTraffic = '(other)'
/** Of a request that no route takes. */
export const unroutedTraffic = '(none)'
export const trafficRowsMax = 5000
/** Entries of the list, and batches that a server keeps, at most, unless METRICS_BUFFER_SIZE says otherwise. */
export const trafficBufferSize = 10_000

const count = z.int().nonnegative()
const latency = z
  .string()
  .max(16 * (lastBucket + 1))
  .refine((text) => {
    try {
      decodeLatencies(text)
      return true
    } catch {
      return false
    }
  }, 'is no histogram of latencies')

export const trafficRowSchema = z.strictObject({
  protocol: z.enum(trafficProtocols),
  /** http: the template of the route, never the URL. webrtc: `tenant/room`. */
  name: z.string().min(1).max(200),
  /** http: the method. webrtc: `direct` or `relay`. */
  method: z.string().min(1).max(16),
  /** http: the status code. webrtc: the label of quality. */
  status: z.string().min(1).max(16),
  /** http: requests. webrtc: samples. */
  count: z.int().positive(),
  /** Bodies received, and sent. */
  bytesIn: count,
  bytesOut: count,
  /** How long answers took, or round trips; see `encodeLatencies`. */
  latency,
})
export type TrafficRow = z.infer<typeof trafficRowSchema>

export const trafficBatchSchema = z.strictObject({
  /** One run of one server. */
  source: z.string().regex(/^[A-Za-z0-9-]{8,64}$/),
  /** Of this source's batches; those of a source come in order, some perhaps more than once. */
  seq: z.int().positive(),
  /** Epoch ms when it was begun, by the server's clock. */
  at: count,
  rows: z.array(trafficRowSchema).min(1).max(trafficRowsMax),
})
export type TrafficBatch = z.infer<typeof trafficBatchSchema>

/** Keys in Redis. */
export function trafficKeys(cluster: string) {
  const prefix = `parley:${cluster}:traffic`
  return {
    /** List of batches as JSON: servers add at its end, the worker takes from its beginning. */
    buffer: `${prefix}:buffer`,
    /** List of batches that the worker has taken and the SQL store does not have yet. */
    pending: `${prefix}:pending`,
    /** The last batch of a source that the SQL store has. */
    stored: (source: string) => `${prefix}:stored:${source}`,
    /** Hash of what happened in a minute (epoch ms of its start), for the real-time view. */
    live: (minute: number) => `${prefix}:live:${minute}`,
    /** Prefix of BullMQ's own keys. */
    queue: `${prefix}:bull`,
  }
}

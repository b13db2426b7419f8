import {
  type FullMetrics,
  type MetricsDelta,
  metricsNamespace,
  type PackedMetrics,
  type UserMetrics,
  unpackMetrics,
} from '@parley/protocol'
import { type Merged, merge } from '@parley/signaling/merge'
import type { Page } from 'playwright-core'

/** One event that a page sent to the metrics gateway, and what the gateway knows by it. */
export interface Report {
  atMs: number
  /** On the wire, with the header of its WebSocket frame. */
  bytes: number
  full: boolean
  metrics: UserMetrics
}

/** From now on the list grows with every event that the page sends. */
export function reportsOf(page: Page): readonly Report[] {
  const reports: Report[] = []
  page.on('websocket', (socket) => {
    let known: Merged | undefined
    socket.on('framesent', ({ payload }) => {
      const event = eventIn(payload.toString())
      if (!event) return
      const outcome = merge(known, event)
      if (outcome.kind !== 'merged') return
      known = outcome.now
      const { length } = Buffer.from(payload)
      reports.push({
        atMs: Date.now(),
        bytes: length + headerBytes(length),
        full: 'full' in event,
        metrics: known.metrics,
      })
    })
  })
  return reports
}

/**
 * How many a minute, to a tenth. By the time from one to the next: how many fall into a minute is a matter of where it
 * begins, and when they are heard here is some milliseconds off.
 * @returns none where there are too few to say
 */
export function perMinuteOf(reports: readonly Report[]): number[] {
  const [first, last] = [reports.at(0), reports.at(-1)]
  if (!first || !last || reports.length < 2) return []
  const perMinute = ((reports.length - 1) * 60_000) / (last.atMs - first.atMs)
  return [Math.round(perMinute * 10) / 10]
}

/** `42/meeting-metrics,["meeting:metrics",{…}]`: a message (4), an event (2) of a namespace. */
export function eventIn(frame: string): FullMetrics | MetricsDelta | undefined {
  const start = `42${metricsNamespace},`
  if (!frame.startsWith(start)) return undefined
  const [name, message] = JSON.parse(frame.slice(start.length)) as [
    string,
    { metrics?: FullMetrics | MetricsDelta | PackedMetrics },
  ]
  if (name !== 'meeting:metrics') return undefined
  const { metrics } = message
  return Array.isArray(metrics) ? (unpackMetrics(metrics) as MetricsDelta | undefined) : metrics
}

/** Of a frame that a client sends: it is masked (RFC 6455). */
function headerBytes(length: number): number {
  return (length < 126 ? 2 : 4) + 4
}

import type { FullMetrics, MetricsDelta, UserMetrics } from '@parley/protocol'
import { metricsNamespace } from '@parley/protocol'
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

/** `42/meeting-metrics,["meeting:metrics",{…}]`: a message (4), an event (2) of a namespace. */
export function eventIn(frame: string): FullMetrics | MetricsDelta | undefined {
  const start = `42${metricsNamespace},`
  if (!frame.startsWith(start)) return undefined
  const [name, message] = JSON.parse(frame.slice(start.length)) as [
    string,
    { metrics?: FullMetrics | MetricsDelta },
  ]
  return name === 'meeting:metrics' ? message.metrics : undefined
}

/** Of a frame that a client sends: it is masked (RFC 6455). */
function headerBytes(length: number): number {
  return (length < 126 ? 2 : 4) + 4
}

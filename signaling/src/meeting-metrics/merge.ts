import {
  type FullMetrics,
  type MetricsDelta,
  metricCounters,
  metricFields,
  type UserMetrics,
} from '@parley/protocol'

/** What is known of somebody, and how far their events have been counted. */
export type Merged = { n: number; metrics: UserMetrics }

export type MergeOutcome =
  | { kind: 'merged'; now: Merged }
  /** Taken before, or overtaken: it changes nothing. */
  | { kind: 'repeated' }
  /** One before it is missing: nothing can be made of it without a full sample. */
  | { kind: 'gap' }

/** Puts an event to what is known. A full sample begins the count anew. */
export function merge(before: Merged | undefined, event: FullMetrics | MetricsDelta): MergeOutcome {
  if ('full' in event) {
    const { n, full: _full, ...metrics } = event
    return { kind: 'merged', now: { n, metrics: sensible(metrics) } }
  }
  if (!before || event.n > before.n + 1) return { kind: 'gap' }
  if (event.n <= before.n) return { kind: 'repeated' }
  const metrics: UserMetrics = { ...before.metrics }
  for (const field of metricFields) {
    const value = event[field]
    if (value !== undefined) metrics[field] = value as never
  }
  for (const counter of metricCounters) metrics[counter] += event[counter] ?? 0
  return { kind: 'merged', now: { n: event.n, metrics: sensible(metrics) } }
}

/** No more relayed than there are. */
function sensible(metrics: UserMetrics): UserMetrics {
  if (metrics.relayed > metrics.links) metrics.relayed = metrics.links
  return metrics
}

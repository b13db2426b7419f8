import {
  type AlertKind,
  clientMetrics,
  type ErrorCode,
  type Metric,
  type QualityLabel,
  type WebrtcSample,
} from '@parley/protocol'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** What is known of those who report here, read at each scrape. */
export type ClientTotals = {
  quality: Record<QualityLabel, number>
  relayed: number
  alerts: Record<AlertKind, number>
  waiting: number
}

/** Figures over all participants; rooms and people are never labels. */
export type ClientMetrics = {
  watch(read: () => ClientTotals): void
  took(outcome: 'merged' | 'repeated' | 'gap'): void
  refused(code: ErrorCode): void
  dropped(what: 'state' | 'update' | 'minute' | 'link', count?: number): void
  minute(samples: readonly WebrtcSample[]): void
}

/** Milliseconds (REQ-A5). */
const latencyBuckets = [50, 100, 200, 500, 1000, 2000]
/** Round trips are to be shorter than this (REQ-S4), which is no bound of those buckets, ms. */
const slowMs = 150
const lossBuckets = [0.1, 0.5, 1, 3, 5, 10, 20]
const mosBuckets = [1.5, 2, 2.5, 3, 3.5, 4, 4.3]

/** What an event is refused with. They begin at 0, as a series that begins with its first event hides that one. */
const refusalCodes: readonly ErrorCode[] = [
  'invalid',
  'forbidden',
  'not-joined',
  'rate-limited',
  'unavailable',
  'internal',
]

/** Registers REQ-A6's figures of calls. */
export function createClientMetrics(registry: Registry): ClientMetrics {
  const registers = [registry]
  const of = ({ name, help, labels }: Metric) => ({
    name,
    help,
    labelNames: [...labels],
    registers,
  })
  let read: (() => ClientTotals) | undefined
  const gauge = (
    metric: Metric,
    values: (totals: ClientTotals) => Record<string, number> | number,
  ) =>
    new Gauge({
      ...of(metric),
      collect() {
        if (!read) return
        const found = values(read())
        if (typeof found === 'number') return this.set(found)
        for (const [value, count] of Object.entries(found))
          this.set({ [metric.labels[0] ?? '']: value }, count)
      },
    })
  gauge(clientMetrics.participants, ({ quality }) => quality)
  gauge(clientMetrics.relayed, ({ relayed }) => relayed)
  gauge(clientMetrics.alerts, ({ alerts }) => alerts)
  gauge(clientMetrics.waiting, ({ waiting }) => waiting)
  const latency = new Histogram({ ...of(clientMetrics.latency), buckets: latencyBuckets })
  const slowMinutes = new Counter(of(clientMetrics.slowMinutes))
  const loss = new Histogram({ ...of(clientMetrics.loss), buckets: lossBuckets })
  const mos = new Histogram({ ...of(clientMetrics.mos), buckets: mosBuckets })
  const callSeconds = new Counter(of(clientMetrics.callSeconds))
  const relayedSeconds = new Counter(of(clientMetrics.relayedSeconds))
  const reconnections = new Counter(of(clientMetrics.reconnections))
  const refusals = new Counter(of(clientMetrics.refused))
  const drops = new Counter(of(clientMetrics.dropped))
  for (const code of refusalCodes) refusals.inc({ code }, 0)
  for (const what of ['state', 'update', 'minute', 'link']) drops.inc({ what }, 0)
  // Of each event, so no more than that: it is a counter at each scrape.
  const taken = { merged: 0, repeated: 0, gap: 0 }
  new Counter({
    ...of(clientMetrics.events),
    collect() {
      this.reset()
      for (const [outcome, count] of Object.entries(taken)) this.inc({ outcome }, count)
    },
  })
  return {
    watch: (reader) => {
      read = reader
    },
    took: (outcome) => {
      taken[outcome]++
    },
    refused: (code) => refusals.inc({ code }),
    dropped: (what, count = 1) => drops.inc({ what }, count),
    minute(samples) {
      for (const sample of samples) {
        if (sample.rttMs) latency.observe(sample.rttMs.avg)
        if (sample.rttMs && sample.rttMs.avg >= slowMs) slowMinutes.inc()
        if (sample.lossPercent !== null) loss.observe(sample.lossPercent)
        if (sample.mos !== null) mos.observe(sample.mos)
        callSeconds.inc(sample.connectedMs / 1000)
        relayedSeconds.inc(sample.relayedMs / 1000)
        reconnections.inc(sample.reconnections)
      }
    },
  }
}

import { relayMetrics, trafficMetrics } from '@parley/protocol'
import { Counter, Gauge, Registry } from 'prom-client'
import type { Accounting } from './accounting.ts'
import type { MeterConfig } from './config.ts'
import type { CostFigures } from './figures.ts'
import type { Traffic } from './traffic/open-traffic.ts'

const legs = ['clientToTurn', 'turnToClient', 'turnToPeer', 'peerToTurn'] as const

/** The relay's Prometheus metrics, read from the books whenever they are scraped. */
export function relayRegistry(
  accounting: Accounting,
  figures: CostFigures,
  config: Pick<MeterConfig, 'namespace' | 'cluster' | 'region'>,
  troubles: () => { redis?: string; store?: string },
  gaps: () => number,
  now: () => number,
): Registry {
  const registry = new Registry()
  const labels = {
    namespace: config.namespace,
    cluster: config.cluster,
    region: config.region,
  }
  type Labels = Record<string, string>
  const counter = (
    metric: { name: string; help: string; labels: readonly string[] },
    values: () => (readonly [Labels, number])[],
  ) =>
    new Counter({
      name: metric.name,
      help: metric.help,
      labelNames: metric.labels,
      registers: [registry],
      collect() {
        this.reset()
        for (const [extra, value] of values()) this.inc({ ...labels, ...extra }, value)
      },
    })
  const gauge = (
    metric: { name: string; help: string; labels: readonly string[] },
    value: () => number,
  ) =>
    new Gauge({
      name: metric.name,
      help: metric.help,
      labelNames: metric.labels,
      registers: [registry],
      collect() {
        this.set(labels, value())
      },
    })

  // A counter that began at nothing and then jumped to what the store holds would be a false increase.
  counter(relayMetrics.bytes, () =>
    accounting.resumed ? legs.map((leg) => [{ leg }, accounting.traffic[`${leg}Bytes`]]) : [],
  )
  counter(relayMetrics.unattributedBytes, () =>
    accounting.resumed ? [[{}, accounting.unattributedBytes]] : [],
  )
  counter(relayMetrics.cost, () =>
    figures.known ? [[{ currency: figures.currency }, figures.costEver]] : [],
  )
  counter(relayMetrics.dropped, () => [[{}, accounting.dropped]])
  counter(relayMetrics.lateHours, () => [[{}, accounting.lateHours]])
  counter(relayMetrics.overflows, () => [[{}, accounting.overflows]])
  counter(relayMetrics.gaps, () => [[{}, gaps()]])
  const money = (
    metric: { name: string; help: string; labels: readonly string[] },
    value: () => number | undefined,
  ) =>
    new Gauge({
      name: metric.name,
      help: metric.help,
      labelNames: metric.labels,
      registers: [registry],
      collect() {
        this.reset()
        const amount = figures.known ? value() : undefined
        if (amount !== undefined) this.set({ ...labels, currency: figures.currency }, amount)
      },
    })
  money(relayMetrics.monthToDate, () => figures.monthToDate)
  money(relayMetrics.forecast, () => figures.forecast)
  gauge(relayMetrics.allocations, () => accounting.open(now()).allocations)
  gauge(relayMetrics.users, () => accounting.open(now()).users)
  gauge(relayMetrics.subscribed, () => (troubles().redis ? 0 : 1))
  gauge(relayMetrics.storeUp, () => (troubles().store ? 0 : 1))
  return registry
}

/** What the rollup of traffic did. */
export function registerTraffic(
  registry: Registry,
  traffic: Pick<Traffic, 'totals' | 'lengths'>,
  config: Pick<MeterConfig, 'namespace' | 'cluster' | 'region'>,
): void {
  const labels = { namespace: config.namespace, cluster: config.cluster, region: config.region }
  const { batches, waiting, skewed, writes } = trafficMetrics
  const metric = ({ name, help, labels: labelNames }: typeof batches | typeof waiting) => ({
    ...{ name, help, labelNames, registers: [registry] },
  })
  new Counter({
    ...metric(batches),
    collect() {
      this.reset()
      for (const result of ['counted', 'duplicates', 'rejected'] as const)
        this.inc({ ...labels, result }, traffic.totals[result])
    },
  })
  new Gauge({
    ...metric(waiting),
    async collect() {
      const lengths = await traffic.lengths()
      this.reset()
      for (const [where, length] of Object.entries(lengths ?? {}))
        this.set({ ...labels, where }, length)
    },
  })
  for (const [{ name, help, labels: labelNames }, value] of [
    [skewed, () => traffic.totals.skewed],
    [writes, () => traffic.totals.writes],
  ] as const)
    new Counter({
      ...{ name, help, labelNames, registers: [registry] },
      collect() {
        this.reset()
        this.inc(labels, value())
      },
    })
}

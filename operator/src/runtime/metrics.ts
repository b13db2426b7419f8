import { operatorMetrics } from '@parley/protocol'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** The operator's metrics, by controller-runtime's names, so that existing boards and alerts work. */
export interface Metrics {
  registry: Registry
  reconcileTotal: Counter<'controller' | 'result'>
  reconcileErrors: Counter<'controller'>
  reconcileSeconds: Histogram<'controller'>
  activeWorkers: Gauge<'controller'>
  maxConcurrentReconciles: Gauge<'controller'>
  queueDepth: Gauge<'name' | 'controller'>
  queueAdds: Counter<'name' | 'controller'>
  queueRetries: Counter<'name' | 'controller'>
  queueSeconds: Histogram<'name' | 'controller'>
  workSeconds: Histogram<'name' | 'controller'>
  unfinishedSeconds: Gauge<'name' | 'controller'>
  longestRunningSeconds: Gauge<'name' | 'controller'>
  leader: Gauge<'name'>
  requests: Counter<'code' | 'method' | 'host'>
}

const RECONCILE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const QUEUE_BUCKETS = [1e-5, 1e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1, 5, 10, 100]

export function createMetrics(): Metrics {
  const registry = new Registry()
  const of = <L extends string>({ name, help, labels }: Entry<L>) => ({
    ...{ name, help, labelNames: labels },
    registers: [registry],
  })
  const m = operatorMetrics
  return {
    registry,
    reconcileTotal: new Counter(of(m.reconcileTotal)),
    reconcileErrors: new Counter(of(m.reconcileErrors)),
    reconcileSeconds: new Histogram({ ...of(m.reconcileSeconds), buckets: RECONCILE_BUCKETS }),
    activeWorkers: new Gauge(of(m.activeWorkers)),
    maxConcurrentReconciles: new Gauge(of(m.maxConcurrentReconciles)),
    queueDepth: new Gauge(of(m.queueDepth)),
    queueAdds: new Counter(of(m.queueAdds)),
    queueRetries: new Counter(of(m.queueRetries)),
    queueSeconds: new Histogram({ ...of(m.queueSeconds), buckets: QUEUE_BUCKETS }),
    workSeconds: new Histogram({ ...of(m.workSeconds), buckets: QUEUE_BUCKETS }),
    unfinishedSeconds: new Gauge(of(m.unfinishedSeconds)),
    longestRunningSeconds: new Gauge(of(m.longestRunningSeconds)),
    leader: new Gauge(of(m.leader)),
    requests: new Counter(of(m.requests)),
  }
}

type Entry<L extends string> = { name: string; help: string; labels: readonly L[] }

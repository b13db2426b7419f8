import { trafficMetrics } from '@parley/protocol'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { TrafficOutbox } from './outbox.ts'

/** What was counted, for Prometheus. Routes are those of the server and nothing else, so series are bounded. */
export function registerTraffic(
  registry: Registry,
  outbox: Pick<TrafficOutbox, 'totals' | 'dropped' | 'buffered'>,
): void {
  const { requests, bytes, unsent, dropped } = trafficMetrics
  const http = () => [...outbox.totals.values()].filter(({ protocol }) => protocol === 'http')
  new Counter({
    ...{ name: requests.name, help: requests.help, labelNames: requests.labels },
    registers: [registry],
    collect() {
      this.reset()
      for (const { name: route, method, status, count } of http())
        this.inc({ method, route, status }, count)
    },
  })
  new Counter({
    ...{ name: bytes.name, help: bytes.help, labelNames: bytes.labels },
    registers: [registry],
    collect() {
      this.reset()
      for (const { name: route, method, bytesIn, bytesOut } of http()) {
        this.inc({ method, route, direction: 'in' }, bytesIn)
        this.inc({ method, route, direction: 'out' }, bytesOut)
      }
    },
  })
  new Gauge({
    ...{ name: unsent.name, help: unsent.help, registers: [registry] },
    collect() {
      this.set(outbox.buffered)
    },
  })
  new Counter({
    ...{ name: dropped.name, help: dropped.help, registers: [registry] },
    collect() {
      this.reset()
      this.inc(outbox.dropped)
    },
  })
}

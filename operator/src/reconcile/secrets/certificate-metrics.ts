import { operatorMetrics } from '@parley/protocol'
import { Gauge, type Registry } from 'prom-client'
import type { ReferencedSecrets } from './referenced.ts'

/** Says at each scrape when the certificates end that MeetingClusters name. */
export function registerCertificates(
  registry: Registry,
  secrets: Pick<ReferencedSecrets, 'expiries'>,
): void {
  const { name, help, labels } = operatorMetrics.certificateExpiry
  new Gauge({
    ...{ name, help, labelNames: [...labels], registers: [registry] },
    collect() {
      this.reset()
      for (const { key, secret, usedBy, at } of secrets.expiries()) {
        const [namespace = '', cluster = ''] = key.split('/')
        this.set({ cluster_namespace: namespace, cluster, secret, used_by: usedBy }, at / 1000)
      }
    },
  })
}

/** What pods use of their limits, by cAdvisor's and kube-state-metrics' series. */

export type Limited = 'cpu' | 'memory'

const component = 'turn|sfu|signaling|meter|webapp|redis'
const pods = `pod=~".+-(${component})-.+",container=~"${component}"`

const used = {
  cpu: `rate(container_cpu_usage_seconds_total{${pods}}[5m])`,
  memory: `container_memory_working_set_bytes{${pods}}`,
}

/**
 * What others run may be named as our pods are: only where signaling is scraped, or was within the hour, is there a
 * MeetingCluster.
 */
const ours =
  'and on (namespace, cluster) max by (namespace, cluster) (max_over_time(up{job=~".+-signaling"}[1h]))'

/** By namespace, cluster and pod: the share of its limit that a pod uses now; none of a pod without one. */
export function shareOfLimit(of: Limited): string {
  const by = 'sum by (namespace, pod)'
  const share = `${by} (${used[of]}) / ${by} (kube_pod_container_resource_limits{resource="${of}",${pods}})`
  return `(label_replace(${share}, "cluster", "$1", "pod", "(.+)-(${component})-.+") ${ours})`
}

/** By namespace and cluster: the share of the pods that use more than that of their limit now. */
export function overLimit(of: Limited, share: number): string {
  return `avg by (namespace, cluster) (${shareOfLimit(of)} > bool ${share})`
}

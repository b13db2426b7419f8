/** What pods use of their limits, by cAdvisor's and kube-state-metrics' series. */

export type Limited = 'cpu' | 'memory'

const component = 'turn|sfu|signaling|meter|webapp|redis'
const pods = `pod=~".+-(${component})-.+",container=~"${component}"`

const used = {
  cpu: `rate(container_cpu_usage_seconds_total{${pods}}[5m])`,
  memory: `container_memory_working_set_bytes{${pods}}`,
}

/** By namespace and pod: the share of its limit that a pod uses now; none of a pod without one. */
export function shareOfLimit(of: Limited): string {
  const by = 'sum by (namespace, pod)'
  return `${by} (${used[of]}) / ${by} (kube_pod_container_resource_limits{resource="${of}",${pods}})`
}

/** By namespace and cluster: the share of the pods that use more than that of their limit now. */
export function overLimit(of: Limited, share: number): string {
  const named = `label_replace(${shareOfLimit(of)} > bool ${share}, "cluster", "$1", "pod", "(.+)-(${component})-.+")`
  return `avg by (namespace, cluster) (${named})`
}

/** The API groups that this server can serve, one version of each: all that Kubernetes' own clients ask for. */
export const EXTERNAL = { group: 'external.metrics.k8s.io', version: 'v1beta1' } as const
export const CUSTOM = { group: 'custom.metrics.k8s.io', version: 'v1beta2' } as const

export type ServedGroup = typeof EXTERNAL | typeof CUSTOM

export function groupVersion({ group, version }: ServedGroup): string {
  return `${group}/${version}`
}

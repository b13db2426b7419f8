import { CUSTOM, EXTERNAL, groupVersion, type ServedGroup } from './groups.ts'

/** What is served: the groups, each with the names of its metrics. */
export interface Served {
  groups: readonly ServedGroup[]
  metrics: readonly string[]
}

/** The documents by which clients and the API server find out what there is; undefined where a path is none. */
export function discoveryDocument(
  path: string,
  served: Served,
  accept = '',
): { type: string; body: object } | undefined {
  const json = (body: object) => ({ type: 'application/json', body })
  if (path === '/apis') {
    const wanted =
      /application\/json;g=apidiscovery\.k8s\.io;v=(v2(?:beta1)?);as=APIGroupDiscoveryList/
    const version = wanted.exec(accept.replaceAll(' ', ''))?.[1]
    if (!version) return json(groupList(served))
    return {
      type: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
      body: groupDiscoveryList(served, version),
    }
  }
  for (const group of served.groups) {
    if (path === `/apis/${group.group}`) return json(groupOf(group))
    if (path === `/apis/${groupVersion(group)}`) return json(resourceList(group, served.metrics))
  }
  return undefined
}

function groupList({ groups }: Served) {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(nameOf) }
}

function groupOf(group: ServedGroup) {
  return { kind: 'APIGroup', apiVersion: 'v1', ...nameOf(group) }
}

function nameOf(group: ServedGroup) {
  const version = { groupVersion: groupVersion(group), version: group.version }
  return { name: group.group, versions: [version], preferredVersion: version }
}

function resourceList(group: ServedGroup, metrics: readonly string[]) {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: groupVersion(group),
    resources: metrics.map((metric) => ({
      name: resourceName(group, metric),
      singularName: '',
      namespaced: true,
      kind: KIND[group.group],
      verbs: ['get'],
    })),
  }
}

/** The same in one document, which saves the API server a request for each group. */
function groupDiscoveryList({ groups, metrics }: Served, version: string) {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group) => ({
      metadata: { name: group.group, creationTimestamp: null },
      versions: [
        {
          version: group.version,
          freshness: 'Current',
          resources: discoveredResources(group, metrics),
        },
      ],
    })),
  }
}

function discoveredResources(group: ServedGroup, metrics: readonly string[]) {
  const kind = { group: '', version: '', kind: KIND[group.group] }
  const entry = { responseKind: kind, verbs: ['get'] }
  const scope = { scope: 'Namespaced', singularResource: '' }
  if (group.group === EXTERNAL.group)
    return metrics.map((metric) => ({ resource: metric, ...entry, ...scope }))
  const subresources = metrics.map((metric) => ({ subresource: metric, ...entry }))
  return [
    { resource: 'pods', responseKind: { ...kind, kind: '' }, verbs: [], ...scope, subresources },
  ]
}

const KIND = {
  [EXTERNAL.group]: 'ExternalMetricValueList',
  [CUSTOM.group]: 'MetricValueList',
} as const

function resourceName({ group }: ServedGroup, metric: string): string {
  return group === CUSTOM.group ? `pods/${metric}` : metric
}

import { App, Chart } from 'cdk8s'
import { ApiResource, ClusterRole } from 'cdk8s-plus-27'
import type { PartMap } from './template.ts'

const look = ['get', 'list', 'watch']
const change = ['create', 'update', 'patch', 'delete']

/**
 * ClusterRoles for people. To look at MeetingClusters and their RelayCostReports is part of Kubernetes' own roles view, edit and admin. To change
 * them is part of none: it is as much as to run pods on the host network, so it is to be bound on purpose.
 */
export function userRoles(labels: Record<string, string>): PartMap[] {
  const chart = new Chart(new App(), 'user-roles', { disableResourceNameHashes: true })
  const resource = (resourceType: string) =>
    ApiResource.custom({ apiGroup: 'parley.dev', resourceType })
  const role = (name: string, more: Record<string, string> = {}) =>
    new ClusterRole(chart, name, { metadata: { name, labels: { ...labels, ...more } } })

  const viewer = role('parley-meetingclusters-viewer', {
    'rbac.authorization.k8s.io/aggregate-to-view': 'true',
    'rbac.authorization.k8s.io/aggregate-to-edit': 'true',
    'rbac.authorization.k8s.io/aggregate-to-admin': 'true',
  })
  viewer.allow(look, resource('meetingclusters'), resource('relaycostreports'))
  const editor = role('parley-meetingclusters-editor')
  editor.allow([...look, ...change], resource('meetingclusters'))
  editor.allow(look, resource('relaycostreports'))
  // An empty list of names is left out by the API server: to apply it again would look like a change.
  return JSON.parse(
    JSON.stringify(chart.toJson(), (key, value) => (key === 'resourceNames' ? undefined : value)),
  )
}

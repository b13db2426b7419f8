/** How far an upgrade has come, and what it leaves behind. */
import { type K8sObject, MEETING_CLUSTERS, PODS } from '@parley/operator/runtime'
import { type Meeting, name, namespace } from './meeting.ts'

type Pod = K8sObject & {
  spec: { containers: { image: string }[] }
  status: { conditions?: { type: string; status: string }[] }
}

/**
 * Pods of the stack that are to stay and are not what they should be: of other images than the newest, or not ready.
 * Those on their way out, which wait for their calls, are not among them.
 */
export async function notUpgraded({ api, tags }: Meeting): Promise<string[]> {
  const { items } = await api.list(PODS, namespace)
  return ((items ?? []) as Pod[])
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .filter(({ spec, status }) => {
      const isNew = spec.containers.every(({ image }) => image.endsWith(`:${tags.next}`))
      return !isNew || !status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')
    })
    .map(({ metadata }) => metadata.name)
}

/** `kind/name` of everything that an operator has made, in order; but for records of what was relayed, day by day. */
export async function childrenOf({ stack }: Meeting): Promise<string[]> {
  const listed = ['api-resources', '--namespaced', '--verbs=list', '-o', 'name']
  const kinds = (await stack.kubectl(listed)).split('\n').join(',')
  const get = ['get', kinds, '-n', namespace, '-o', 'json', '--show-managed-fields']
  const { items } = JSON.parse(await stack.kubectl(get)) as { items: Child[] }
  return items
    .filter(({ metadata }) => metadata.managedFields?.some(({ manager }) => manager === 'parley'))
    .filter(({ metadata }) => !metadata.ownerReferences?.some((o) => o.kind !== 'MeetingCluster'))
    .map(nameOf)
    .filter((child) => !/^(MeetingCluster|RelayCostReport|Event)\//.test(child))
    .toSorted()
}

type Child = K8sObject & {
  kind: string
  metadata: { managedFields?: { manager: string }[] }
}

const nameOf = ({ kind, metadata }: Child) => `${kind}/${metadata.name}`

/** `kind/name` of all that this version makes of the MeetingCluster as it is, in order. */
export async function childrenWanted({ api, stack, tags }: Meeting): Promise<string[]> {
  const mc = await api.get(MEETING_CLUSTERS, namespace, name)
  const render = ['render', '-f', '-', '--secrets', '-o', 'json', '--image-tag', tags.next]
  const { items } = JSON.parse(await stack.parley(render, JSON.stringify(mc))) as { items: Child[] }
  return items.map(nameOf).toSorted()
}

/** What `parley install` of this version would still change; nothing is an empty text. */
export async function installDiffers({ stack, tags }: Meeting): Promise<string> {
  const manifests = await stack.parley([
    'install',
    '--image-registry',
    'localhost',
    '--image-tag',
    tags.next,
  ])
  return stack.kubectl(['diff', '--server-side', '-f', '-'], manifests)
}

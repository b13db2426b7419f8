import { fillInEmpty, isIpAddress, type MeetingCluster } from '../api/index.ts'
import { KEYS_GENERATION_ANNOTATION } from '../render/index.ts'
import type { K8sObject } from '../runtime/resources.ts'
import type { Entry } from '../runtime/store.ts'
import { HASH_ANNOTATION, NOTES, TEMPLATE_ANNOTATION } from './annotations.ts'
import type {
  DeploymentObject,
  NodeObject,
  PodObject,
  ServiceObject,
  StatefulSetObject,
} from './fields.ts'
import { controllerOf, holdsPods, ownedFields, setsReplicas } from './owned-fields.ts'
import { sharedText, withSharedMembers } from './shared.ts'

/**
 * What the operator remembers of the objects it watches: a few words each, so that memory does not grow with
 * the size of specs, and so that "has this changed in a way that matters" is one comparison.
 */

export interface ClusterEntry extends Entry {
  cluster: MeetingCluster & K8sObject
}

export function projectCluster(object: K8sObject): ClusterEntry {
  // Long, and of no use here.
  delete object.metadata.managedFields
  const cluster = fillInEmpty(object as MeetingCluster & K8sObject)
  return {
    ...entryOf(object),
    cluster: {
      ...cluster,
      spec: withSharedMembers(cluster.spec),
      ...(cluster.status ? { status: withSharedMembers(cluster.status) } : {}),
    },
  }
}

/** Grouped by the uid of the owner. */
export interface ChildEntry extends Entry {
  name: string
  namespace: string
  /** Name of the MeetingCluster it belongs to, by owner reference or label. */
  cluster: string | undefined
  hash: string | undefined
  /** Digest of the set of fields that are ours (see `ownedFields`). */
  fields: string
  /** It is known to be as we applied it: just written, or found so. What changes it makes another entry of it. */
  asApplied?: boolean
  /** Of a Deployment or StatefulSet. */
  rollout?: Rollout
  /** We are the one who says how many pods it has. */
  setsReplicas?: true
  /** Of a Service that leads into the cluster, and of headless ones. */
  service?: ServiceStatus
  /** Of a Secret: annotations on what it holds. */
  notes?: Record<string, string>
}

export interface Rollout {
  desired: number
  ready: number
  updated: number
  /** The controller has seen the newest spec. */
  current: boolean
  /** Pods of an older version are there yet. */
  replacing: boolean
  /** A new pod comes before an old one goes. */
  surges: boolean
  /** Hash of the pod template that we applied; undefined: an older operator did. */
  template?: string
  /** Kubernetes has been told to leave the pods as they are for now. */
  held: boolean
  /** Somebody else has told it so. */
  heldByOthers?: true
  /** All pods of the newest version have been ready. */
  cameUp: boolean
  /** It will not come up unless somebody does something. */
  failed: boolean
  /** Pods that no node takes. */
  homeless: number
  /** Since when, unless they wait for calls on pods that go: milliseconds since the epoch. */
  homelessSince?: number
  image?: string
  /** What Kubernetes says goes wrong, if anything. */
  problem?: string
}

export function projectChild(object: K8sObject): ChildEntry {
  const { metadata } = object
  const owner = controllerOf(metadata.ownerReferences)
  // There are dozens of these for each MeetingCluster: in one piece they are half as large.
  const entry: ChildEntry = {
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '0',
    group: sharedText(owner?.uid),
    name: sharedText(metadata.name),
    namespace: sharedText(metadata.namespace ?? ''),
    cluster: sharedText(
      owner?.kind === 'MeetingCluster' ? owner.name : metadata.labels?.['parley.dev/cluster'],
    ),
    hash: metadata.annotations?.[HASH_ANNOTATION],
    fields: sharedText(ownedFields(object)),
    asApplied: false,
  }
  const notes = notesOf(metadata.annotations)
  if (notes) entry.notes = notes
  return entry
}

function notesOf(annotations: Record<string, string> = {}): Record<string, string> | undefined {
  let notes: Record<string, string> | undefined
  for (const name of NOTES) {
    const note = annotations[name]
    if (!note) continue
    notes ??= {}
    notes[name] = sharedText(note)
  }
  return notes
}

export function projectWorkload(object: K8sObject): ChildEntry {
  const { spec = {}, status = {}, metadata } = object as DeploymentObject & StatefulSetObject
  const failing = status.conditions?.find(
    ({ type, status, reason }) =>
      (type === 'ReplicaFailure' && status === 'True') || reason === 'ProgressDeadlineExceeded',
  )
  const image = spec.template?.spec?.containers?.[0]?.image
  const template = metadata.annotations?.[TEMPLATE_ANNOTATION]
  const held = spec.paused === true || (spec.updateStrategy?.rollingUpdate?.partition ?? 0) > 0
  return {
    ...projectChild(object),
    ...(setsReplicas(object) ? { setsReplicas: true } : {}),
    rollout: {
      desired: spec.replicas ?? 1,
      ready: status.readyReplicas ?? 0,
      updated: status.updatedReplicas ?? 0,
      current: (status.observedGeneration ?? 0) >= (metadata.generation ?? 0),
      replacing: !held && (status.replicas ?? 0) > (status.updatedReplicas ?? 0),
      surges: spec.strategy?.rollingUpdate?.maxSurge === 1,
      ...(template ? { template: sharedText(template) } : {}),
      held,
      ...(held && !holdsPods(object) ? { heldByOthers: true } : {}),
      cameUp: status.conditions?.some(({ reason }) => reason === 'NewReplicaSetAvailable') ?? false,
      failed: failing !== undefined,
      homeless: 0,
      ...(image ? { image: sharedText(image) } : {}),
      ...(failing?.message ? { problem: failing.message } : {}),
    },
  }
}

export interface ServiceStatus {
  /** Whether it can never become one with an address, or the other way round. */
  headless: boolean
  /** Addresses or host names of its load balancer. */
  ingress: string[]
  /** By name of the port. */
  nodePorts: Record<string, number>
}

export function projectService(object: K8sObject): ChildEntry {
  const { spec, status } = object as ServiceObject
  const entry = projectChild(object)
  const headless = spec?.clusterIP === 'None'
  if (!headless && (spec?.type ?? 'ClusterIP') === 'ClusterIP') return entry
  const ingress = (status?.loadBalancer?.ingress ?? []).flatMap(
    ({ ip, hostname }) => ip || hostname || [],
  )
  const nodePorts = (spec?.ports ?? []).flatMap(({ name = '', nodePort }) =>
    nodePort ? [[name, nodePort] as const] : [],
  )
  return { ...entry, service: { headless, ingress, nodePorts: Object.fromEntries(nodePorts) } }
}

export interface NodeEntry extends Entry {
  internal: string[]
  external: string[]
  /** Networks that its pods have their addresses from; none where somebody else hands these out. */
  podNetworks: string[]
  /** It is ready and takes new pods. */
  open: boolean
  labels: Record<string, string>
  /** Those that keep pods away. */
  taints: { key: string; value?: string; effect: string }[]
}

export function projectNode(object: K8sObject): NodeEntry {
  const { metadata, spec, status } = object as NodeObject
  // The API server takes any text for an address, from every kubelet: what is none must get into no policy and no
  // list of peers, which are about all nodes.
  const of = (type: string) =>
    (status?.addresses ?? [])
      .filter((entry) => entry.type === type)
      .flatMap(({ address = '' }) => (isIpAddress(address) ? [address] : []))
  const ready = status?.conditions?.some(
    ({ type, status }) => type === 'Ready' && status === 'True',
  )
  return {
    ...entryOf(object),
    internal: of('InternalIP'),
    external: of('ExternalIP'),
    podNetworks: spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : []),
    open: ready === true && spec?.unschedulable !== true,
    labels: metadata.labels ?? {},
    taints: (spec?.taints ?? [])
      .filter(({ effect }) => effect !== 'PreferNoSchedule')
      .map(({ key = '', value, effect = '' }) => ({ key, ...(value ? { value } : {}), effect })),
  }
}

/** Grouped by the MeetingCluster: `namespace/name`. */
export interface PodEntry extends Entry {
  name: string
  namespace: string
  cluster: string | undefined
  component: string | undefined
  node: string | undefined
  ip: string | undefined
  /** Of one of TURN or the SFU that has not ended: when its node took it, ISO 8601. */
  since?: string
  ready: boolean
  /** Is being deleted: it may carry calls for hours yet. */
  leaving: boolean
  /** Why it does not start, where somebody has to do something about it. */
  problem: string | undefined
  /** When the scheduler first found no node for it: milliseconds since the epoch. */
  homelessSince?: number
  /** Generation of the keys that it has read, of those who read them once; of one that has ended, any. */
  keysGeneration: number
}

type PodStatus = NonNullable<PodObject['status']>
type ContainerStatus = NonNullable<PodStatus['containerStatuses']>[number]

export function projectPod(object: K8sObject): PodEntry {
  const { metadata, spec, status } = object as PodObject
  const ready = status?.conditions?.some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  )
  const ended = status?.phase === 'Succeeded' || status?.phase === 'Failed'
  const namespace = metadata.namespace ?? ''
  const cluster = metadata.labels?.['parley.dev/cluster']
  const component = metadata.labels?.['app.kubernetes.io/component']
  const isMedia = component === 'turn' || component === 'sfu'
  const { lastTransitionTime = '' } = unscheduledOf(status) ?? {}
  const homelessSince = Date.parse(lastTransitionTime)
  return {
    ...entryOf(object),
    group: `${namespace}/${cluster}`,
    name: metadata.name,
    namespace,
    cluster,
    component,
    node: spec?.nodeName,
    ip: status?.podIP,
    leaving: metadata.deletionTimestamp !== undefined,
    // A pod on its way out takes no new users.
    ready: ready === true && metadata.deletionTimestamp === undefined,
    problem:
      metadata.deletionTimestamp === undefined ? problemOfPod(metadata.name, status) : undefined,
    keysGeneration: ended
      ? Number.POSITIVE_INFINITY
      : Number(metadata.annotations?.[KEYS_GENERATION_ANNOTATION] ?? 0),
    ...(Number.isNaN(homelessSince) ? {} : { homelessSince }),
    ...(isMedia && !ended && status?.startTime && { since: status.startTime }),
  }
}

function unscheduledOf({ conditions = [] }: PodStatus = {}) {
  return conditions.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
}

/** The same words for as long as it is the same problem: an error text with times in it is none. */
function problemOfPod(name: string, status: PodStatus = {}): string | undefined {
  const unscheduled = unscheduledOf(status)
  if (unscheduled) return `pod ${name} has no node: ${unscheduled.message ?? 'unschedulable'}`
  for (const container of status.containerStatuses ?? []) {
    const { state, image } = container
    if (endsAgainAndAgain(container, status)) return endsOf(name)
    switch (state?.waiting?.reason) {
      case 'ErrImagePull':
      case 'ImagePullBackOff':
      case 'InvalidImageName':
        return `image ${image} cannot be pulled: check spec.image.registry, tag and pullSecrets`
      case 'CrashLoopBackOff':
        return endsOf(name)
      case 'CreateContainerConfigError':
        return `pod ${name} cannot be set up: kubectl describe pod ${name} says why`
    }
  }
  return undefined
}

const endsOf = (name: string) =>
  `pod ${name} ends again and again: kubectl logs ${name} --previous says why`

/** Between two ends it runs for a while, which is no news: it has not been ready since it was started again. */
function endsAgainAndAgain(
  { restartCount = 0, state }: ContainerStatus,
  { conditions = [] }: PodStatus,
): boolean {
  const startedAt = state?.running?.startedAt
  if (restartCount < 2 || startedAt === undefined) return false
  const ready = conditions.find(({ type }) => type === 'Ready')
  return ready?.status === 'False' && (ready.lastTransitionTime ?? '') <= startedAt
}

export interface StorageClassEntry extends Entry {
  isDefault: boolean
}

/** Kubernetes goes by either. */
const DEFAULT_CLASS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
]

export function projectStorageClass(object: K8sObject): StorageClassEntry {
  const { annotations } = object.metadata
  const isDefault = DEFAULT_CLASS.some((name) => annotations?.[name] === 'true')
  return { ...entryOf(object), isDefault }
}

function entryOf({ metadata }: K8sObject): Entry {
  return {
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '0',
    group: sharedText(controllerOf(metadata.ownerReferences)?.uid),
  }
}

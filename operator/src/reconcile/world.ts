import type { Logger } from 'pino'
import type { ApiClient } from '../runtime/client.ts'
import type { Clock } from '../runtime/clock.ts'
import { Forbidden } from '../runtime/errors.ts'
import { ListWatch } from '../runtime/list-watch.ts'
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  HORIZONTAL_POD_AUTOSCALERS,
  INGRESSES,
  type K8sObject,
  MEETING_CLUSTERS,
  NETWORK_POLICIES,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  POD_DISRUPTION_BUDGETS,
  PODS,
  type Resource,
  SECRETS,
  SERVICE_ACCOUNTS,
  SERVICE_MONITORS,
  SERVICES,
  STATEFUL_SETS,
  STORAGE_CLASSES,
} from '../runtime/resources.ts'
import { type Entry, Store } from '../runtime/store.ts'
import type { ChildKind } from './children.ts'
import {
  type ChildEntry,
  type ClusterEntry,
  type NodeEntry,
  type PodEntry,
  projectChild,
  projectCluster,
  projectNode,
  projectPod,
  projectStorageClass,
  projectWorkload,
  type StorageClassEntry,
} from './observed.ts'

export interface WorldOptions {
  client: ApiClient
  /** Without it: all namespaces. */
  namespace: string | undefined
  /** A MeetingCluster (`namespace/name`) may have something to do. */
  enqueue: (key: string) => void
  clock: Clock
  random: () => number
  log: Logger
}

/** Every object that the operator may make has this label, so that others need not be watched. */
const OURS = 'app.kubernetes.io/managed-by=parley'

/** Kinds of children of which the metadata says enough. */
const PLAIN_KINDS = [
  SERVICE_ACCOUNTS,
  CONFIG_MAPS,
  SECRETS,
  SERVICES,
  PERSISTENT_VOLUME_CLAIMS,
  HORIZONTAL_POD_AUTOSCALERS,
  POD_DISRUPTION_BUDGETS,
  NETWORK_POLICIES,
  INGRESSES,
]
/** Kinds whose status says how many pods are ready. */
const WORKLOAD_KINDS = [DEPLOYMENTS, STATEFUL_SETS]

export type Nodes = Record<string, { internal: string[]; advertised?: string }>

/**
 * What the operator knows of the cluster: a store for each kind, kept up to date by a watch, and the rules by
 * which a change of any object becomes "look at that MeetingCluster".
 */
export class World {
  readonly clusters: Store<ClusterEntry>
  readonly nodes: Store<NodeEntry>
  readonly pods: Store<PodEntry>
  readonly storageClasses: Store<StorageClassEntry>
  /** By `kind`. Of optional kinds, those that the API server has. */
  readonly children = new Map<string, ChildKind>()
  readonly #options: WorldOptions
  readonly #watches: ListWatch<Entry>[] = []
  #nodes: Nodes | undefined

  constructor(options: WorldOptions, optional: { serviceMonitor: boolean }) {
    this.#options = options
    const { enqueue } = options
    this.clusters = this.#watch(MEETING_CLUSTERS, {
      project: projectCluster,
      onChange: (key, before, after) => {
        if (after && !sameWish(before, after)) enqueue(key)
      },
    })
    for (const resource of PLAIN_KINDS) this.#watchChildren(resource, false)
    for (const resource of WORKLOAD_KINDS) this.#watchChildren(resource, true)
    if (optional.serviceMonitor) this.#watchChildren(SERVICE_MONITORS, false)
    this.pods = this.#watch(
      PODS,
      {
        project: projectPod,
        onChange: (_key, before, after) => {
          const moved = before?.node !== after?.node || before?.ready !== after?.ready
          const pod = after ?? before
          if (!pod?.group) return
          if (
            (moved && (pod.component === 'turn' || pod.component === 'sfu')) ||
            before?.problem !== after?.problem
          )
            enqueue(pod.group)
        },
      },
      { labelSelector: OURS },
    )
    this.nodes = this.#watch(NODES, {
      project: projectNode,
      onChange: (_key, before, after) => {
        if (before && after && sameAddresses(before, after)) return
        this.#nodes = undefined
        this.enqueueAll()
      },
    })
    this.storageClasses = this.#watch(
      STORAGE_CLASSES,
      { project: projectStorageClass },
      { metadataOnly: true },
    )
  }

  /** Watches until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#watches.map((watch) => watch.run(signal)))
  }

  /** Resolves when every store is filled, or is known not to become so for lack of permission. */
  async hasSynced(signal: AbortSignal): Promise<void> {
    await Promise.all(
      this.#watches.map((watch) => Promise.race([watch.hasSynced(), denied(watch, signal)])),
    )
  }

  /** Watches that do not work at present, for lack of permission. */
  *denied(): Iterable<Forbidden> {
    for (const { problem } of this.#watches) if (problem instanceof Forbidden) yield problem
  }

  enqueueAll(): void {
    // Still in the constructor when the first node arrives? Then there is nothing to look at yet.
    for (const key of this.clusters.keys()) this.#options.enqueue(key)
  }

  /** Nodes by name, with the address that clients reach where the node has an ExternalIP. */
  addressesOfNodes(): Nodes {
    this.#nodes ??= Object.fromEntries(
      [...this.nodes.keys()].sort().map((name) => {
        const { internal = [], external = [] } = this.nodes.get(name) ?? {}
        return [name, external[0] ? { internal, advertised: external[0] } : { internal }]
      }),
    )
    return this.#nodes
  }

  podsOf(clusterKey: string, component: string): PodEntry[] {
    return [...this.pods.group(clusterKey).values()].filter((pod) => pod.component === component)
  }

  #watchChildren(resource: Resource, full: boolean) {
    const { enqueue } = this.#options
    const store = this.#watch<ChildEntry>(
      resource,
      {
        project: full ? projectWorkload : projectChild,
        onChange: (_key, before, after, own) => {
          const child = after ?? before
          if (own || !child?.cluster || (before && after && sameChild(before, after))) return
          enqueue(`${child.namespace}/${child.cluster}`)
        },
      },
      { labelSelector: OURS, metadataOnly: !full },
    )
    const watch = this.#watches.at(-1)
    this.children.set(resource.kind, {
      resource,
      store,
      full,
      problem: () => (watch?.problem instanceof Forbidden ? watch.problem : undefined),
    })
  }

  #watch<T extends Entry>(
    resource: Resource,
    options: {
      project: (object: K8sObject) => T
      onChange?: (key: string, before: T | undefined, after: T | undefined, own: boolean) => void
    },
    query: { labelSelector?: string; metadataOnly?: boolean } = {},
  ): Store<T> {
    const store = new Store<T>(options)
    const { client, namespace, clock, random, log } = this.#options
    const watch = new ListWatch({
      client,
      resource,
      namespace: resource.namespaced ? namespace : undefined,
      store,
      clock,
      random,
      log,
      ...query,
    })
    this.#watches.push(watch as unknown as ListWatch<Entry>)
    return store
  }
}

/** Only what people write counts: a status of ours must not make us look again. */
function sameWish(before: ClusterEntry | undefined, after: ClusterEntry): boolean {
  const [a, b] = [before?.cluster.metadata, after.cluster.metadata]
  return (
    a !== undefined &&
    a.uid === b.uid &&
    a.generation === b.generation &&
    a.deletionTimestamp === b.deletionTimestamp &&
    JSON.stringify(a.annotations) === JSON.stringify(b.annotations)
  )
}

function sameChild(a: ChildEntry, b: ChildEntry): boolean {
  return (
    a.uid === b.uid &&
    a.group === b.group &&
    a.hash === b.hash &&
    a.fields === b.fields &&
    (a.rollout === b.rollout || JSON.stringify(a.rollout) === JSON.stringify(b.rollout))
  )
}

function sameAddresses(a: NodeEntry, b: NodeEntry): boolean {
  return JSON.stringify([a.internal, a.external]) === JSON.stringify([b.internal, b.external])
}

async function denied(watch: ListWatch<Entry>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(watch.problem instanceof Forbidden)) {
    await new Promise((resolve) => setTimeout(resolve, 250).unref())
  }
}

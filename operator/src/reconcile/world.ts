import type { Logger } from 'pino'
import { type NodeFacts, secretReferences } from '../render/index.ts'
import type { ApiClient, ReadOptions } from '../runtime/client.ts'
import { type Clock, sleep } from '../runtime/clock.ts'
import { ApiError, Forbidden } from '../runtime/errors.ts'
import { takingTurns } from '../runtime/in-turn.ts'
import { ListWatch } from '../runtime/list-watch.ts'
import type { Message } from '../runtime/protobuf.ts'
import {
  CERTIFICATES,
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
  PROMETHEUS_RULES,
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
import { CHILD, DEPLOYMENT, NODE, POD, SERVICE, STATEFUL_SET } from './fields.ts'
import {
  type ChildEntry,
  type ClusterEntry,
  type NodeEntry,
  type PodEntry,
  projectChild,
  projectCluster,
  projectNode,
  projectPod,
  projectService,
  projectStorageClass,
  projectWorkload,
  type ServiceStatus,
  type StorageClassEntry,
} from './observed.ts'
import { SecretReferences } from './secrets/references.ts'

export interface WorldOptions {
  client: ApiClient
  /** Without it: all namespaces. */
  namespace: string | undefined
  /** Whose MeetingClusters are this operator's to look after. Default: everybody's. */
  owns?: (namespace: string) => boolean
  /** A MeetingCluster (`namespace/name`) may have something to do. */
  enqueue: (key: string) => void
  /** How often to ask which kinds of other operators there are, in ms. Default: 30 s. */
  discoveryMs?: number | undefined
  clock: Clock
  random: () => number
  log: Logger
}

/** Kinds that other operators bring, before or after this one starts: watched while the API server has them. */
const OPTIONAL_KINDS = [SERVICE_MONITORS, PROMETHEUS_RULES, CERTIFICATES]
/** How often to ask which of them it has. */
const DISCOVERY_MS = 30_000
const DISCOVERY_RETRY_MS = 2_000

/** A second one at a time would be no faster: each is read as it comes in. */
const LISTS_AT_A_TIME = 1

/** Every object that the operator may make has this label, so that others need not be watched. */
const OURS = 'app.kubernetes.io/managed-by=parley'
const NOT_OURS = 'app.kubernetes.io/managed-by!=parley'

/** Kinds of children of which the metadata says enough. */
const PLAIN_KINDS = [
  SERVICE_ACCOUNTS,
  CONFIG_MAPS,
  SECRETS,
  PERSISTENT_VOLUME_CLAIMS,
  HORIZONTAL_POD_AUTOSCALERS,
  POD_DISRUPTION_BUDGETS,
  NETWORK_POLICIES,
  INGRESSES,
]
/** Kinds of children that are looked into: what is kept of them, and of what fields. */
const LOOKED_INTO: [Resource, Projection][] = [
  [SERVICES, { fields: SERVICE, project: projectService }],
  [DEPLOYMENTS, { fields: DEPLOYMENT, project: projectWorkload }],
  [STATEFUL_SETS, { fields: STATEFUL_SET, project: projectWorkload }],
]

interface Projection {
  fields: Message
  project: (object: K8sObject) => ChildEntry
}

export type Nodes = Record<string, NodeFacts>

/**
 * What the operator knows of the cluster: a store for each kind, kept up to date by a watch, and the rules by
 * which a change of any object becomes "look at that MeetingCluster".
 */
export class World {
  readonly clusters: Store<ClusterEntry>
  readonly nodes: Store<NodeEntry>
  readonly pods: Store<PodEntry>
  readonly storageClasses: Store<StorageClassEntry>
  /** By `kind`. Of optional kinds, those that the API server has at present. */
  readonly children = new Map<string, ChildKind>()
  readonly references: SecretReferences
  readonly #options: WorldOptions
  readonly #watches: ListWatch<Entry>[] = []
  readonly #inTurn = takingTurns(LISTS_AT_A_TIME)
  /** What others bring may hang in a webhook of theirs, which holds up nobody else. */
  readonly #optionalInTurn = takingTurns(LISTS_AT_A_TIME)
  readonly #discovered = Promise.withResolvers<void>()
  #nodes: Nodes | undefined

  constructor(options: WorldOptions) {
    const { owns = () => true } = options
    const enqueue = (key: string) => {
      if (owns(key.slice(0, key.indexOf('/')))) options.enqueue(key)
    }
    this.#options = { ...options, owns, enqueue }
    this.references = new SecretReferences({
      enqueue,
      watch: (store) =>
        this.#listWatch(SECRETS, store, { labelSelector: NOT_OURS, metadataOnly: true }),
    })
    this.clusters = this.#watch(MEETING_CLUSTERS, {
      project: projectCluster,
      onChange: (key, before, after) => {
        if (!after) this.references.follow(key, [])
        if (!after || sameWish(before, after)) return
        this.references.follow(key, namedSecrets(after))
        enqueue(key)
      },
    })
    for (const resource of PLAIN_KINDS) this.#watchChildren(resource)
    for (const [resource, projection] of LOOKED_INTO) this.#watchChildren(resource, projection)
    this.pods = this.#watch(
      PODS,
      {
        project: projectPod,
        onChange: (_key, before, after) => {
          const moved =
            before?.node !== after?.node ||
            before?.ready !== after?.ready ||
            before?.since !== after?.since
          const pod = after ?? before
          if (!pod?.group) return
          if (
            (moved && (pod.component === 'turn' || pod.component === 'sfu')) ||
            before?.problem !== after?.problem
          )
            enqueue(pod.group)
        },
      },
      { labelSelector: OURS, fields: POD },
    )
    this.nodes = this.#watch(
      NODES,
      {
        project: projectNode,
        onChange: (_key, before, after) => {
          if (before && after && sameNode(before, after)) return
          this.#nodes = undefined
          this.enqueueAll()
        },
      },
      { fields: NODE },
    )
    this.storageClasses = this.#watch(
      STORAGE_CLASSES,
      {
        project: projectStorageClass,
        onChange: (_key, before, after) => {
          if (before?.isDefault !== after?.isDefault) this.enqueueAll()
        },
      },
      { metadataOnly: true },
    )
  }

  /** Watches until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([
      ...this.#watches.map((watch) => watch.run(signal)),
      this.references.run(signal),
      this.#followOptionalKinds(signal),
    ])
  }

  /** Resolves when every store is filled, or is known not to become so for lack of permission. */
  async hasSynced(signal: AbortSignal): Promise<void> {
    await Promise.all([
      ...this.#watches.map((watch) => Promise.race([watch.hasSynced(), denied(watch, signal)])),
      Promise.race([this.#discovered.promise, aborted(signal)]),
    ])
  }

  /** Watches that do not work at present, for lack of permission. */
  *denied(): Iterable<Forbidden> {
    for (const { problem } of this.#watches) if (problem instanceof Forbidden) yield problem
  }

  /** Where they may not be read, nothing is known of StorageClasses. */
  get readsStorageClasses(): boolean {
    const watch = this.#watches.find(({ resource }) => resource === STORAGE_CLASSES)
    return !(watch?.problem instanceof Forbidden)
  }

  /** Has a MeetingCluster looked at, if it is one of ours. */
  enqueue(key: string): void {
    this.#options.enqueue(key)
  }

  enqueueAll(): void {
    // Still in the constructor when the first node arrives? Then there is nothing to look at yet.
    for (const key of this.clusters.keys()) this.#options.enqueue(key)
  }

  /** Keys of the MeetingClusters that are ours. */
  ownClusters(): string[] {
    const { owns = () => true } = this.#options
    return [...this.clusters.keys()].filter((key) => owns(key.slice(0, key.indexOf('/'))))
  }

  /** What is known of each node, with the address that clients reach where it has an ExternalIP. */
  factsOfNodes(): Nodes {
    this.#nodes ??= Object.fromEntries(
      [...this.nodes.keys()].sort().flatMap((name) => {
        const node = this.nodes.get(name)
        if (!node) return []
        const { internal, external, podNetworks, open, labels, taints } = node
        const advertised = external[0] ? { advertised: external[0] } : {}
        return [[name, { internal, ...advertised, podNetworks, open, labels, taints }]]
      }),
    )
    return this.#nodes
  }

  podsOf(clusterKey: string, component: string): PodEntry[] {
    return this.pods.group(clusterKey).filter((pod) => pod.component === component)
  }

  #watchChildren(resource: Resource, projection?: Projection) {
    const { kind, watch } = this.#childKind(resource, projection)
    this.#watches.push(watch)
    this.children.set(resource.kind, kind)
  }

  /** @param projection left out: the metadata says enough */
  #childKind(resource: Resource, projection?: Projection) {
    const { enqueue, owns = () => true } = this.#options
    const writing = new Map<string, string>()
    const store = new Store<ChildEntry>({
      keeps: ({ namespace = '' }) => owns(namespace),
      project: projection?.project ?? projectChild,
      onChange: (key, before, after, own) => {
        const child = after ?? before
        const ours = own || (after !== undefined && writing.get(key) === after.hash)
        // Of a write of ours only what the API server has added is news: the ports of a Service.
        if (ours && sameService(before, after)) return
        if (!child?.cluster || (before && after && sameChild(before, after))) return
        enqueue(`${child.namespace}/${child.cluster}`)
      },
    })
    const reading = projection
      ? { fields: projection.fields }
      : { metadataOnly: true, fields: CHILD }
    const watch = this.#listWatch(resource, store, { labelSelector: OURS, ...reading })
    const problem = () => (watch.problem instanceof Forbidden ? watch.problem : undefined)
    const onOvertaken = ({ namespace, cluster }: ChildEntry) => enqueue(`${namespace}/${cluster}`)
    const { fields } = projection ?? {}
    const kind = { resource, store, writing, onOvertaken, problem, ...(fields ? { fields } : {}) }
    return { watch, kind }
  }

  /**
   * Asks time and again rather than watching CustomResourceDefinitions: everybody may ask what kinds there are, also
   * an operator that has rights in one namespace only.
   */
  async #followOptionalKinds(signal: AbortSignal): Promise<void> {
    const { clock, log, discoveryMs = DISCOVERY_MS } = this.#options
    const watched = new Map<Resource, { stop: AbortController; ended: Promise<void> }>()
    let first = true
    let told = false
    while (!signal.aborted) {
      try {
        for (const resource of OPTIONAL_KINDS) await this.#lookFor(resource, watched, first, signal)
        first = false
        told = false
        this.#discovered.resolve()
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        if (!told) log.warn({ error: error.message }, 'cannot ask which kinds there are')
        told = true
      }
      await sleep(clock, first ? DISCOVERY_RETRY_MS : discoveryMs, signal)
    }
    await Promise.all([...watched.values()].map(({ ended }) => ended))
  }

  async #lookFor(
    resource: Resource,
    watched: Map<Resource, { stop: AbortController; ended: Promise<void> }>,
    first: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, log } = this.#options
    const served = await client.serves(resource)
    const present = watched.get(resource)
    if (signal.aborted || served === (present !== undefined)) {
      if (first && !served)
        log.info({ kind: resource.kind }, 'this cluster has no such kind: none will be made')
      return
    }
    if (present) {
      present.stop.abort()
      watched.delete(resource)
      this.children.delete(resource.kind)
      log.info({ kind: resource.kind }, 'the kind is gone: none will be made any more')
    } else {
      const { kind, watch } = this.#childKind(resource)
      const stop = new AbortController()
      const until = AbortSignal.any([stop.signal, signal])
      watched.set(resource, { stop, ended: watch.run(until) })
      // Known before used: what is there already must not be made again.
      await Promise.race([watch.hasSynced(), denied(watch, until)])
      this.children.set(resource.kind, kind)
      if (!first)
        log.info({ kind: resource.kind }, 'the kind has come: it will be made where asked for')
    }
    if (!first) this.enqueueAll()
  }

  #watch<T extends Entry>(
    resource: Resource,
    options: {
      project: (object: K8sObject) => T
      onChange?: (key: string, before: T | undefined, after: T | undefined, own: boolean) => void
    },
    query: { labelSelector?: string } & ReadOptions = {},
  ): Store<T> {
    const store = new Store<T>(options)
    this.#watches.push(this.#listWatch(resource, store, query))
    return store
  }

  #listWatch<T extends Entry>(
    resource: Resource,
    store: Store<T>,
    query: { labelSelector?: string } & ReadOptions,
  ): ListWatch<Entry> {
    const { client, namespace, clock, random, log } = this.#options
    return new ListWatch({
      client,
      resource,
      namespace: resource.namespaced ? namespace : undefined,
      store: store as unknown as Store<Entry>,
      inTurn: OPTIONAL_KINDS.includes(resource) ? this.#optionalInTurn : this.#inTurn,
      clock,
      random,
      log,
      ...query,
    })
  }
}

function namedSecrets({ cluster }: ClusterEntry): string[] {
  return secretReferences(cluster).map(({ name }) => `${cluster.metadata.namespace}/${name}`)
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
    (a.rollout === b.rollout || JSON.stringify(a.rollout) === JSON.stringify(b.rollout)) &&
    sameService(a, b)
  )
}

/** Of a new Service without an address there is nothing to know. */
function sameService(a: ChildEntry | undefined, b: ChildEntry | undefined): boolean {
  const [before, after] = [a?.service ?? BLANK, b?.service ?? BLANK]
  return (
    before === after ||
    JSON.stringify([before.ingress, before.nodePorts]) ===
      JSON.stringify([after.ingress, after.nodePorts])
  )
}

const BLANK: Pick<ServiceStatus, 'ingress' | 'nodePorts'> = { ingress: [], nodePorts: {} }

/** Heartbeats change a node every few seconds, and say nothing. */
function sameNode(a: NodeEntry, b: NodeEntry): boolean {
  const said = ({ internal, external, podNetworks, open, labels, taints }: NodeEntry) =>
    JSON.stringify([internal, external, podNetworks, open, labels, taints])
  return said(a) === said(b)
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

async function denied(watch: ListWatch<Entry>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(watch.problem instanceof Forbidden)) {
    await new Promise((resolve) => setTimeout(resolve, 250).unref())
  }
}

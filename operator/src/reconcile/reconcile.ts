import { isDeepStrictEqual } from 'node:util'
import {
  API_VERSION,
  COMPONENTS,
  type Component,
  InvalidMeetingCluster,
  KIND,
  type MeetingCluster,
  type MeetingClusterStatus,
  REASON,
} from '../api/index.ts'
import {
  claimNames,
  keepsAfterDeletion,
  limitations,
  MissingSecretKey,
  objectName,
  renderMeetingCluster,
} from '../render/index.ts'
import type { ApiClient } from '../runtime/client.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Reconcile, ReconcileResult } from '../runtime/controller.ts'
import {
  ApiError,
  Conflict,
  Forbidden,
  Invalid,
  NotFound,
  TooManyRequests,
  Unavailable,
} from '../runtime/errors.ts'
import {
  type K8sObject,
  MEETING_CLUSTERS,
  PERSISTENT_VOLUME_CLAIMS,
  SECRETS,
  SERVICES,
} from '../runtime/resources.ts'
import { type Audience, announceConditions, announceRotation } from './announce.ts'
import {
  type Child,
  type ChildKind,
  type ChildOutcome,
  ChildWriter,
  type Owner,
} from './children.ts'
import { liveKitServer, RedisNeighbours, sharedRedis } from './external-redis.ts'
import { failedStatus, isUnforeseen } from './failure.ts'
import type { RelayReading } from './figures/relay.ts'
import type { ChildEntry, Rollout } from './observed.ts'
import { isInTheWay } from './replace.ts'
import { applyInOrder, pausedRollouts, type Waiting } from './rollout-order.ts'
import { type Referenced, ReferencedSecrets } from './secrets/referenced.ts'
import { planSecrets, type SecretsPlan } from './secrets/secrets.ts'
import { showToPods } from './show-to-pods.ts'
import { computeStatus, PAUSED_ANNOTATION, type Problem, pausedStatus } from './status.ts'
import { findReach, mediaNodes, mediaPods } from './turn-reach.ts'
import { unschedulable } from './unschedulable.ts'
import { withProblem, workloadFacts } from './workload-facts.ts'
import type { World } from './world.ts'

export interface ReconcilerOptions extends Audience {
  client: ApiClient
  world: World
  relay: { reading(key: string): RelayReading | undefined }
  capabilities: {
    /** The operator's own external metrics API is what this cluster asks. */
    externalMetrics(): boolean
  }
  /** Of the operator's pods; without it, it runs outside of the cluster. */
  operatorNamespace?: string
  /** Used where the spec names no registry or tag. */
  images: { registry: string; tag: string }
  /** Time within which every pod sees a changed Secret; see secrets/rotation.ts. */
  rotationMarginMs: number
  clock: Clock
  randomBytes: (count: number) => Uint8Array
}

/** What people have to put right need not touch anything that is watched: look again after this long. */
const RECHECK_MS = 60_000
/** No clock is a reason to look again at once. */
const SOONEST_MS = 1_000
/** Pods start with what these give them, so these come first. */
const LAST_KINDS = new Set(['Deployment', 'StatefulSet'])

type Cluster = MeetingCluster & K8sObject
/** Of the Secrets that the spec names, and of who else is on the same Redis. */
type Findings = Referenced & { shared: Problem | undefined }

/** The spec asks for a kind that this cluster does not have. */
class KindNotServed extends Error {
  override name = 'KindNotServed'
  readonly code = 'KIND_NOT_SERVED'
  constructor(kind: string) {
    super(`this cluster has no kind ${kind}: install its CRD, or do not ask for it`)
  }
}

/**
 * Makes the children of one MeetingCluster be as its spec asks, and its status say what is.
 *
 * Each pass does the same: secrets that are missing are generated; the spec, with the addresses found, is
 * rendered; children that differ are applied (server-side, forced: fields that others set on our objects stay,
 * fields of ours that others changed are set back); children that are no longer rendered are deleted; the status
 * is written if it says something new. A pass that finds everything in place writes nothing.
 *
 * Children are deleted with their owner by Kubernetes' garbage collector, so there is no finalizer.
 */
export function meetingClusterReconciler(options: ReconcilerOptions): Reconcile {
  const writer = new ChildWriter(options.client)
  const referenced = new ReferencedSecrets(options.client, options.world.references)
  const neighbours = new RedisNeighbours((key) => options.world.enqueue(key))
  return async (key) => {
    const cluster = options.world.clusters.get(key)?.cluster
    if (!cluster) {
      referenced.forget(key)
      neighbours.settle(key, undefined)
    }
    if (!cluster || cluster.metadata.deletionTimestamp) return {}
    if (cluster.metadata.annotations?.[PAUSED_ANNOTATION] === 'true') {
      await writeStatus(options, cluster, pausedStatus(cluster, options.clock.now()))
      return {}
    }
    const issuable = options.world.children.has('Certificate')
    const named = await referenced.inspect(key, cluster, { issuable, now: options.clock.now() })
    neighbours.settle(key, liveKitServer(cluster, named.redisServer))
    const others = [...neighbours.with(key)].flatMap(
      (other) => options.world.clusters.get(other)?.cluster ?? [],
    )
    const shared = sharedRedis(cluster, others)
    try {
      return await reconcileChildren(options, writer, key, cluster, { ...named, shared })
    } catch (error) {
      if (isUnforeseen(error))
        await writeStatus(options, cluster, failedStatus(cluster, error, options.clock.now()))
      throw error
    }
  }
}

async function reconcileChildren(
  options: ReconcilerOptions,
  writer: ChildWriter,
  key: string,
  cluster: Cluster,
  named: Findings,
): Promise<ReconcileResult> {
  const { world, relay, clock } = options
  const owner = ownerOf(cluster)
  const addresses = findReach(world, key, cluster, named.turnTls)
  const outcomes: ChildOutcome[] = []
  const ensure = async (stage: Child[]) => {
    const results = await Promise.all(
      stage.map(async (child) => {
        await makeWay(writer, child, owner)
        const outcome = await writer.ensure(child, owner)
        if (outcome.result !== 'applied') return outcome
        const { kind, metadata } = child.object
        options.log.debug({ cluster: key, kind, name: metadata.name }, 'applied')
        const change = wanted.secrets?.changes.get(metadata.name)
        if (change) announceRotation(options, cluster, change)
        // Pods that are there before it have not read it, and come anew for a Secret that was deleted.
        return outcome.created ? outcome : showToPods(options, key, cluster, child)
      }),
    )
    outcomes.push(...results)
    return results
  }

  let wanted = await desiredChildren(options, key, cluster, named, addresses.turnUrls)
  const secrets = await ensure(wanted.children.filter(isSecret))
  // Pods are made from the Secrets that are there, so a new one makes other pods.
  if (secrets.some(({ result }) => result === 'applied'))
    wanted = await desiredChildren(options, key, cluster, named, addresses.turnUrls)
  outcomes.push(...wanted.refused, ...wanted.unserved)
  const others = wanted.children.filter((child) => !isSecret(child))
  await ensure(others.filter(({ kind }) => !LAST_KINDS.has(kind.resource.kind)))
  // Without its Secret no pod starts, and those that run need not be touched.
  let waiting: Waiting = {}
  if (secrets.every(({ result }) => result === 'applied' || result === 'unchanged')) {
    const workloads = others.filter(({ kind }) => LAST_KINDS.has(kind.resource.kind))
    waiting = await applyInOrder(workloads, ensure, () => rolloutsOf(world, cluster))
  }
  // Without a full list of what is wanted, nothing can be said to be unwanted.
  if (wanted.refused.length === 0) {
    outcomes.push(...(await prune(world, writer, owner.reference.uid, wanted.names)))
  }

  const errors = outcomes.flatMap((outcome) => (outcome.result === 'failed' ? [outcome.error] : []))
  const passing = errors.find(isPassing)
  if (passing) throw passing
  const rollouts = rolloutsOf(world, cluster)
  const placing = unschedulable(waiting, rollouts, clock.now())
  const status = computeStatus(
    cluster,
    {
      rollouts,
      waiting,
      ...addresses,
      problems: [
        ...problemsOf(outcomes),
        ...named.problems,
        ...(named.shared ? [named.shared] : []),
        ...limitationsOf(cluster),
        ...placing.problems,
        ...pausedRollouts(waiting, rollouts),
      ],
      redisServer: named.redisServer,
      relay: relay.reading(key),
    },
    clock.now(),
  )
  await writeStatus(options, cluster, status)
  const retry = errors.find((error) => !reasonOf(error).stalled)
  if (retry) throw retry
  if (outcomes.some(({ result }) => result === 'foreign' || result === 'failed'))
    return { requeueAfterMs: RECHECK_MS }
  const { wakeInMs: rotationInMs = Number.POSITIVE_INFINITY } = wanted.secrets ?? {}
  const wakeInMs = Math.min(rotationInMs, named.wakeInMs, placing.wakeInMs)
  return Number.isFinite(wakeInMs) ? { requeueAfterMs: Math.max(wakeInMs, SOONEST_MS) } : {}
}

function isSecret({ kind }: Child): boolean {
  return kind.resource === SECRETS
}

/** What goes wrong here, the attempt to write says. */
async function makeWay(writer: ChildWriter, child: Child, { namespace, reference }: Owner) {
  // Dozens of children of other kinds need not be looked up for it.
  if (child.kind.resource !== SERVICES) return
  const entry = child.kind.store.get(`${namespace}/${child.object.metadata.name}`)
  if (entry?.group === reference.uid && isInTheWay(child, entry))
    await writer.remove(child.kind, entry)
}

function ownerOf({ metadata }: Cluster): Owner {
  return {
    namespace: metadata.namespace ?? 'default',
    reference: {
      apiVersion: API_VERSION,
      kind: KIND,
      name: metadata.name,
      uid: metadata.uid ?? '',
      controller: true,
      blockOwnerDeletion: true,
    },
  }
}

interface Wanted {
  children: Child[]
  /** `Kind/name` of all that is to stay: what is wanted, and what is held as it is. */
  names: Set<string>
  /** Of the children that are Secrets. */
  secrets?: SecretsPlan
  /** What the spec asks for and this cluster has no kind for; the rest goes on. */
  unserved: ChildOutcome[]
  /** Why nothing could be rendered. */
  refused: ChildOutcome[]
}

async function desiredChildren(
  options: ReconcilerOptions,
  key: string,
  cluster: Cluster,
  named: Findings,
  turnUrls: string[],
): Promise<Wanted> {
  const { world, images } = options
  try {
    const secrets = await planSecrets(cluster, {
      kind: kindOf(world, 'Secret'),
      source: named.redis,
      pods: (component) => world.podsOf(key, component),
      marginMs: options.rotationMarginMs,
      now: options.clock.now,
      randomBytes: options.randomBytes,
    })
    const { objects, held } = renderMeetingCluster(cluster, {
      images,
      secretUids: { ...secrets.uids, ...named.versions },
      secretGenerations: secrets.generations,
      nodes: world.factsOfNodes(),
      mediaNodes: mediaNodes(world, key),
      mediaPods: mediaPods(world, key),
      ...(named.shared ? { held: ['sfu' as const] } : {}),
      workloads: workloadFacts(world, key, rolloutsOf(world, cluster)),
      ...(options.operatorNamespace && { operatorNamespace: options.operatorNamespace }),
      turnUrls,
      capabilities: {
        serviceMonitor: world.children.has('ServiceMonitor'),
        prometheusRules: world.children.has('PrometheusRule'),
        certificates: world.children.has('Certificate'),
        storage: hasStorage(world, cluster),
        externalMetrics: options.capabilities.externalMetrics(),
      },
    })
    const [servable, unserved] = partition(objects, ({ kind }) => world.children.has(kind))
    const rendered = servable.map((object) =>
      childOf(world, object, { kept: keepsAfterDeletion(cluster, object) }),
    )
    const names = [...objects, ...held, ...secrets.children.map(({ object }) => object)].map(
      ({ kind, metadata }) => `${kind}/${metadata.name}`,
    )
    return {
      children: [...secrets.children, ...rendered],
      names: new Set(names),
      secrets,
      unserved: unserved.map(({ kind }) => ({ result: 'failed', error: new KindNotServed(kind) })),
      refused: [],
    }
  } catch (error) {
    if (
      error instanceof InvalidMeetingCluster ||
      error instanceof MissingSecretKey ||
      error instanceof KindNotServed ||
      error instanceof ApiError
    ) {
      const refused: ChildOutcome[] = [{ result: 'failed', error }]
      return { children: [], names: new Set(), unserved: [], refused }
    }
    throw error
  }
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))]
}

function childOf(world: World, object: K8sObject, how: Pick<Child, 'kept'> = {}): Child {
  return { kind: kindOf(world, object.kind ?? ''), object, ...how }
}

function kindOf(world: World, name: string): ChildKind {
  const kind = world.children.get(name)
  if (!kind) throw new KindNotServed(name)
  return kind
}

/** Whether a claim for the store would be bound, or already is. */
function hasStorage(world: World, cluster: Cluster): boolean {
  const { namespace } = cluster.metadata
  const claims = world.children.get('PersistentVolumeClaim')?.store
  for (const name of Object.values(claimNames(cluster)))
    if (claims?.get(`${namespace}/${name}`)) return true
  const { storageClassName } = cluster.spec.store
  if (storageClassName) return world.storageClasses.get(storageClassName) !== undefined
  return [...world.storageClasses.values()].some(({ isDefault }) => isDefault)
}

async function prune(
  world: World,
  writer: ChildWriter,
  ownerUid: string,
  wanted: ReadonlySet<string>,
): Promise<ChildOutcome[]> {
  const unwanted: { kind: ChildKind; entry: ChildEntry }[] = []
  for (const kind of world.children.values()) {
    // A claim holds data: it goes with the MeetingCluster or by hand, never because a mode was switched.
    if (kind.resource === PERSISTENT_VOLUME_CLAIMS) continue
    for (const entry of kind.store.group(ownerUid)) {
      if (!wanted.has(`${kind.resource.kind}/${entry.name}`)) unwanted.push({ kind, entry })
    }
  }
  return Promise.all(unwanted.map(({ kind, entry }) => writer.remove(kind, entry)))
}

function rolloutsOf(world: World, cluster: Cluster): Partial<Record<Component, Rollout>> {
  const { namespace, name, uid = '' } = cluster.metadata
  const owner = `${namespace}/${name}`
  const names = COMPONENTS.map((component) => objectName(cluster, component))
  const rollouts: Partial<Record<Component, Rollout>> = {}
  for (const kind of LAST_KINDS) {
    for (const entry of world.children.get(kind)?.store.group(uid) ?? []) {
      const component = COMPONENTS[names.indexOf(entry.name)]
      if (component && entry.rollout)
        rollouts[component] = withProblem(entry.rollout, world.podsOf(owner, component))
    }
  }
  return rollouts
}

/**
 * Will be over by itself: not worth a condition, and a status could not be written either. A conflict is a write
 * that somebody else was ahead of.
 */
function isPassing(error: Error): boolean {
  return (
    error instanceof Unavailable || error instanceof TooManyRequests || error instanceof Conflict
  )
}

function problemsOf(outcomes: ChildOutcome[]): Problem[] {
  const problems = outcomes.flatMap((outcome): Problem[] => {
    switch (outcome.result) {
      case 'foreign':
        return [{ reason: REASON.NameConflict, message: outcome.message, stalled: true }]
      case 'failed':
        return [{ ...reasonOf(outcome.error), message: outcome.error.message }]
      default:
        return []
    }
  })
  // One missing permission stops many children.
  return [...new Map(problems.map((problem) => [problem.message, problem])).values()]
}

function limitationsOf(cluster: Cluster): Problem[] {
  return limitations(cluster).map(({ message }) => ({
    reason: REASON.InvalidSpec,
    message,
    stalled: true,
  }))
}

function reasonOf(error: Error): Pick<Problem, 'reason' | 'stalled'> {
  if (error instanceof InvalidMeetingCluster) return { reason: REASON.InvalidSpec, stalled: true }
  if (error instanceof Forbidden) return { reason: REASON.Forbidden, stalled: true }
  if (error instanceof MissingSecretKey || error instanceof KindNotServed) {
    return { reason: REASON.MissingReference, stalled: true }
  }
  if (error instanceof ApiError && error.code === 'QuotaExceeded')
    return { reason: REASON.QuotaExceeded, stalled: true }
  return { reason: REASON.ApplyFailed, stalled: error instanceof Invalid }
}

async function writeStatus(
  options: ReconcilerOptions,
  cluster: Cluster,
  status: MeetingClusterStatus,
): Promise<void> {
  if (isDeepStrictEqual(cluster.status, status)) return
  const { namespace, name, uid } = cluster.metadata
  try {
    const written = await options.client.applyStatus(MEETING_CLUSTERS, namespace, name, {
      apiVersion: API_VERSION,
      kind: KIND,
      metadata: { name, namespace, uid },
      status,
    })
    options.world.clusters.observe(written)
  } catch (error) {
    // Deleted, or another one of that name by now: its own event brings us back.
    if (error instanceof NotFound || error instanceof Conflict) return
    throw error
  }
  announceConditions(options, cluster, status)
}

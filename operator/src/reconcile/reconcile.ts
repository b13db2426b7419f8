import { isDeepStrictEqual } from 'node:util'
import {
  API_VERSION,
  InvalidMeetingCluster,
  KIND,
  type MeetingCluster,
  type MeetingClusterStatus,
  REASON,
} from '../api/index.ts'
import { limitations, MissingSecretKey } from '../render/index.ts'
import type { ApiClient } from '../runtime/client.ts'
import type { Reconcile, ReconcileResult } from '../runtime/controller.ts'
import {
  ApiError,
  Conflict,
  Forbidden,
  Invalid,
  NamespaceEnding,
  NotFound,
  TooManyRequests,
  Unavailable,
  WebhookAway,
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
import type { ChildEntry } from './observed.ts'
import { missingPriceList } from './price-list.ts'
import { refusedPods } from './refused-pods.ts'
import { isInTheWay } from './replace.ts'
import type { Look, RestingStates } from './resting.ts'
import { applyInOrder, heldByOthers, pausedRollouts, type Waiting } from './rollout-order.ts'
import type { Referenced, ReferencedSecrets } from './secrets/referenced.ts'
import type { SecretsPlan } from './secrets/secrets.ts'
import { showToPods } from './show-to-pods.ts'
import { computeStatus, PAUSED_ANNOTATION, type Problem, pausedStatus } from './status.ts'
import { findReach } from './turn-reach.ts'
import { unschedulable } from './unschedulable.ts'
import { missingStorageClasses, withoutVolume } from './volumes.ts'
import { KindNotServed, type Plan, type PlanOptions, planChildren, wantedBy } from './wanted.ts'
import { LAST_KINDS, rolloutsOf } from './workload-facts.ts'
import type { World } from './world.ts'

export interface ReconcilerOptions extends Audience, PlanOptions {
  client: ApiClient
  relay: { reading(key: string): RelayReading | undefined }
  referenced: ReferencedSecrets
  /** Without it every pass compares everything. */
  resting?: RestingStates | undefined
  /** After so long what may be at rest is looked at again. */
  lookAgainMs: number
}

/** What people have to put right need not touch anything that is watched: look again after this long. */
const RECHECK_MS = 60_000
/** No clock is a reason to look again at once. */
const SOONEST_MS = 1_000

type Cluster = MeetingCluster & K8sObject
/** Of the Secrets that the spec names, and of who else is on the same Redis. */
type Findings = Referenced & { shared: Problem | undefined }

/**
 * Makes the children of one MeetingCluster be as its spec asks, and its status say what is.
 *
 * Each pass does the same: secrets that are missing are generated; the spec, with the addresses found, is
 * rendered; children that differ are applied (server-side, forced: fields that others set on our objects stay,
 * fields of ours that others changed are set back); children that are no longer rendered are deleted; the status
 * is written if it says something new. A pass that finds everything in place writes nothing, and one that finds it as
 * such a pass did need not render and compare ({@link RestingStates}).
 *
 * Children are deleted with their owner by Kubernetes' garbage collector, so there is no finalizer.
 */
export function meetingClusterReconciler(options: ReconcilerOptions): Reconcile {
  const writer = new ChildWriter(options.client)
  const { referenced } = options
  const neighbours = new RedisNeighbours((key) => options.world.enqueue(key))
  const pass = async (key: string): Promise<ReconcileResult> => {
    const cluster = options.world.clusters.get(key)?.cluster
    if (!cluster) {
      referenced.forget(key)
      neighbours.settle(key, undefined)
      options.resting?.forget(key)
    }
    if (!cluster || cluster.metadata.deletionTimestamp) return {}
    const issuable = options.world.children.has('Certificate')
    const inspect = () => referenced.inspect(key, cluster, { issuable, now: options.clock.now() })
    if (cluster.metadata.annotations?.[PAUSED_ANNOTATION] === 'true') {
      await writeStatus(options, cluster, pausedStatus(cluster, options.clock.now()))
      // Its certificates end all the same, which the metric of it goes on to say.
      await inspect()
      return {}
    }
    const named = await inspect()
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
  return async (key) => {
    try {
      const result = await pass(key)
      options.resting?.passed(key)
      return result
    } catch (error) {
      // An error that passes says nothing of this one, which is soon tried again.
      if (isPassing(error as Error)) options.resting?.failed(key)
      else options.resting?.passed(key)
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
  const { world, relay, clock, resting } = options
  const addresses = findReach(world, key, cluster, named.turnTls)
  const plan = () => planChildren(options, key, cluster, { ...named, turnUrls: addresses.turnUrls })
  const first = await plan()
  const look = first.given && resting?.look(key, first.given, world.children)
  const { outcomes, waiting, secrets, again }: Done = look?.atRest
    ? { outcomes: [], waiting: {}, secrets: first.secrets, again: false }
    : await bringAbout(options, writer, key, cluster, { first, plan, look })

  const errors = outcomes.flatMap((outcome) => (outcome.result === 'failed' ? [outcome.error] : []))
  const passing = errors.find(isPassing)
  if (passing) throw passing
  // The MeetingCluster is going too: what is gone before it need not come back.
  if (errors.some((error) => error instanceof NamespaceEnding))
    return { requeueAfterMs: RECHECK_MS }
  const rollouts = rolloutsOf(world, cluster)
  const placing = unschedulable(waiting, rollouts, clock.now())
  const unpriced = await missingPriceList(options.client, cluster, rollouts.meter)
  const status = computeStatus(
    cluster,
    {
      rollouts,
      waiting,
      ...addresses,
      withoutVolume: withoutVolume(world, cluster),
      problems: [
        ...problemsOf(outcomes),
        ...named.problems,
        ...(named.shared ? [named.shared] : []),
        ...limitationsOf(cluster),
        ...missingStorageClasses(world, cluster, rollouts),
        ...unpriced,
        ...placing.problems,
        ...refusedPods(rollouts),
        ...pausedRollouts(waiting, rollouts),
        ...heldByOthers(rollouts, waiting),
      ],
      redisServer: named.redisServer,
      relay: relay.reading(key),
    },
    clock.now(),
  )
  await writeStatus(options, cluster, status)
  const retry = errors.find((error) => !reasonOf(error).stalled)
  if (retry) throw retry
  if (
    unpriced.length > 0 ||
    outcomes.some(({ result }) => result === 'foreign' || result === 'failed')
  )
    return { requeueAfterMs: RECHECK_MS }
  const rotationInMs = secrets?.wakeInMs ?? Number.POSITIVE_INFINITY
  const wakeInMs = Math.max(SOONEST_MS, Math.min(rotationInMs, named.wakeInMs, placing.wakeInMs))
  const requeueAfterMs = Math.min(wakeInMs, again ? options.lookAgainMs : Number.POSITIVE_INFINITY)
  return Number.isFinite(requeueAfterMs) ? { requeueAfterMs } : {}
}

interface Done {
  outcomes: ChildOutcome[]
  waiting: Waiting
  secrets: SecretsPlan | undefined
  /** Another look may find that nothing is to be done. */
  again: boolean
}

/** Renders the children, writes those that are not as wanted, and deletes those that are not wanted. */
async function bringAbout(
  options: ReconcilerOptions,
  writer: ChildWriter,
  key: string,
  cluster: Cluster,
  { first, plan, look }: { first: Plan; plan: () => Promise<Plan>; look: Look | undefined },
): Promise<Done> {
  const { world } = options
  const owner = ownerOf(cluster)
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

  let wanted = wantedBy(first, world)
  const secrets = await ensure(wanted.children.filter(isSecret))
  // Pods are made from the Secrets that are there, so a new one makes other pods.
  if (secrets.some(({ result }) => result === 'applied')) wanted = wantedBy(await plan(), world)
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
  const pruned =
    wanted.refused.length === 0 ? await prune(world, writer, owner.reference.uid, wanted.names) : []
  // What is deleted brings us back when it is gone.
  const isDone = pruned.length === 0 && Object.keys(waiting).length === 0
  const again = isDone && look?.settle(wanted.children, outcomes) === true
  return { outcomes: [...outcomes, ...pruned], waiting, secrets: wanted.secrets, again }
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

/**
 * Will be over by itself: not worth a condition, and a status could not be written either. A conflict is a write
 * that somebody else was ahead of.
 */
function isPassing(error: Error): boolean {
  if (error instanceof WebhookAway) return false
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

import { InvalidMeetingCluster, type MeetingCluster } from '../api/index.ts'
import { keepsAfterDeletion, MissingSecretKey, renderMeetingCluster } from '../render/index.ts'
import type { Clock } from '../runtime/clock.ts'
import { ApiError } from '../runtime/errors.ts'
import type { K8sObject } from '../runtime/resources.ts'
import type { Child, ChildKind, ChildOutcome } from './children.ts'
import { type Given, renderable } from './resting.ts'
import { planSecrets, type SecretsPlan, type Source } from './secrets/secrets.ts'
import { mediaNodes, mediaPods } from './turn-reach.ts'
import { storageOf } from './volumes.ts'
import { rolloutsOf, workloadFacts } from './workload-facts.ts'
import type { World } from './world.ts'

export interface PlanOptions {
  world: World
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

/** What was found before, of others and of the network. */
export interface PlanFindings {
  turnUrls: string[]
  /** The Secret that an external Redis is named by. */
  redis: Source | undefined
  /** By name, of Secrets whose readers restart when they change. */
  versions: Record<string, string>
  /** Somebody else's LiveKit is on this Redis. */
  shared: object | undefined
}

type Cluster = MeetingCluster & K8sObject

/** The spec asks for a kind that this cluster does not have. */
export class KindNotServed extends Error {
  override name = 'KindNotServed'
  readonly code = 'KIND_NOT_SERVED'
  constructor(kind: string) {
    super(`this cluster has no kind ${kind}: install its CRD, or do not ask for it`)
  }
}

export interface Wanted {
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

/** What has to be known before anything is rendered. */
export interface Plan {
  /** Left out where {@link Plan.refused} says why. */
  given?: Given
  secrets?: SecretsPlan
  refused: ChildOutcome[]
}

/** Secrets as they are to be now, and what the rest is rendered from. */
export async function planChildren(
  options: PlanOptions,
  key: string,
  cluster: Cluster,
  { turnUrls, redis, versions, shared }: PlanFindings,
): Promise<Plan> {
  const { world, images } = options
  try {
    const secrets = await planSecrets(cluster, {
      kind: kindOf(world, 'Secret'),
      source: redis,
      pods: (component) => world.podsOf(key, component),
      marginMs: options.rotationMarginMs,
      now: options.clock.now,
      randomBytes: options.randomBytes,
    })
    const inputs = {
      images,
      secretUids: { ...secrets.uids, ...versions },
      secretGenerations: secrets.generations,
      nodes: world.factsOfNodes(),
      mediaNodes: mediaNodes(world, key),
      mediaPods: mediaPods(world, key),
      ...(shared ? { held: ['sfu' as const] } : {}),
      workloads: workloadFacts(world, key, rolloutsOf(world, cluster)),
      ...(options.operatorNamespace && { operatorNamespace: options.operatorNamespace }),
      turnUrls,
      capabilities: {
        serviceMonitor: world.children.has('ServiceMonitor'),
        prometheusRules: world.children.has('PrometheusRule'),
        certificates: world.children.has('Certificate'),
        storage: storageOf(world, cluster),
        externalMetrics: options.capabilities.externalMetrics(),
      },
    }
    const given = { cluster: renderable(cluster), inputs, secrets: secrets.children }
    return { given, secrets, refused: [] }
  } catch (error) {
    return { refused: refusal(error) }
  }
}

/** All children, rendered. What they follow from is in the plan, and nothing else. */
export function wantedBy({ given, secrets, refused }: Plan, world: World): Wanted {
  const nothing = { children: [], names: new Set<string>(), unserved: [] }
  if (!given || !secrets) return { ...nothing, refused }
  const { cluster, inputs } = given
  try {
    const { objects, held } = renderMeetingCluster(cluster, inputs)
    const [servable, unserved] = partition(objects, ({ kind }) => world.children.has(kind))
    const rendered = servable.map((object) => ({
      ...{ kind: kindOf(world, object.kind ?? ''), object },
      kept: keepsAfterDeletion(cluster, object),
    }))
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
    return { ...nothing, refused: refusal(error) }
  }
}

/** What somebody has to put right before anything can be rendered. @throws what is a mistake of ours */
function refusal(error: unknown): ChildOutcome[] {
  if (
    error instanceof InvalidMeetingCluster ||
    error instanceof MissingSecretKey ||
    error instanceof KindNotServed ||
    error instanceof ApiError
  )
    return [{ result: 'failed', error }]
  throw error
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))]
}

function kindOf(world: World, name: string): ChildKind {
  const kind = world.children.get(name)
  if (!kind) throw new KindNotServed(name)
  return kind
}

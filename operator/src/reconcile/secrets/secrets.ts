import { hash } from 'node:crypto'
import { durationSeconds, type MeetingCluster } from '../../api/index.ts'
import {
  formatEntries,
  freshEntry,
  generateSecret,
  parseEntries,
  type RotatingSecret,
  rotatingSecrets,
  type Secret,
  type SecretData,
  secretNames,
  secretShapes,
} from '../../render/index.ts'
import { FIELD_MANAGER } from '../../runtime/client.ts'
import type { K8sObject } from '../../runtime/resources.ts'
import { GENERATION_ANNOTATION, SOURCE_ANNOTATION } from '../annotations.ts'
import type { Child, ChildKind } from '../children.ts'
import type { ChildEntry, PodEntry } from '../observed.ts'
import {
  adoptedRotation,
  changeList,
  initialRotation,
  type ListChange,
  planRotation,
  ROTATE_ANNOTATION,
  type RotationPolicy,
  type RotationState,
  rotationAnnotations,
  rotationOf,
} from './rotation.ts'

export interface SecretsOptions {
  kind: ChildKind
  /** The Secret of somebody else that the Redis Secret is made from; undefined where the spec names none. */
  source: Source | undefined
  pods: (component: string) => PodEntry[]
  /** Time within which every reader sees a change. */
  marginMs: number
  now: () => number
  randomBytes: (count: number) => Uint8Array
}

/** A Secret that somebody else made. */
export interface Source {
  name: string
  /** As its watch last told; undefined while there is none of that name. */
  version: string | undefined
  /** Undefined while there is none of that name. */
  read: () => Promise<{ version: string; data: SecretData } | undefined>
}

export interface SecretsPlan {
  children: Child[]
  /** By name, of those that are there. */
  uids: Record<string, string>
  generations: Record<string, number>
  /** Milliseconds until one of them may be due for a change. */
  wakeInMs: number
  /** What was done to the lists of those that have been written since, by name. */
  changes: ReadonlyMap<string, RotationChange>
}

export interface RotationChange {
  secret: RotatingSecret
  change: ListChange
}

type SecretObject = K8sObject & { data?: Record<string, string> }

/**
 * The Secrets of a MeetingCluster as children to write. What a Secret holds is made once and then kept, but for
 * rotation. Which of them has to be written is worked out from their annotations: no Secret is read before that,
 * and none stays in memory after it. @throws MissingSecretKey
 */
export async function planSecrets(
  cluster: MeetingCluster & K8sObject,
  options: SecretsOptions,
): Promise<SecretsPlan> {
  const changes = new Map<string, RotationChange>()
  const plan: SecretsPlan = {
    children: [],
    uids: {},
    generations: {},
    wakeInMs: Number.POSITIVE_INFINITY,
    changes,
  }
  const rotating = new Map(rotatingSecrets(cluster).map((secret) => [secret.name, secret]))
  for (const object of secretShapes(cluster)) {
    const { name } = object.metadata
    const entry = options.kind.store.get(`${cluster.metadata.namespace}/${name}`)
    if (entry) {
      plan.uids[name] = entry.uid
      plan.generations[name] = generationOf(entry)
    }
    const secret = rotating.get(name)
    if (secret) {
      const { child, wakeInMs } = rotatingChild(cluster, options, {
        object,
        entry,
        secret,
        changes,
      })
      plan.children.push(child)
      plan.wakeInMs = Math.min(plan.wakeInMs, wakeInMs)
    } else if (name === secretNames(cluster).redis) {
      plan.children.push(await redisChild(cluster, options, object, entry))
    } else {
      const make = (known: Known) => generateSecret(cluster, name, known, options.randomBytes)
      plan.children.push(keptChild(options.kind, object, entry, async () => ({ make })))
    }
  }
  return plan
}

type Known = Record<string, SecretData>

function rotatingChild(
  cluster: MeetingCluster & K8sObject,
  options: SecretsOptions,
  {
    object,
    entry,
    secret,
    changes,
  }: {
    object: Secret
    entry: ChildEntry | undefined
    secret: RotatingSecret
    changes: Map<string, RotationChange>
  },
): { child: Child; wakeInMs: number } {
  const { name } = secret
  const policy = policyOf(cluster, secret, options)
  const now = options.now()
  const known = rotationOf(entry?.notes)
  const next = entry ? planRotation(known, policy, now) : undefined
  const state = next?.state ?? initialRotation(policy, now)
  const fresh = () => freshEntry(cluster, name, options.randomBytes)
  const fill = (existing: SecretObject | undefined) => {
    const content = generateSecret(cluster, name, knownOf(existing), options.randomBytes)
    const rotated = rotate(content, existing, { secret, policy, now, fresh })
    if (rotated.change !== 'none') changes.set(name, { secret, change: rotated.change })
    return locked(rotated.object, existing)
  }
  return {
    child: { kind: options.kind, object: annotated(object, rotationAnnotations(state)), fill },
    wakeInMs: sameState(known, state) ? (next?.wakeInMs ?? 0) : 0,
  }
}

/** The Redis Secret says in one form where Redis is, ours or somebody else's. */
async function redisChild(
  cluster: MeetingCluster & K8sObject,
  { kind, source, randomBytes }: SecretsOptions,
  object: Secret,
  entry: ChildEntry | undefined,
): Promise<Child> {
  const { mode, external } = cluster.spec.redis
  const { name } = object.metadata
  const madeFrom = (version = '') => `${version} ${external.url}`.trim()
  const given = async () => {
    const read = await source?.read()
    const make = (known: Known) => {
      const all = source && read ? { ...known, [source.name]: read.data } : known
      return generateSecret(cluster, name, all, randomBytes)
    }
    return { make, ...(mode === 'External' ? { source: madeFrom(read?.version) } : {}) }
  }
  if (mode === 'Managed') return keptChild(kind, object, entry, given)
  const now = madeFrom(source?.version)
  // Whether it can be made is to be known before anything is written.
  if (entry?.notes?.[SOURCE_ANNOTATION] !== now) (await given()).make({})
  return keptChild(kind, object, entry, given, now)
}

/** A Secret that is made once, or anew when what it is made from has changed. */
function keptChild(
  kind: ChildKind,
  object: Secret,
  entry: ChildEntry | undefined,
  given: () => Promise<{ make: (known: Known) => Secret; source?: string }>,
  source?: string,
): Child {
  const notes = (generation: number, madeFrom = source) => ({
    [GENERATION_ANNOTATION]: String(generation),
    ...(madeFrom === undefined ? {} : { [SOURCE_ANNOTATION]: madeFrom }),
  })
  return {
    kind,
    object: annotated(object, notes(entry ? generationOf(entry) : 0)),
    fill: async (existing: SecretObject | undefined) => {
      const { make, source: madeFrom } = await given()
      const content = make(knownOf(existing))
      const before = Number(existing?.metadata.annotations?.[GENERATION_ANNOTATION] ?? 0)
      const same = !existing || (sameData(existing.data, content.data) && isOurs(existing, content))
      const generation = same ? before : before + 1
      return locked(annotated(content, notes(generation, madeFrom)), existing)
    },
  }
}

function knownOf(existing: SecretObject | undefined): Known {
  return existing ? { [existing.metadata.name]: existing.data ?? {} } : {}
}

/** The Secret with its list as it has to be now. What is there is judged anew: it may have changed meanwhile. */
function rotate(
  content: Secret,
  existing: SecretObject | undefined,
  {
    secret: { key },
    policy,
    now,
    fresh,
  }: { secret: RotatingSecret; policy: RotationPolicy; now: number; fresh: () => string },
): { object: Secret; change: ListChange } {
  const as = (state: RotationState, change: ListChange, data = content.data) => ({
    object: annotated({ ...content, data }, rotationAnnotations(state)),
    change,
  })
  const known = rotationOf(existing?.metadata.annotations)
  const entries = parseEntries(Buffer.from(existing?.data?.[key] ?? '', 'base64').toString())
  if (!existing || entries.length === 0) {
    const { generation = -1 } = known ?? {}
    return as({ ...initialRotation(policy, now), generation: generation + 1 }, 'none')
  }
  // Somebody's own list is taken as it is, and all of it is accepted for as long as it may be needed.
  if (!isOurs(existing, content)) return as(adoptedRotation(policy, now, known), 'none')
  const { state, change } = planRotation(known, policy, now)
  if (change === 'none') return as(state, change)
  const list = Buffer.from(formatEntries(changeList(entries, change, fresh))).toString('base64')
  return as(state, change, { ...content.data, [key]: list })
}

function policyOf(
  { metadata, spec }: MeetingCluster & K8sObject,
  { ttlSeconds, restarts }: RotatingSecret,
  { pods, marginMs }: SecretsOptions,
): RotationPolicy {
  const rolled = (generation: number) =>
    restarts === undefined || pods(restarts).every((pod) => pod.keysGeneration >= generation)
  return {
    periodMs: durationSeconds(spec.turn.credentials.rotation) * 1000,
    ttlMs: ttlSeconds * 1000,
    marginMs,
    spread: Number.parseInt(hash('sha1', metadata.uid ?? '').slice(0, 8), 16) / 2 ** 32,
    demand: shortened(metadata.annotations?.[ROTATE_ANNOTATION] ?? ''),
    ...(restarts === undefined ? {} : { rolled }),
  }
}

/** What people write as a demand may be long, and is only ever compared. */
function shortened(demand: string): string {
  return demand.length <= 64 ? demand : hash('sha256', demand, 'base64url')
}

function generationOf({ notes }: ChildEntry): number {
  return rotationOf(notes)?.generation ?? Number(notes?.[GENERATION_ANNOTATION] ?? 0)
}

function annotated(object: Secret, annotations: Record<string, string>): Secret {
  return { ...object, metadata: { ...object.metadata, annotations } }
}

/** Written only over what was read: a change that came between must not be lost. */
function locked(object: Secret, existing: K8sObject | undefined): K8sObject {
  const resourceVersion = existing?.metadata.resourceVersion
  if (resourceVersion === undefined) return object
  return { ...object, metadata: { ...object.metadata, resourceVersion } }
}

function sameState(a: RotationState | undefined, b: RotationState): boolean {
  return (
    a !== undefined &&
    JSON.stringify(rotationAnnotations(a)) === JSON.stringify(rotationAnnotations(b))
  )
}

function sameData(a: SecretData | undefined, b: SecretData): boolean {
  return a !== undefined && Object.entries(b).every(([key, value]) => a[key] === value)
}

/** Whether every value is as we wrote it: who changes one by hand takes it out of our fields. */
function isOurs({ metadata }: K8sObject, { data }: Secret): boolean {
  const ours = metadata.managedFields?.find(
    ({ manager, operation, subresource }) =>
      manager === FIELD_MANAGER && operation === 'Apply' && !subresource,
  )
  const fields = (ours?.fieldsV1 ?? {}) as { 'f:data'?: Record<string, unknown> }
  return Object.keys(data).every((key) => fields['f:data']?.[`f:${key}`] !== undefined)
}

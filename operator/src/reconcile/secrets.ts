import { hash } from 'node:crypto'
import { durationSeconds, type MeetingCluster } from '../api/index.ts'
import {
  formatEntries,
  freshEntry,
  generateSecrets,
  parseEntries,
  type RotatingSecret,
  rotatingSecrets,
  type Secret,
  type SecretData,
  secretNames,
  secretShapes,
} from '../render/index.ts'
import { FIELD_MANAGER } from '../runtime/client.ts'
import type { K8sObject } from '../runtime/resources.ts'
import type { Child, ChildKind } from './children.ts'
import { type ChildEntry, GENERATION_ANNOTATION, type PodEntry } from './observed.ts'
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

/** On a Secret made from another one: uid and version of that. */
export const SOURCE_ANNOTATION = 'parley.dev/source'

export interface SecretsOptions {
  kind: ChildKind
  /** The Secrets of others that the spec names, where one of ours is to be made from it. */
  given: Given | undefined
  pods: (component: string) => PodEntry[]
  /** Time within which every reader sees a change. */
  marginMs: number
  now: () => number
  randomBytes: (count: number) => Uint8Array
}

/** A Secret that somebody else made. */
export interface Given {
  name: string
  /** Another one whenever the Secret has changed. */
  version: string
  data: SecretData
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
export function planSecrets(cluster: MeetingCluster & K8sObject, options: SecretsOptions) {
  const { kind, given } = options
  const entryOf = (name: string) => kind.store.get(`${cluster.metadata.namespace}/${name}`)
  const changes = new Map<string, RotationChange>()
  const plan: SecretsPlan = {
    children: [],
    uids: {},
    generations: {},
    wakeInMs: Number.POSITIVE_INFINITY,
    changes,
  }
  const rotating = new Map(rotatingSecrets(cluster).map((secret) => [secret.name, secret]))
  const contentOf = (name: string, existing: SecretObject | undefined): Secret => {
    const known = {
      ...(given && { [given.name]: given.data }),
      ...(existing && { [name]: existing.data ?? {} }),
    }
    const all = generateSecrets(cluster, known, options.randomBytes)
    return all.find(({ metadata }) => metadata.name === name) as Secret
  }
  for (const object of secretShapes(cluster)) {
    const { name } = object.metadata
    const entry = entryOf(name)
    const secret = rotating.get(name)
    if (entry) {
      plan.uids[name] = entry.uid
      plan.generations[name] = generationOf(entry)
    }
    if (!secret) {
      const source = name === secretNames(cluster).redis ? given?.version : undefined
      plan.children.push(keptSecret(kind, object, { entry, source, contentOf }))
      continue
    }
    const policy = policyOf(cluster, secret, options)
    const now = options.now()
    const known = rotationOf(entry?.notes)
    const next = entry ? planRotation(known, policy, now) : undefined
    const state = next?.state ?? initialRotation(policy, now)
    plan.wakeInMs = Math.min(plan.wakeInMs, sameState(known, state) ? (next?.wakeInMs ?? 0) : 0)
    plan.children.push({
      kind,
      object: annotated(object, rotationAnnotations(state)),
      fill: (existing) => {
        const content = contentOf(name, existing)
        const fresh = () => freshEntry(cluster, name, options.randomBytes)
        const rotated = rotate(content, existing, { secret, policy, now, fresh })
        if (rotated.change !== 'none') changes.set(name, { secret, change: rotated.change })
        return locked(rotated.object, existing)
      },
    })
  }
  return plan
}

/** A Secret that is made once, or anew when what it is made from has changed. */
function keptSecret(
  kind: ChildKind,
  object: Secret,
  how: {
    entry: ChildEntry | undefined
    source: string | undefined
    contentOf: (name: string, existing: SecretObject | undefined) => Secret
  },
): Child {
  const { name } = object.metadata
  const notes = (generation: number) => ({
    [GENERATION_ANNOTATION]: String(generation),
    ...(how.source === undefined ? {} : { [SOURCE_ANNOTATION]: how.source }),
  })
  return {
    kind,
    object: annotated(object, notes(how.entry ? generationOf(how.entry) : 0)),
    fill: (existing: SecretObject | undefined) => {
      const content = how.contentOf(name, existing)
      const before = Number(existing?.metadata.annotations?.[GENERATION_ANNOTATION] ?? 0)
      const other =
        existing && !(sameData(existing.data, content.data) && isOurs(existing, content))
      return locked(annotated(content, notes(before + (other ? 1 : 0))), existing)
    },
  }
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
  if (!existing?.data?.[key]) {
    const { generation = -1 } = known ?? {}
    return as({ ...initialRotation(policy, now), generation: generation + 1 }, 'none')
  }
  // Somebody's own list is taken as it is, and all of it is accepted for as long as it may be needed.
  if (!isOurs(existing, content)) return as(adoptedRotation(policy, now, known), 'none')
  const { state, change } = planRotation(known, policy, now)
  if (change === 'none') return as(state, change)
  const entries = parseEntries(Buffer.from(existing.data[key], 'base64').toString())
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

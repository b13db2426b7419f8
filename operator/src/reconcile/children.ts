import { MissingSecretKey } from '../render/index.ts'
import type { ApiClient } from '../runtime/client.ts'
import { ApiError, Conflict } from '../runtime/errors.ts'
import type { Message } from '../runtime/protobuf.ts'
import type { K8sObject, OwnerReference, Resource } from '../runtime/resources.ts'
import type { Store } from '../runtime/store.ts'
import { HASH_ANNOTATION } from './annotations.ts'
import { type ChildEntry, projectChild } from './observed.ts'
import { digest, ownedFields, ownKeyPrefix } from './owned-fields.ts'
import { keepReplicas } from './replicas.ts'

/** One kind of child: how to reach it, what is known of it, and whether that can be trusted. */
export interface ChildKind {
  resource: Resource
  store: Store<ChildEntry>
  /** What the store needs of objects; left out: their metadata. */
  fields?: Message
  /** What is being written just now, by `namespace/name`: the hash that it will have. */
  writing?: Map<string, string>
  /** Called for what has changed again while it was being written. */
  onOvertaken?: (entry: ChildEntry) => void
  /** Why the store may be empty or old: kinds that cannot be watched are not written either. */
  problem(): Error | undefined
}

export interface Child {
  kind: ChildKind
  /** Without namespace defaulting: as rendered, namespace included. Changed in place (owner, annotation). */
  object: K8sObject
  /** Lives on when the owner is deleted: gets no owner reference. */
  kept?: boolean
  /**
   * For objects with content that is made once (Secrets): the full object to write, from what is there.
   * `object` then only says which fields there are, with empty values; its annotations may turn out otherwise.
   */
  fill?: (existing: K8sObject | undefined) => K8sObject | Promise<K8sObject>
}

export interface Owner {
  reference: OwnerReference
  namespace: string
}

export type ChildOutcome =
  | { result: 'unchanged' }
  /** `created`: there was none before. */
  | { result: 'applied'; created?: true }
  | { result: 'foreign'; message: string }
  | { result: 'failed'; error: Error }

/**
 * Writes a child if, and only if, it is not as wanted. Two things are compared, both in metadata: the hash of
 * what was applied (the wish has changed) and the set of fields that are ours (someone else changed them).
 */
export class ChildWriter {
  readonly #client: Pick<ApiClient, 'apply' | 'peek' | 'get' | 'delete'>
  /** Digest of owned fields that a fresh apply gives, by the shape of the object. */
  readonly #fieldsByShape = new Map<number, Promise<string>>()

  constructor(client: Pick<ApiClient, 'apply' | 'peek' | 'get' | 'delete'>) {
    this.#client = client
  }

  /** Never rejects: what went wrong is the outcome of this child, and the others go on. */
  async ensure(child: Child, owner: Owner): Promise<ChildOutcome> {
    try {
      return await this.#ensure(child, owner)
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof MissingSecretKey)) throw error
      return { result: 'failed', error }
    }
  }

  /** Deletes a child that is not wanted any more. */
  async remove(kind: ChildKind, entry: ChildEntry): Promise<ChildOutcome> {
    try {
      await this.#client.delete(kind.resource, entry.namespace, entry.name, entry.uid)
      return { result: 'applied' }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { result: 'failed', error }
    }
  }

  async #ensure(child: Child, owner: Owner): Promise<ChildOutcome> {
    const { kind, object, kept = false, fill } = child
    const problem = kind.problem()
    if (problem) return { result: 'failed', error: problem }
    const { name } = object.metadata
    const { namespace } = owner
    const written = serialize(object, kept ? undefined : owner.reference)
    const { hash } = written

    const entry = kind.store.get(`${namespace}/${name}`)
    if (entry) {
      if (!belongsTo(entry, child, owner)) return foreign(kind, name)
      if (entry.hash === hash && (await this.#isAsApplied(entry, child, owner, written)))
        return { result: 'unchanged' }
    } else if (await this.#create(child, owner, written))
      return { result: 'applied', created: true }

    const existing = await this.#existing(child, owner, entry)
    if (existing && !belongsTo(projectChild(existing), child, owner)) return foreign(kind, name)
    const made = fill
      ? filled(object, await fill(existing), kept ? undefined : owner.reference)
      : written
    if (entry) await keepReplicas(this.#client, kind.resource, object, entry)
    await this.#write(child, owner, made)
    return { result: 'applied' }
  }

  /**
   * Makes what the store does not know. One request, with no look before it: under a resource version that no object
   * can have, apply creates or conflicts. @returns false when there is something of that name already
   */
  async #create(child: Child, owner: Owner, written: Body): Promise<boolean> {
    const { object, kept = false, fill } = child
    const made = fill
      ? filled(object, await fill(undefined), kept ? undefined : owner.reference)
      : written
    try {
      await this.#write(child, owner, onlyIfAbsent(made))
      return true
    } catch (error) {
      if (error instanceof Conflict) return false
      throw error
    }
  }

  async #write(child: Child, { namespace }: Owner, { text, hash }: Body): Promise<void> {
    const { kind, object } = child
    const { name } = object.metadata
    const key = `${namespace}/${name}`
    // The watch may be faster than the answer: what it brings with this hash is our own doing.
    kind.writing?.set(key, hash)
    try {
      const written = await this.#client.apply(kind.resource, namespace, name, text(), {
        ...(kind.fields ? { fields: kind.fields } : {}),
      })
      kind.store.observe(written)
      const entry = kind.store.get(key)
      if (!entry) return
      if (entry.resourceVersion === written.metadata.resourceVersion) entry.asApplied = true
      else kind.onOvertaken?.(entry)
    } finally {
      kind.writing?.delete(key)
    }
  }

  /** What is there under this name, where the store does not say: someone else's, or content to keep. */
  #existing(child: Child, owner: Owner, entry: ChildEntry | undefined) {
    const { kind, object, fill } = child
    const { name } = object.metadata
    if (fill) return getOrUndefined(this.#client, kind.resource, owner.namespace, name)
    return entry ? undefined : this.#client.peek(kind.resource, owner.namespace, name)
  }

  /** Whether all fields that are applied to it are still ours, of an object with the hash of what is wanted. */
  async #isAsApplied(entry: ChildEntry, child: Child, owner: Owner, body: Body) {
    if (entry.asApplied) return true
    if (entry.fields !== (await this.#expectedFields(child, owner, body))) return false
    entry.asApplied = true
    return true
  }

  /**
   * The owned fields of a freshly applied object depend on its shape only. After a restart a shape is learned by
   * one dry run, which writes nothing, and then serves for all objects like it.
   */
  #expectedFields({ kind, object }: Child, owner: Owner, body: Body): Promise<string> {
    const shape = shapeOf(object)
    const known = this.#fieldsByShape.get(shape)
    if (known) return known
    const { name } = object.metadata
    const learned = this.#client
      .apply(kind.resource, owner.namespace, name, body.text(), { dryRun: true })
      .then(ownedFields)
    // Kept while it is on its way, so that workers that start together ask once; a failure is not kept.
    this.#fieldsByShape.set(shape, learned)
    learned.catch(() => this.#fieldsByShape.delete(shape))
    return learned
  }
}

/**
 * Whether an object of this name is ours to change. One that has lost its owner reference still is, if it is
 * labelled for this MeetingCluster and we have applied it before; one with another owner never is.
 */
function belongsTo(entry: ChildEntry, { kept }: Child, { reference }: Owner): boolean {
  if (entry.group !== undefined) return entry.group === reference.uid
  return entry.cluster === reference.name && (kept === true || entry.fields !== '')
}

function foreign({ resource }: ChildKind, name: string): ChildOutcome {
  const message = `${resource.kind} ${name} exists and is not owned by this MeetingCluster: rename one of the two or delete it`
  return { result: 'foreign', message }
}

async function getOrUndefined(
  client: Pick<ApiClient, 'get'>,
  resource: Resource,
  namespace: string,
  name: string,
): Promise<K8sObject | undefined> {
  try {
    return await client.get<K8sObject>(resource, namespace, name)
  } catch (error) {
    if (error instanceof ApiError && error.code === 'NotFound') return undefined
    throw error
  }
}

const PLACEHOLDER = '################'
/** As a text of somebody else can never have it: quotes in texts are escaped. */
const hashed = (hash: string) => `"${HASH_ANNOTATION}":"${hash}"`

interface Body {
  hash: string
  /** The object as JSON text, with the hash in it; made when it is wanted, which it seldom is. */
  text: () => string
}

/** The body to apply with its own hash in it, made with one pass over the object. */
function serialize(object: K8sObject, owner: OwnerReference | undefined): Body {
  const text = stringify(object, owner, PLACEHOLDER)
  const hash = digest(text)
  return { hash, text: () => text.replace(hashed(PLACEHOLDER), hashed(hash)) }
}

/** The full object with the hash of what is known of it without its content: shape and annotations. */
function filled(shape: K8sObject, full: K8sObject, owner: OwnerReference | undefined): Body {
  const { annotations } = full.metadata
  const metadata = { ...shape.metadata, ...(annotations ? { annotations } : {}) }
  const { hash } = serialize({ ...shape, metadata }, owner)
  return { hash, text: () => stringify(full, owner, hash) }
}

/** The hash is the last of the annotations, which are in the metadata: so is what is put behind it. */
function onlyIfAbsent({ text, hash }: Body): Body {
  const annotation = `${hashed(hash)}}`
  return { hash, text: () => text().replace(annotation, `${annotation},"resourceVersion":"1"`) }
}

function stringify(object: K8sObject, owner: OwnerReference | undefined, hash: string): string {
  const { metadata } = object
  // Of those that a spec gives to Services none takes its place.
  const { [HASH_ANNOTATION]: _, ...annotations } = metadata.annotations ?? {}
  annotations[HASH_ANNOTATION] = hash
  return JSON.stringify({
    ...object,
    metadata: {
      ...metadata,
      annotations,
      ...(owner ? { ownerReferences: [owner] } : {}),
    },
  })
}

/** Values that tell the items of a list apart, and so appear in the set of owned fields. */
const LIST_KEYS = new Set([
  'name',
  'containerPort',
  'port',
  'protocol',
  'mountPath',
  'devicePath',
  'ip',
  'type',
  'key',
  'topologyKey',
  'whenUnsatisfiable',
])

/**
 * The object with its values left out, as a number: two objects of one shape have, once applied, the same set of owned
 * fields. Items of lists keep the values that can be their keys.
 */
export function shapeOf(object: K8sObject): number {
  const { namespace, labels } = object.metadata
  const shape = new Shape(ownKeyPrefix(namespace, labels?.['parley.dev/cluster'] ?? ''))
  shape.text(object.kind ?? '')
  shape.value(object, false)
  return shape.number()
}

/** What stands between texts, beyond every character. */
const MARK = {
  list: 0x10000,
  endOfList: 0x10001,
  map: 0x10002,
  endOfMap: 0x10003,
  own: 0x10004,
  is: 0x10005,
}

/** Two sums of 32 bits over all that tells shapes apart, of which 53 bits are taken. */
class Shape {
  readonly #own: string
  #a = 0
  #b = 0

  constructor(own: string) {
    this.#own = own
  }

  number(): number {
    return (this.#a >>> 0) * 2 ** 21 + (this.#b >>> 11)
  }

  value(value: unknown, inList: boolean): void {
    if (Array.isArray(value)) {
      this.#add(MARK.list)
      for (const item of value) {
        // Scalars in a list can be a set's members.
        if (typeof item !== 'object') this.#scalar(item)
        else this.value(item, true)
      }
      this.#add(MARK.endOfList)
    } else if (typeof value === 'object' && value !== null) {
      this.#add(MARK.map)
      for (const key in value) {
        const member = (value as Record<string, unknown>)[key]
        this.#key(key)
        if (inList && typeof member !== 'object' && LIST_KEYS.has(key)) this.#scalar(member)
        else this.value(member, false)
      }
      this.#add(MARK.endOfMap)
    }
  }

  text(text: string, from = 0): void {
    for (let at = from; at < text.length; at++) this.#add(text.charCodeAt(at))
  }

  #key(key: string) {
    if (key.startsWith(this.#own)) {
      this.#add(MARK.own)
      this.text(key, this.#own.length)
    } else this.text(key)
    this.#add(MARK.is)
  }

  #scalar(value: unknown) {
    this.text(String(value))
    this.#add(MARK.is)
  }

  #add(code: number) {
    this.#a = Math.imul(this.#a ^ code, 0x01000193) + 0x9e3779b9
    this.#b = Math.imul(this.#b + code, 0x85ebca6b) ^ (this.#b >>> 15)
  }
}

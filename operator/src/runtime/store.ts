import type { K8sObject } from './resources.ts'

/** What a store keeps of each object: as little as its readers need, plus these. */
export interface Entry {
  uid: string
  resourceVersion: string
  /** uid of the controlling owner, if any. */
  owner?: string | undefined
}

export interface StoreOptions<T extends Entry> {
  /** Takes what is needed out of an object; the object itself is dropped. */
  project(object: K8sObject): T
  /** Called for each change seen by the watch or a list, not for what `observe` brought in. */
  onChange?(key: string, before: T | undefined, after: T | undefined): void
}

/** `namespace/name`, or `name` of what has no namespace. */
export function keyOf(metadata: { namespace?: string; name: string }): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name
}

/** The last seen state of all objects of one kind, by key and by owner. Fed by a ListWatch. */
export class Store<T extends Entry> {
  readonly #entries = new Map<string, T>()
  readonly #byOwner = new Map<string, Map<string, T>>()
  readonly #options: StoreOptions<T>
  /** The newest resource version that the watch has delivered. */
  #seen = '0'

  constructor(options: StoreOptions<T>) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)
  }

  keys(): IterableIterator<string> {
    return this.#entries.keys()
  }

  values(): IterableIterator<T> {
    return this.#entries.values()
  }

  /** Objects whose controlling owner has this uid, by key. */
  ownedBy(uid: string): ReadonlyMap<string, T> {
    return this.#byOwner.get(uid) ?? new Map()
  }

  /** From a list or a watch. */
  upsert(object: K8sObject): void {
    const key = keyOf(object.metadata)
    const before = this.#entries.get(key)
    const version = object.metadata.resourceVersion ?? '0'
    this.advance(version)
    // The answer to our own write may have come first.
    if (before && !isNewer(version, before.resourceVersion)) return
    const after = this.#options.project(object)
    this.#set(key, after)
    this.#options.onChange?.(key, before, after)
  }

  remove(object: K8sObject): void {
    const key = keyOf(object.metadata)
    this.advance(object.metadata.resourceVersion ?? '0')
    this.#drop(key)
  }

  /**
   * From the answer to a write of ours, so that the next reconcile need not wait for the watch to see it. An
   * answer older than what the watch delivered is dropped: it could bring back what has been deleted since.
   */
  observe(object: K8sObject): void {
    const key = keyOf(object.metadata)
    const version = object.metadata.resourceVersion ?? '0'
    const reference = this.#entries.get(key)?.resourceVersion ?? this.#seen
    if (isNewer(version, reference)) this.#set(key, this.#options.project(object))
  }

  /** After a list: what it did not contain is gone. */
  retain(keys: ReadonlySet<string>): void {
    for (const key of [...this.#entries.keys()]) if (!keys.has(key)) this.#drop(key)
  }

  /** The watch has delivered everything up to this version. */
  advance(version: string): void {
    if (isNewer(version, this.#seen)) this.#seen = version
  }

  #set(key: string, entry: T) {
    const before = this.#entries.get(key)
    if (before?.owner && before.owner !== entry.owner) this.#unindex(key, before.owner)
    this.#entries.set(key, entry)
    if (!entry.owner) return
    const siblings = this.#byOwner.get(entry.owner)
    if (siblings) siblings.set(key, entry)
    else this.#byOwner.set(entry.owner, new Map([[key, entry]]))
  }

  #drop(key: string) {
    const before = this.#entries.get(key)
    if (!before) return
    this.#entries.delete(key)
    if (before.owner) this.#unindex(key, before.owner)
    this.#options.onChange?.(key, before, undefined)
  }

  #unindex(key: string, owner: string) {
    const siblings = this.#byOwner.get(owner)
    siblings?.delete(key)
    if (siblings?.size === 0) this.#byOwner.delete(owner)
  }
}

/** Resource versions of one kind are decimal numbers that only grow (KEP-5504); they may exceed 2^53. */
export function isNewer(version: string, than: string): boolean {
  return version.length === than.length ? version > than : version.length > than.length
}

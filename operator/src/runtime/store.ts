import type { K8sObject } from './resources.ts'

/** What a store keeps of each object: as little as its readers need, plus these. */
export interface Entry {
  uid: string
  resourceVersion: string
  /** By what it is found together with others: the uid of its owner, say. */
  group?: string | undefined
}

export interface StoreOptions<T extends Entry> {
  /** Takes what is needed out of an object; the object itself is dropped. */
  project(object: K8sObject): T
  /** Whether an object is wanted at all. Default: all are. */
  keeps?(metadata: K8sObject['metadata']): boolean
  /** @param own the change is one that we made ourselves (`observe`) */
  onChange?(key: string, before: T | undefined, after: T | undefined, own: boolean): void
}

/** `namespace/name`, or `name` of what has no namespace. */
export function keyOf(metadata: { namespace?: string; name: string }): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name
}

/** The last seen state of all objects of one kind, by key and by group. Fed by a ListWatch. */
export class Store<T extends Entry> {
  readonly #entries = new Map<string, T>()
  readonly #groups = new Map<string, T[]>()
  readonly #options: StoreOptions<T>
  /** Versions of writes of ours that the watch has not delivered yet. */
  readonly #own = new Set<string>()
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

  entries(): IterableIterator<[string, T]> {
    return this.#entries.entries()
  }

  values(): IterableIterator<T> {
    return this.#entries.values()
  }

  /** The members of a group. */
  group(name: string): readonly T[] {
    return this.#groups.get(name) ?? []
  }

  /** From a list or a watch. */
  upsert(object: K8sObject): void {
    const version = object.metadata.resourceVersion ?? '0'
    this.advance(version)
    if (this.#options.keeps?.(object.metadata) === false) return
    // The answer to our own write may have come first.
    const key = keyOf(object.metadata)
    const before = this.#entries.get(key)
    if (!before || isNewer(version, before.resourceVersion)) this.#set(key, before, object, false)
  }

  /** From a watch. An object that is newer than this was made again by us, whose echo is left out: it stays. */
  remove(object: K8sObject): void {
    const { resourceVersion = '0' } = object.metadata
    this.advance(resourceVersion)
    const key = keyOf(object.metadata)
    const before = this.#entries.get(key)
    if (before && !isNewer(before.resourceVersion, resourceVersion)) this.#drop(key)
  }

  /**
   * From the answer to a write of ours, so that the next reconcile need not wait for the watch to see it. An
   * answer older than what the watch delivered is dropped: it could bring back what has been deleted since.
   */
  observe(object: K8sObject): void {
    const key = keyOf(object.metadata)
    const before = this.#entries.get(key)
    const { resourceVersion = '0' } = object.metadata
    if (!isNewer(resourceVersion, before?.resourceVersion ?? this.#seen)) return
    this.#set(key, before, object, true)
    this.#own.add(resourceVersion)
  }

  /** Whether the watch now delivers what an answer to a write of ours has said before. */
  knows(version: string): boolean {
    if (!this.#own.delete(version)) return false
    this.advance(version)
    return true
  }

  /** After a list: what it did not contain is gone. Left out: there was nothing before. */
  retain(keys: ReadonlySet<string> | undefined): void {
    this.#own.clear()
    if (keys) for (const key of [...this.#entries.keys()]) if (!keys.has(key)) this.#drop(key)
  }

  /** The watch has delivered everything up to this version. */
  advance(version: string): void {
    if (isNewer(version, this.#seen)) this.#seen = version
  }

  #set(key: string, before: T | undefined, object: K8sObject, own: boolean) {
    const after = this.#options.project(object)
    this.#entries.set(key, after)
    this.#regroup(before, after)
    this.#options.onChange?.(key, before, after, own)
  }

  #drop(key: string) {
    const before = this.#entries.get(key)
    if (!before) return
    this.#entries.delete(key)
    this.#regroup(before, undefined)
    this.#options.onChange?.(key, before, undefined, false)
  }

  /** Thousands of groups of a few members each: arrays are a third of what maps would be. */
  #regroup(before: T | undefined, after: T | undefined) {
    const members = before?.group ? this.#groups.get(before.group) : undefined
    const place = before && members ? members.indexOf(before) : -1
    if (members && after && after.group === before?.group && place >= 0) {
      members[place] = after
      return
    }
    if (members && place >= 0) members.splice(place, 1)
    if (before?.group && members?.length === 0) this.#groups.delete(before.group)
    if (!after?.group) return
    const joined = this.#groups.get(after.group)
    if (joined) joined.push(after)
    else this.#groups.set(after.group, [after])
  }
}

/** Resource versions of one kind are decimal numbers that only grow (KEP-5504); they may exceed 2^53. */
export function isNewer(version: string, than: string): boolean {
  return version.length === than.length ? version > than : version.length > than.length
}

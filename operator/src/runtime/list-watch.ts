import type { Logger } from 'pino'
import type { ApiClient, ReadOptions, WatchEvent } from './client.ts'
import { type Clock, sleep } from './clock.ts'
import { Expired, Forbidden, TooManyRequests, Unreadable } from './errors.ts'
import { type K8sObject, type Resource, resourceName } from './resources.ts'
import { type Entry, keyOf, type Store } from './store.ts'

export interface ListWatchOptions<T extends Entry> extends ReadOptions {
  client: Pick<ApiClient, 'each' | 'watch'>
  resource: Resource
  /** Without it: all namespaces. */
  namespace?: string | undefined
  labelSelector?: string
  store: Store<T>
  /** Runs the list when it is its turn: lists of many kinds at a time are much memory at a time. Default: at once. */
  inTurn?: <R>(list: () => Promise<R>) => Promise<R>
  clock: Clock
  /** 0 ≤ x < 1 */
  random: () => number
  log: Logger
}

const BACKOFF_MS = { first: 200, max: 5_000 }
/** A watch that lived this long was a good one: the next failure starts the backoff anew. */
const HEALTHY_MS = 10_000

/**
 * Keeps a store equal to what the API server has: list, then watch from there. A watch may end for any reason,
 * at any time; it is taken up again where it stopped, and only a version that the server has compacted away
 * makes it list again. It never stops before the signal says so.
 */
export class ListWatch<T extends Entry> {
  readonly #options: ListWatchOptions<T>
  #version: string | undefined
  #failures = 0
  #synced = Promise.withResolvers<void>()
  /** Why the store may be out of date, while it may. */
  problem: Error | undefined

  constructor(options: ListWatchOptions<T>) {
    this.#options = options
  }

  get resource(): Resource {
    return this.#options.resource
  }

  /** Resolves when the first list is in the store. */
  hasSynced(): Promise<void> {
    return this.#synced.promise
  }

  /** Runs until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log, resource } = this.#options
    while (!signal.aborted) {
      const started = clock.now()
      try {
        if (this.#version === undefined) {
          const { inTurn = (list) => list() } = this.#options
          await inTurn(() => this.#list(signal))
        }
        await this.#watch(signal)
        this.problem = undefined
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof Expired) {
          this.#version = undefined
        } else {
          if (clock.now() - started > HEALTHY_MS) this.#failures = 0
          this.#report(error as Error)
          await sleep(clock, this.#delay(error, random()), signal)
          continue
        }
      }
      // A server that closes watches at once must not be asked in a loop.
      if (clock.now() - started < 1000) await sleep(clock, 100 + 400 * random(), signal)
      log.debug({ resource: resourceName(resource) }, 'watch taken up again')
    }
  }

  async #list(signal: AbortSignal) {
    const { client, resource, namespace, store, labelSelector } = this.#options
    const options = { ...this.#reading(), signal }
    // Read as it comes in, it needs no pages, of which each costs the API server anew.
    const query = labelSelector ? { labelSelector } : {}
    // What is not listed any more can only be what was known before.
    const listed = store.size > 0 ? new Set<string>() : undefined
    const take = (object: K8sObject) => {
      store.upsert(object)
      listed?.add(keyOf(object.metadata))
    }
    const { resourceVersion } = await client.each(resource, namespace, query, options, take)
    store.retain(listed)
    store.advance(resourceVersion)
    this.#version = resourceVersion
    this.#recovered()
    this.#synced.resolve()
  }

  async #watch(signal: AbortSignal) {
    const { client, resource, namespace, labelSelector } = this.#options
    const query = {
      resourceVersion: this.#version ?? '0',
      // Spread, so that watches of many kinds do not all end at the same moment.
      timeoutSeconds: Math.round(300 * (1 + this.#options.random())),
      ...(labelSelector ? { labelSelector } : {}),
    }
    const { store } = this.#options
    const knows = (version: string) => {
      if (!store.knows(version)) return false
      this.#version = version
      return true
    }
    const how = { ...this.#reading(), knows, signal }
    const from = this.#version
    try {
      for await (const events of client.watch(resource, namespace, query, how)) {
        for (const event of events) this.#take(event)
        if (this.#failures > 0) this.#recovered()
      }
    } catch (error) {
      // Which events were beside what cannot be read is not known: all of them come again.
      if (error instanceof Unreadable) this.#version = from
      throw error
    }
  }

  #reading(): ReadOptions {
    const { metadataOnly = false, fields } = this.#options
    return { metadataOnly, ...(fields ? { fields } : {}) }
  }

  #take(event: WatchEvent) {
    const { store, resource } = this.#options
    const { object } = event
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
        store.upsert(object)
        break
      case 'DELETED':
        store.remove(object)
        break
      case 'BOOKMARK':
        store.advance(object.metadata.resourceVersion ?? '0')
        break
      case 'ERROR': {
        const call = { verb: 'watch', resource: resourceName(resource) }
        const detail = object.message ?? 'watch ended with an error'
        if (object.code === 410) throw new Expired('Expired', 410, call, detail)
        throw new TooManyRequests(call, detail, 1000)
      }
    }
    this.#version = object.metadata.resourceVersion ?? this.#version
  }

  #report(error: Error) {
    const { log, resource } = this.#options
    this.problem = error
    // Once when it starts: a server that is away for an hour is one line, not thousands.
    if (this.#failures++ === 0) {
      const level = error instanceof Forbidden ? 'error' : 'warn'
      log[level]({ resource: resourceName(resource), error: error.message }, 'watch interrupted')
    }
  }

  #recovered() {
    if (this.#failures > 0) {
      this.#options.log.info({ resource: resourceName(this.resource) }, 'watch works again')
    }
    this.#failures = 0
    this.problem = undefined
  }

  #delay(error: unknown, random: number): number {
    if (error instanceof TooManyRequests) return error.retryAfterMs * (1 + random)
    const { first, max } = BACKOFF_MS
    return Math.min(max, first * 2 ** Math.min(this.#failures, 20)) * (0.5 + random)
  }
}

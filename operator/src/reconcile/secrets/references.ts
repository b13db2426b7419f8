import { Forbidden, Unavailable } from '../../runtime/errors.ts'
import type { ListWatch } from '../../runtime/list-watch.ts'
import { resourceName, SECRETS } from '../../runtime/resources.ts'
import { type Entry, Store } from '../../runtime/store.ts'

export interface ReferencesOptions {
  /** A watch of the metadata of all Secrets that are not ours, into this store. */
  watch: (store: Store<Entry>) => Pick<ListWatch<Entry>, 'run' | 'hasSynced' | 'problem'>
  /** A MeetingCluster (`namespace/name`) may have something to do. */
  enqueue: (key: string) => void
}

/**
 * Secrets of others that MeetingClusters name, and who has to look when one changes. One watch serves all of them:
 * their names are known to specs only, and a watch for each would take a connection for each. It is there once the
 * first MeetingCluster names a Secret; uid and version are all that is kept.
 */
export class SecretReferences {
  readonly #options: ReferencesOptions
  readonly #store: Store<Entry>
  /** By MeetingCluster: `namespace/name` of its Secrets. */
  readonly #named = new Map<string, readonly string[]>()
  /** The other way round. */
  readonly #namers = new Map<string, Set<string>>()
  readonly #begun = Promise.withResolvers<void>()
  #watch: ReturnType<ReferencesOptions['watch']> | undefined

  constructor(options: ReferencesOptions) {
    this.#options = options
    this.#store = new Store<Entry>({
      project: ({ metadata: { uid = '', resourceVersion = '0' } }) => ({ uid, resourceVersion }),
      onChange: (secret) => {
        for (const key of this.#namers.get(secret) ?? []) options.enqueue(key)
      },
    })
  }

  /** The Secrets (`namespace/name`) that a MeetingCluster names now. */
  follow(cluster: string, secrets: readonly string[]): void {
    for (const secret of this.#named.get(cluster) ?? []) {
      const namers = this.#namers.get(secret)
      namers?.delete(cluster)
      if (namers?.size === 0) this.#namers.delete(secret)
    }
    if (secrets.length === 0) {
      this.#named.delete(cluster)
      return
    }
    this.#named.set(cluster, secrets)
    for (const secret of secrets) {
      const namers = this.#namers.get(secret)
      if (namers) namers.add(cluster)
      else this.#namers.set(secret, new Set([cluster]))
    }
    this.#watch ??= this.#options.watch(this.#store)
    this.#begun.resolve()
  }

  /** Watches, from when there is something to watch until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.race([this.#begun.promise, aborted])
    if (!signal.aborted) await this.#watch?.run(signal)
  }

  /** Resolves when what is named is known; at once where nothing is. @throws Forbidden, Unavailable */
  async known(): Promise<void> {
    const watch = this.#watch
    if (!watch) return
    const synced = watch.hasSynced().then(() => true)
    for (let look = 0; look < LOOKS; look++) {
      if (await Promise.race([synced, pause()])) return
      if (watch.problem instanceof Forbidden) throw watch.problem
    }
    const call = { verb: 'list', resource: resourceName(SECRETS) }
    throw new Unavailable('Unavailable', 0, call, 'Secrets that are named are not known yet')
  }

  /** Another text whenever the Secret has changed; undefined where there is none of that name. */
  versionOf(secret: string): string | undefined {
    const entry = this.#store.get(secret)
    return entry && `${entry.uid}/${entry.resourceVersion}`
  }
}

/** For 5 s, then somebody else is to have the worker. */
const LOOKS = 50

function pause(): Promise<false> {
  return new Promise((resolve) => setTimeout(resolve, 100, false).unref())
}

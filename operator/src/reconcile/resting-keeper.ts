import type { Logger } from 'pino'
import { z } from 'zod'
import type { ApiClient } from '../runtime/client.ts'
import { type Clock, sleep } from '../runtime/clock.ts'
import { ApiError, NotFound } from '../runtime/errors.ts'
import { CONFIG_MAPS, type K8sObject } from '../runtime/resources.ts'
import type { RestingStates } from './resting.ts'

export interface RestingKeeperOptions {
  client: Pick<ApiClient, 'get' | 'apply' | 'delete' | 'version'>
  /** Where the ConfigMap is: beside the Lease. */
  namespace: string
  /** The Lease. */
  lease: string
  states: RestingStates
  clock: Clock
  random: () => number
  log: Logger
}

/** A leader that is killed loses no more than this. */
const STORE_EVERY_MS = 5 * 60_000
const nameOf = (lease: string) => `${lease}-remembered`
/** 850 kB: a ConfigMap holds 1 MiB. Who is not among them is compared after a restart. */
const MOST_STATES = 50_000
const STATE = /^[\w-]{16}$/

const storedSchema = z.object({
  data: z.object({
    build: z.string(),
    server: z.string(),
    states: z
      .string()
      .transform((text) => (text === '' ? [] : text.split(' ')))
      .refine((states) => states.every((state) => STATE.test(state)), 'no list of digests'),
  }),
})

/**
 * Keeps {@link RestingStates} from one operator to the next: in a ConfigMap of digests, with no name in it and nothing
 * made from a Secret. It is read when this operator begins to lead, and written when it ends in order, and from time
 * to time; not while all of it is there already. Whatever goes wrong with it costs full passes, and nothing else.
 *
 * It has no label by which the operator would watch it, and no owner: like the Lease it stays when the operator goes.
 * Each shard has its own. Who may write it, and knows all that a state is a digest of, could have a change by hand be
 * taken for what was found: it is for the same hands as the Lease.
 */
export class RestingKeeper {
  readonly #options: RestingKeeperOptions
  readonly #name: string
  /** What the API server was before anything was compared. */
  #server: string | undefined

  constructor(options: RestingKeeperOptions) {
    this.#options = options
    this.#name = nameOf(options.lease)
  }

  /** Never rejects for what is there, or for what the API server answers. */
  async read(): Promise<void> {
    const { client, namespace, states, log } = this.#options
    const where = this.#where(this.#name)
    try {
      this.#server = await client.version()
      const parsed = storedSchema.safeParse(
        await client.get<K8sObject>(CONFIG_MAPS, namespace, this.#name),
      )
      if (!parsed.success)
        log.warn(where, 'what was remembered is none of ours: everything is compared')
      else if (parsed.data.data.build !== states.build)
        log.info(where, 'another build remembered: everything is compared')
      else if (parsed.data.data.server !== this.#server)
        log.info(where, 'the API server is another one: everything is compared')
      else states.load(parsed.data.data.states)
    } catch (error) {
      this.#report(error, 'what was remembered cannot be read: everything is compared')
    }
  }

  /** Writes now and then until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options
    while (!signal.aborted) {
      await sleep(clock, STORE_EVERY_MS * (0.9 + 0.2 * random()), signal)
      if (!signal.aborted) await this.write()
    }
  }

  /** Writes if there is something new. Never rejects for what the API server answers. */
  async write(): Promise<void> {
    const { client, namespace, states } = this.#options
    const name = this.#name
    const all = states.unstored(MOST_STATES)
    // Which one it is by now says nothing about what was found.
    if (!all || this.#server === undefined) return
    const labels = {
      'app.kubernetes.io/name': 'parley-operator',
      'app.kubernetes.io/component': 'operator',
      'app.kubernetes.io/part-of': 'parley',
    }
    const object = {
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels } },
      data: { build: states.build, server: this.#server, states: all.join(' ') },
    }
    try {
      await client.apply(CONFIG_MAPS, namespace, name, JSON.stringify(object))
      states.noteStored(all)
    } catch (error) {
      this.#report(error, 'cannot remember for the next start: it will compare everything')
    }
  }

  /**
   * Removes what others remembered, where there is something. Never rejects for what the API server answers.
   *
   * @param leases of operators that work no more: shards of another number
   */
  async remove(leases: Iterable<string>): Promise<void> {
    const { client, namespace } = this.#options
    for (const name of [...leases].map(nameOf)) {
      try {
        const { metadata } = await client.get<K8sObject>(CONFIG_MAPS, namespace, name)
        if (metadata.uid) await client.delete(CONFIG_MAPS, namespace, name, metadata.uid)
      } catch (error) {
        this.#report(
          error,
          'what another number of shards remembered may still be there: delete it and its Lease',
          name,
        )
      }
    }
  }

  #report(error: unknown, message: string, name = this.#name) {
    if (!(error instanceof ApiError)) throw error
    if (error instanceof NotFound) return
    this.#options.log.warn({ ...this.#where(name), error: error.message }, message)
  }

  #where(name: string) {
    return { configMap: `${this.#options.namespace}/${name}` }
  }
}

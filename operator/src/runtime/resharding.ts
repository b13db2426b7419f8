import type { Logger } from 'pino'
import type { ApiClient } from './client.ts'
import { type Clock, sleep } from './clock.ts'
import { ApiError, Forbidden } from './errors.ts'
import { LEASE_MS, type Lease, RETRY_MS } from './leader.ts'
import { LEASES } from './resources.ts'
import { type Shard, shardsOfLease } from './shard.ts'

export interface ReshardingOptions {
  client: Pick<ApiClient, 'list' | 'update'>
  namespace: string
  shard: Shard
  clock: Clock
  random: () => number
  log: Logger
}

/**
 * While the number of shards changes, operators of the old and of the new number would both have some namespaces. So
 * those of one number wait until no Lease of another number is held. As in leader election no clocks are compared:
 * a Lease has lapsed when it was seen unchanged for its whole duration, and is then emptied, so that nobody has to
 * wait for it again.
 */
export class Resharding {
  readonly #options: ReshardingOptions
  /** By name: the version last seen, and since when. */
  readonly #seen = new Map<string, { version: string; since: number }>()
  /** Names of Leases of other numbers, held or not, as they were last listed. */
  former: readonly string[] = []

  constructor(options: ReshardingOptions) {
    this.#options = options
  }

  /** Resolves true when no shard of another number works, false when the signal aborted first. */
  async settled(signal: AbortSignal): Promise<boolean> {
    const { clock, random, log, shard } = this.#options
    let told = false
    while (!signal.aborted) {
      const others = await this.others()
      if (others?.length === 0) return true
      if (others && !told) {
        log.info({ leases: others, shards: shard.count }, 'waits for another number of shards')
        told = true
      }
      await sleep(clock, RETRY_MS * (0.5 + 0.5 * random()), signal)
    }
    return false
  }

  /** Names of held Leases of another number of shards; undefined when that cannot be said now. */
  async others(): Promise<string[] | undefined> {
    const { client, namespace, shard } = this.#options
    try {
      const { items } = await client.list(LEASES, namespace)
      const held: string[] = []
      const others = ((items ?? []) as Lease[]).filter(({ metadata }) => {
        const count = shardsOfLease(metadata.name)
        return count !== undefined && count !== shard.count
      })
      this.former = others.map(({ metadata }) => metadata.name)
      for (const lease of others) {
        if (!lease.spec.holderIdentity || (await this.#emptied(lease))) continue
        held.push(lease.metadata.name)
      }
      return held
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error instanceof Forbidden) {
        // A role of before there were shards: one operator works as it did then.
        this.#options.log.warn({ error: error.message }, 'other shards cannot be seen')
        return []
      }
      this.#options.log.debug({ error: error.message }, 'leases not read')
      return undefined
    }
  }

  async #emptied(lease: Lease): Promise<boolean> {
    const { clock, client } = this.#options
    const { name, resourceVersion = '' } = lease.metadata
    const now = clock.now()
    const seen = this.#seen.get(name)
    if (seen?.version !== resourceVersion) {
      this.#seen.set(name, { version: resourceVersion, since: now })
      return false
    }
    const { leaseDurationSeconds = LEASE_MS / 1000, leaseTransitions = 0 } = lease.spec
    if (now < seen.since + leaseDurationSeconds * 1000) return false
    // Under the version that was seen: a holder that has come back meanwhile makes it a conflict.
    await client.update<Lease>(LEASES, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: lease.metadata,
      spec: { leaseDurationSeconds: 1, leaseTransitions },
    } as Lease)
    return true
  }
}

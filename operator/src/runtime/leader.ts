import type { Logger } from 'pino'
import type { ApiClient } from './client.ts'
import { type Clock, sleep } from './clock.ts'
import { ApiError, Conflict, NotFound } from './errors.ts'
import type { Metrics } from './metrics.ts'
import { type K8sObject, LEASES } from './resources.ts'

export interface Lease extends K8sObject {
  spec: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    acquireTime?: string
    renewTime?: string
    leaseTransitions?: number
  }
}

export interface LeaderElectorOptions {
  client: Pick<ApiClient, 'get' | 'create' | 'update'>
  namespace: string
  name: string
  /** Unlike any other candidate's, also after a restart. */
  identity: string
  clock: Clock
  random: () => number
  metrics: Metrics
  log: Logger
}

/** controller-runtime's defaults. */
export const LEASE_MS = 15_000
export const RENEW_DEADLINE_MS = 10_000
export const RETRY_MS = 2_000

/**
 * One of several candidates leads, by holding a Lease. The others' clocks are never compared with ours: a lease
 * has lapsed when we have seen it unchanged for its whole duration, by our own clock.
 */
export class LeaderElector {
  readonly #options: LeaderElectorOptions
  /** The lease as last read or written, and when we saw it change. */
  #lease: Lease | undefined
  #changedAt = 0

  constructor(options: LeaderElectorOptions) {
    this.#options = options
    options.metrics.leader.set({ name: options.name }, 0)
  }

  /** Resolves true as soon as we lead, false when the signal aborted first. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    const { clock, random, log, metrics, name, identity } = this.#options
    while (!signal.aborted) {
      if (await this.#try()) {
        metrics.leader.set({ name }, 1)
        log.info({ lease: name, identity }, 'became leader')
        return true
      }
      await sleep(clock, RETRY_MS * (1 + 0.2 * random()), signal)
    }
    return false
  }

  /**
   * Renews until the signal aborts (resolves `stopped`), or until no renewal has succeeded for the renew
   * deadline or somebody else is seen to hold it (resolves `lost`: the caller must stop acting at once, for another
   * will start to, or does already).
   */
  async hold(signal: AbortSignal): Promise<'stopped' | 'lost'> {
    const { clock, log, metrics, name } = this.#options
    let renewedAt = clock.now()
    while (!signal.aborted) {
      await sleep(clock, RETRY_MS, signal)
      if (signal.aborted) break
      const waiting = new AbortController()
      const left = Math.max(0, renewedAt + RENEW_DEADLINE_MS - clock.now())
      const deadline = sleep(clock, left, waiting.signal).then(() => false)
      // A renewal that hangs must not keep us leading past the deadline.
      const renewed = await Promise.race([this.#try(), deadline])
      waiting.abort()
      if (renewed) renewedAt = clock.now()
      else if (this.#isOthers() || clock.now() - renewedAt >= RENEW_DEADLINE_MS) {
        metrics.leader.set({ name }, 0)
        log.error({ lease: name }, 'lost leadership')
        return 'lost'
      }
    }
    return 'stopped'
  }

  /** Gives the lease up, so that the next leader need not wait for it to lapse. */
  async release(): Promise<void> {
    const { client, clock, identity, name, metrics } = this.#options
    metrics.leader.set({ name }, 0)
    if (this.#lease?.spec.holderIdentity !== identity) return
    const now = microTime(clock.now())
    const { leaseTransitions = 0 } = this.#lease.spec
    const spec = { leaseDurationSeconds: 1, renewTime: now, acquireTime: now, leaseTransitions }
    await client.update(LEASES, { ...this.#lease, spec } as K8sObject)
    this.#lease = undefined
  }

  async #try(): Promise<boolean> {
    const { client, clock, identity, log, name, namespace } = this.#options
    try {
      // While we hold it the lease that we wrote is the newest: writing with its version is test and renewal.
      if (this.#lease?.spec.holderIdentity !== identity) await this.#read()
      const now = clock.now()
      if (this.#heldByOther(now)) return false
      const next = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: this.#lease?.metadata ?? { name, namespace },
        spec: this.#claim(now),
      }
      const written = this.#lease
        ? await client.update<Lease>(LEASES, next)
        : await client.create<Lease>(LEASES, namespace, next)
      this.#see(written)
      return true
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.#lease = undefined
      log.debug({ lease: name, error: error.message }, 'lease not written')
      // Who holds it now is not for the next time: it may be somebody who writes already.
      if (error instanceof Conflict) await this.#readAgain()
      return false
    }
  }

  async #readAgain() {
    try {
      await this.#read()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
    }
  }

  /** Somebody has taken it, though it had not lapsed. */
  #isOthers(): boolean {
    const holder = this.#lease?.spec.holderIdentity
    return holder !== undefined && holder !== '' && holder !== this.#options.identity
  }

  async #read() {
    const { client, name, namespace } = this.#options
    try {
      this.#see(await client.get<Lease>(LEASES, namespace, name))
    } catch (error) {
      if (!(error instanceof NotFound)) throw error
      this.#lease = undefined
    }
  }

  #see(lease: Lease) {
    const before = this.#lease
    this.#lease = lease
    if (
      before?.spec.renewTime !== lease.spec.renewTime ||
      before?.spec.holderIdentity !== lease.spec.holderIdentity
    ) {
      this.#changedAt = this.#options.clock.now()
    }
  }

  #heldByOther(now: number): boolean {
    const { holderIdentity, leaseDurationSeconds = LEASE_MS / 1000 } = this.#lease?.spec ?? {}
    if (!holderIdentity || holderIdentity === this.#options.identity) return false
    return now < this.#changedAt + leaseDurationSeconds * 1000
  }

  #claim(now: number): Lease['spec'] {
    const { identity } = this.#options
    const old = this.#lease?.spec
    const mine = old?.holderIdentity === identity
    return {
      holderIdentity: identity,
      leaseDurationSeconds: LEASE_MS / 1000,
      acquireTime: mine && old.acquireTime ? old.acquireTime : microTime(now),
      renewTime: microTime(now),
      leaseTransitions: (old?.leaseTransitions ?? 0) + (old && !mine ? 1 : 0),
    }
  }
}

/** metav1.MicroTime: six digits after the point, or the API server refuses it. */
export function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z')
}

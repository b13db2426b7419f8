import type { ApiClient } from '../runtime/client.ts'
import type { Clock } from '../runtime/clock.ts'
import type { K8sObject } from '../runtime/resources.ts'
import type { Identity } from './front-proxy.ts'
import { SUBJECT_ACCESS_REVIEWS } from './resources.ts'

/** What somebody wants to do, as RBAC has it. */
export type Attributes =
  | {
      resourceAttributes: {
        group: string
        version: string
        namespace: string
        resource: string
        subresource?: string
        name?: string
        verb: 'get' | 'list'
      }
    }
  | { nonResourceAttributes: { path: string; verb: 'get' } }

/** How long an answer holds: as long as Kubernetes' own extension servers keep one. */
const CACHED_MS = 10_000
const CACHE_SIZE = 1000

/**
 * Asks the cluster's own authorizers, so that RBAC rules hold for these metrics as for everything else. Failing to
 * ask is no permission.
 */
export class Authorizer {
  readonly #client: Pick<ApiClient, 'create'>
  readonly #clock: Clock
  readonly #answers = new Map<string, { until: number; allowed: Promise<boolean> }>()

  constructor(client: Pick<ApiClient, 'create'>, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  /** @throws ApiError where the question could not be asked */
  allows(identity: Identity, attributes: Attributes): Promise<boolean> {
    const now = this.#clock.now()
    const key = JSON.stringify([identity, attributes])
    const known = this.#answers.get(key)
    if (known && known.until > now) return known.allowed
    const allowed = this.#ask(identity, attributes)
    if (this.#answers.size >= CACHE_SIZE) this.#answers.clear()
    this.#answers.set(key, { until: now + CACHED_MS, allowed })
    allowed.catch(() => this.#answers.delete(key))
    return allowed
  }

  async #ask({ user, groups, extra }: Identity, attributes: Attributes): Promise<boolean> {
    const review = await this.#client.create<
      K8sObject & { status?: { allowed?: boolean; denied?: boolean } }
    >(SUBJECT_ACCESS_REVIEWS, undefined, {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user, groups, extra, ...attributes },
    })
    return review.status?.allowed === true && review.status.denied !== true
  }
}

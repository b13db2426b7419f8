import type { Logger } from 'pino'
import type { ApiClient } from '../runtime/client.ts'
import type { Clock } from '../runtime/clock.ts'
import { Conflict, NotFound } from '../runtime/errors.ts'
import type { EventRecorder } from '../runtime/events.ts'
import type { K8sObject } from '../runtime/resources.ts'
import { CUSTOM, EXTERNAL, type ServedGroup } from './groups.ts'
import { API_SERVICES, CLUSTER_ROLES } from './resources.ts'

export interface RegistrationOptions {
  client: Pick<ApiClient, 'get' | 'apply' | 'delete'>
  events: Pick<EventRecorder, 'record'>
  clock: Clock
  log: Logger
  /** The Service that leads to this operator's replicas, on port 443. */
  service: { name: string; namespace: string }
  /** What is to be registered; of what is not, our own registration is taken away. */
  groups: readonly ServedGroup[]
  /** ClusterRole to belong to, so that the registration goes when the operator is uninstalled. */
  owner?: string | undefined
}

interface ApiService extends K8sObject {
  spec: {
    group: string
    version: string
    caBundle?: string
    service?: { name: string; namespace: string; port?: number }
  }
  status?: { conditions?: { type: string; status: string; message?: string }[] }
}

/**
 * How long an API may be unavailable before autoscalers stop going by it: long enough for restarts and upgrades,
 * after which they would only have to be changed back.
 */
const PATIENCE_MS = 5 * 60_000

/** Of one group there may be several versions, and clients take the one they like: all have to be ours. */
const SIBLINGS: Partial<Record<string, readonly string[]>> = {
  [CUSTOM.group]: ['v1beta1.custom.metrics.k8s.io'],
}

const LABELS = {
  'app.kubernetes.io/managed-by': 'parley',
  'app.kubernetes.io/part-of': 'parley',
}

/**
 * Keeps the cluster's APIService objects for what is served pointing at this operator, with the authority that its
 * certificate is of. One that is somebody else's is left alone, and said once.
 */
export class Registration {
  readonly #options: RegistrationOptions
  readonly #told = new Map<string, string>()
  /** Since when a registered group has not been available. */
  readonly #downSince = new Map<string, number>()
  #owner: object | undefined
  #external = false

  constructor(options: RegistrationOptions) {
    this.#options = options
  }

  /** Whether the cluster asks us for external metrics, as of the last {@link ensure}. */
  get external(): boolean {
    return this.#external
  }

  /**
   * Registers what is not registered, and puts right what is not as it should be.
   * @param caBundle PEM
   * @returns whether {@link external} has changed
   * @throws ApiError
   */
  async ensure(caBundle: string): Promise<boolean> {
    const before = this.#external
    for (const group of [EXTERNAL, CUSTOM]) {
      const isWanted = this.#options.groups.includes(group)
      const serves = isWanted ? await this.#register(group, caBundle) : await this.#remove(group)
      if (group === EXTERNAL) this.#external = serves
    }
    return this.#external !== before
  }

  async #register(group: ServedGroup, caBundle: string): Promise<boolean> {
    const name = nameOf(group)
    for (const sibling of SIBLINGS[group.group] ?? []) {
      const other = await this.#get(sibling)
      if (other && !this.#isOurs(other)) return this.#sayForeign(other)
    }
    const existing = await this.#get(name)
    if (existing && !this.#isOurs(existing)) return this.#sayForeign(existing)
    const wanted = await this.#apiService(group, caBundle)
    if (!existing || !isAsWanted(existing, wanted)) {
      try {
        await this.#options.client.apply(API_SERVICES, undefined, name, JSON.stringify(wanted), {
          // One that somebody else has made in this moment is not taken from them.
          force: existing !== undefined,
        })
      } catch (error) {
        if (error instanceof Conflict) return false
        throw error
      }
      this.#options.log.info(
        { apiService: name },
        existing ? 'metrics API updated' : 'metrics API registered',
      )
    }
    return this.#isUsable(name, existing)
  }

  async #remove(group: ServedGroup): Promise<false> {
    const existing = await this.#get(nameOf(group))
    if (existing && this.#isOurs(existing)) {
      await this.#options.client.delete(
        API_SERVICES,
        undefined,
        nameOf(group),
        existing.metadata.uid ?? '',
      )
    }
    return false
  }

  async #get(name: string): Promise<ApiService | undefined> {
    try {
      return await this.#options.client.get<ApiService>(API_SERVICES, undefined, name)
    } catch (error) {
      if (error instanceof NotFound) return undefined
      throw error
    }
  }

  /** Ours is what points to our Service, or did before that was renamed. */
  #isOurs({ metadata, spec: { service } }: ApiService): boolean {
    const ours = this.#options.service
    if (service?.namespace !== ours.namespace) return false
    const label = 'app.kubernetes.io/managed-by'
    return service.name === ours.name || metadata.labels?.[label] === LABELS[label]
  }

  #sayForeign(other: ApiService): false {
    const { service } = other.spec
    const holder = service
      ? `Service ${service.namespace}/${service.name}`
      : 'the API server itself'
    this.#say(
      other,
      'MetricsApiTaken',
      `${other.metadata.name} is served by ${holder}: it is left alone, and autoscalers go by CPU only`,
    )
    return false
  }

  #isUsable(name: string, existing: ApiService | undefined): boolean {
    const available = existing?.status?.conditions?.find(({ type }) => type === 'Available')
    const now = this.#options.clock.now()
    if (!existing || available?.status === 'True') {
      this.#downSince.delete(name)
      this.#told.delete(name)
      return true
    }
    const since = this.#downSince.get(name) ?? now
    this.#downSince.set(name, since)
    if (now - since < PATIENCE_MS) return true
    this.#say(
      existing,
      'MetricsApiUnavailable',
      `the API server does not reach ${name} (${available?.message ?? 'no answer'}): let it connect to the operator's pods; until then autoscalers go by CPU only`,
    )
    return false
  }

  /** Once, until something else is to be said. */
  #say(about: ApiService, reason: string, note: string): void {
    const { events, log } = this.#options
    const { name } = about.metadata
    if (this.#told.get(name) === reason) return
    this.#told.set(name, reason)
    log.warn({ apiService: name, reason, note }, 'metrics API not in use')
    events.record(API_SERVICES, about, { type: 'Warning', reason, action: 'Register', note })
  }

  async #apiService(group: ServedGroup, caBundle: string) {
    const { service } = this.#options
    const owner = await this.#ownerReference()
    return {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: {
        name: nameOf(group),
        labels: LABELS,
        ...(owner ? { ownerReferences: [owner] } : {}),
      },
      spec: {
        ...group,
        groupPriorityMinimum: 100,
        versionPriority: 100,
        caBundle: Buffer.from(caBundle).toString('base64'),
        service: { ...service, port: 443 },
      },
    }
  }

  async #ownerReference(): Promise<object | undefined> {
    const { owner, client } = this.#options
    if (!owner || this.#owner) return this.#owner
    const { metadata } = await client.get<K8sObject>(CLUSTER_ROLES, undefined, owner)
    this.#owner = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      name: owner,
      uid: metadata.uid,
    }
    return this.#owner
  }
}

function nameOf({ group, version }: ServedGroup): string {
  return `${version}.${group}`
}

function isAsWanted(
  existing: ApiService,
  wanted: Pick<ApiService, 'spec'> & { metadata: { ownerReferences?: object[] } },
): boolean {
  const { caBundle, service } = existing.spec
  const owners = existing.metadata.ownerReferences ?? []
  return (
    caBundle === wanted.spec.caBundle &&
    service?.name === wanted.spec.service?.name &&
    (service?.port ?? 443) === wanted.spec.service?.port &&
    (wanted.metadata.ownerReferences ?? []).every((owner) =>
      owners.some(({ uid }) => 'uid' in owner && owner.uid === uid),
    )
  )
}

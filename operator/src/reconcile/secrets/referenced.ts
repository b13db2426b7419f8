import { type MeetingCluster, REASON } from '../../api/index.ts'
import {
  type SecretData,
  type SecretReference,
  secretReferences,
  type TurnTls,
  turnTls,
} from '../../render/index.ts'
import type { ApiClient } from '../../runtime/client.ts'
import { Forbidden, NotFound } from '../../runtime/errors.ts'
import { type K8sObject, SECRETS } from '../../runtime/resources.ts'
import { type RedisServer, redisServer } from '../external-redis.ts'
import type { Problem } from '../status.ts'
import { type CertificateFacts, judgeCertificate, readCertificate } from './certificates.ts'
import type { SecretReferences } from './references.ts'
import type { Source } from './secrets.ts'

/** What the Secrets that a spec names mean for what is rendered, and what is wrong with them. */
export interface Referenced {
  problems: Problem[]
  /** The Secret that an external Redis is named by. */
  redis: Source | undefined
  /** Where an external Redis is, as the spec or that Secret has it. */
  redisServer: RedisServer | undefined
  /** By name, of Secrets whose readers restart when they change. */
  versions: Record<string, string>
  /** TURN over TLS is asked for, and there is a certificate to serve it with. */
  turnTls: TurnTls | undefined
  /** Milliseconds until a certificate becomes valid or expires. */
  wakeInMs: number
}

type Cluster = MeetingCluster
type SecretObject = K8sObject & { data?: SecretData }
type Facts = CertificateFacts & { server?: RedisServer }
type Found = { reference: SecretReference; version: string; facts: Facts }

/** Who shows a certificate. */
const USED_BY = { turnTls: 'turn', ingressTls: 'webapp', redis: '', mysql: '' } as const

/**
 * Secrets of others, as far as the operator has to know them: each is read when it has changed, and what is
 * remembered is what was found, not what it holds.
 */
export class ReferencedSecrets {
  readonly #client: Pick<ApiClient, 'get'>
  readonly #references: SecretReferences
  readonly #found = new Map<string, Map<string, Found>>()

  constructor(client: Pick<ApiClient, 'get'>, references: SecretReferences) {
    this.#client = client
    this.#references = references
  }

  forget(key: string): void {
    this.#found.delete(key)
  }

  /** Of each certificate that can be read: whose it is, what it is for, and when it ends. */
  *expiries(): Generator<{ key: string; secret: string; usedBy: string; at: number }> {
    for (const [key, found] of this.#found)
      for (const { reference, facts } of found.values())
        if (facts.notAfter !== undefined)
          yield { key, secret: reference.name, usedBy: USED_BY[reference.kind], at: facts.notAfter }
  }

  /**
   * @param key `namespace/name` of the MeetingCluster
   * @param issuable cert-manager's kind Certificate is there
   * @param now milliseconds since the epoch
   */
  async inspect(
    key: string,
    cluster: Cluster,
    { issuable, now }: { issuable: boolean; now: number },
  ): Promise<Referenced> {
    const result: Referenced = {
      problems: [],
      redis: undefined,
      redisServer: redisServer(cluster.spec.redis.external.url),
      versions: {},
      turnTls: undefined,
      wakeInMs: Number.POSITIVE_INFINITY,
    }
    const references = secretReferences(cluster)
    if (references.length === 0) {
      this.forget(key)
      return result
    }
    try {
      await this.#inspect(key, cluster, references, { issuable, now }, result)
    } catch (error) {
      if (!(error instanceof Forbidden)) throw error
      result.problems.push({ reason: REASON.Forbidden, message: error.message, stalled: true })
    }
    return result
  }

  async #inspect(
    key: string,
    cluster: Cluster,
    references: SecretReference[],
    { issuable, now }: { issuable: boolean; now: number },
    result: Referenced,
  ): Promise<void> {
    await this.#references.known()
    const current = new Set(references.map((reference) => idOf(reference, cluster)))
    for (const id of this.#found.get(key)?.keys() ?? [])
      if (!current.has(id)) this.#found.get(key)?.delete(id)
    for (const reference of references) {
      const version = this.#references.versionOf(`${cluster.metadata.namespace}/${reference.name}`)
      if (reference.kind === 'redis') {
        const read = () => this.#read(cluster, reference.name)
        result.redis = { name: reference.name, version, read }
        // The spec's own address comes first, and whether the Secret is as it should be its reader says.
        result.redisServer ??= (await this.#factsOf(key, cluster, reference, version))?.server
        continue
      }
      const facts = await this.#factsOf(key, cluster, reference, version)
      const { problem, unusable, changesAt } = facts
        ? judge(reference, facts, now)
        : { problem: missing(cluster, reference, issuable), unusable: true }
      if (problem) result.problems.push(problem)
      if (reference.kind === 'turnTls' && !problem && !unusable) result.turnTls = turnTls(cluster)
      if (changesAt !== undefined) result.wakeInMs = Math.min(result.wakeInMs, changesAt - now)
      if (reference.kind === 'mysql' && version) result.versions[reference.name] = version
    }
  }

  async #factsOf(
    key: string,
    cluster: Cluster,
    reference: SecretReference,
    version: string | undefined,
  ): Promise<Facts | undefined> {
    const found = this.#found.get(key) ?? new Map<string, Found>()
    this.#found.set(key, found)
    const id = idOf(reference, cluster)
    const known = found.get(id)
    if (known?.version === version) return known?.facts
    found.delete(id)
    const secret = version && (await this.#read(cluster, reference.name))
    if (!secret) return undefined
    const facts = factsOf(reference.kind, secret.data, hostOf(reference, cluster))
    found.set(id, { reference, version: secret.version, facts })
    return facts
  }

  async #read({ metadata }: Cluster, name: string) {
    try {
      const secret = await this.#client.get<SecretObject>(SECRETS, metadata.namespace, name)
      const { uid, resourceVersion } = secret.metadata
      return { version: `${uid}/${resourceVersion}`, data: secret.data ?? {} }
    } catch (error) {
      if (error instanceof NotFound) return undefined
      throw error
    }
  }
}

/** A name that its certificate has to be for. */
function hostOf({ kind }: SecretReference, cluster: Cluster): string {
  return (kind === 'turnTls' && turnTls(cluster)?.host) || cluster.spec.domain
}

function idOf(reference: SecretReference, cluster: Cluster): string {
  return `${reference.kind} ${reference.name} ${hostOf(reference, cluster)}`
}

function factsOf(kind: SecretReference['kind'], data: SecretData, host: string): Facts {
  switch (kind) {
    case 'mysql':
      return readAddress(data)
    case 'redis': {
      const server = redisServer(Buffer.from(data.url ?? '', 'base64').toString())
      return server ? { server } : {}
    }
    default:
      return readCertificate(data, host)
  }
}

/** A database is named by one URL, or by its parts. */
function readAddress(data: SecretData): CertificateFacts {
  return data.url || data.host ? {} : { missingKey: 'url' }
}

function judge({ kind, field, name }: SecretReference, facts: CertificateFacts, now: number) {
  if (kind === 'mysql') {
    const { missingKey } = facts
    return { unusable: false, ...(missingKey && { problem: lacks(field, name, missingKey) }) }
  }
  const { unusable, missingKey, problem, changesAt } = judgeCertificate(facts, now)
  const said = missingKey
    ? lacks(field, name, missingKey)
    : problem && {
        reason: REASON.TLSInvalid,
        message: `${field}: Secret ${name}: ${problem}`,
        stalled: true,
      }
  return {
    unusable,
    ...(said ? { problem: said } : {}),
    ...(changesAt === undefined ? {} : { changesAt }),
  }
}

function lacks(field: string, name: string, key: string): Problem {
  return {
    reason: REASON.MissingReference,
    message: `${field}: Secret ${name} has no key ${key}; add it`,
    stalled: true,
  }
}

const KEYS: Readonly<Record<SecretReference['kind'], string>> = {
  redis: 'key url',
  mysql: 'key url',
  turnTls: 'keys tls.crt and tls.key',
  ingressTls: 'keys tls.crt and tls.key',
}

function missing(cluster: Cluster, reference: SecretReference, issuable: boolean): Problem {
  const { kind, field, name } = reference
  const reason = REASON.MissingReference
  if (isIssued(cluster, reference)) {
    if (kind === 'turnTls' && !issuable)
      return {
        reason,
        message: `${field}: this cluster has no kind Certificate of cert-manager.io/v1; install cert-manager, or name a Secret in spec.turn.tls.secretName`,
        stalled: true,
      }
    return {
      reason,
      message: `${field}: cert-manager has not made Secret ${name} yet; kubectl describe certificate -n ${cluster.metadata.namespace} says how far it is`,
      stalled: false,
    }
  }
  return {
    reason,
    message: `${field}: there is no Secret ${name}; create it with the ${KEYS[kind]}`,
    stalled: true,
  }
}

/** Whether cert-manager is to make it: asked by us, or by annotations that it reads on an Ingress. */
function isIssued(cluster: Cluster, { kind }: SecretReference): boolean {
  if (kind === 'turnTls') return turnTls(cluster)?.issued === true
  if (kind !== 'ingressTls') return false
  return Object.keys(cluster.spec.webapp.ingress.annotations).some((name) =>
    /^cert-manager\.io\/(cluster-)?issuer$/.test(name),
  )
}

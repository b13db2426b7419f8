import type { Logger } from 'pino'
import type { ApiClient } from '../runtime/client.ts'
import { type Clock, sleep } from '../runtime/clock.ts'
import { ApiError, Unavailable } from '../runtime/errors.ts'
import type { EventRecorder } from '../runtime/events.ts'
import { CONFIG_MAPS, type K8sObject } from '../runtime/resources.ts'
import { Authorizer } from './authorizer.ts'
import type { ServingIdentity } from './certificate.ts'
import type { FigureSource } from './figures.ts'
import { NoFrontProxy, parseFrontProxy } from './front-proxy.ts'
import { CUSTOM, EXTERNAL } from './groups.ts'
import { Registration } from './registration.ts'
import { type MetricsServer, serveMetrics } from './server.ts'
import { loadServingIdentity } from './serving-secret.ts'

export interface MetricsApiOptions {
  client: ApiClient
  events: Pick<EventRecorder, 'record'>
  figures: FigureSource
  /** Names of the metrics, the same in every group. */
  metrics: readonly string[]
  /** Also custom.metrics.k8s.io. */
  custom: boolean
  /** HTTPS; 0: any free one. */
  port: number
  /** The Service in front of the operator's replicas, on port 443. */
  service: { name: string; namespace: string }
  /** See {@link Registration}. */
  owner?: string | undefined
  clock: Clock
  random: () => number
  log: Logger
}

const CHECK_MS = 60_000
const RETRY_MS = 2_000

/**
 * The aggregated API of the operator's own figures. Every replica {@link serve}s; the one that leads also
 * {@link register}s it, so that two versions of the operator do not register against each other.
 */
export class MetricsApi {
  readonly #options: MetricsApiOptions
  readonly #server: MetricsServer
  readonly #registration: Registration
  #identity: ServingIdentity | undefined
  /** What the front proxy was last parsed from. */
  #trust = ''
  #onChange: (() => void) | undefined
  #checking: Promise<Error | undefined> = Promise.resolve(undefined)
  #trouble = ''

  private constructor(options: MetricsApiOptions, server: MetricsServer) {
    this.#options = options
    this.#server = server
    const groups = options.custom ? [EXTERNAL, CUSTOM] : [EXTERNAL]
    this.#registration = new Registration({ ...options, groups })
  }

  /** Opens the port; nobody is answered before {@link serve}. @throws PortInUse */
  static async open(options: MetricsApiOptions): Promise<MetricsApi> {
    const { port, figures, client, clock, log, metrics, custom } = options
    const server = await serveMetrics({
      port,
      served: { groups: custom ? [EXTERNAL, CUSTOM] : [EXTERNAL], metrics },
      figures,
      authorizer: new Authorizer(client, clock),
      log,
    })
    return new MetricsApi(options, server)
  }

  get port(): number {
    return this.#server.port
  }

  /** Whether autoscalers can go by external metrics. */
  get external(): boolean {
    return this.#registration.external
  }

  /** Keeps certificate, trust and registration current until the signal aborts. */
  async serve(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options
    while (!signal.aborted) {
      const problem = await this.#check()
      const pause = problem instanceof Unavailable ? RETRY_MS : CHECK_MS
      await sleep(clock, pause * (0.9 + 0.2 * random()), signal)
    }
  }

  /**
   * From now on this replica registers the API with the cluster, until the signal aborts. Resolves when it is known
   * whether the cluster asks us: before that, nobody can say what autoscalers should go by.
   *
   * @param onChange {@link external} has changed
   */
  async register(signal: AbortSignal, onChange: () => void): Promise<void> {
    this.#onChange = onChange
    signal.addEventListener('abort', () => {
      this.#onChange = undefined
    })
    while (!signal.aborted && (await this.#check()) instanceof Unavailable)
      await sleep(this.#options.clock, RETRY_MS, signal)
  }

  close(): Promise<void> {
    return this.#server.close()
  }

  /** One at a time. @returns what kept it from being done */
  #check(): Promise<Error | undefined> {
    this.#checking = this.#checking.then(async () => {
      try {
        await this.#refresh()
        if (this.#onChange && (await this.#registration.ensure(this.#identity?.caBundle ?? '')))
          this.#onChange()
        this.#trouble = ''
        return undefined
      } catch (error) {
        if (!(error instanceof ApiError || error instanceof NoFrontProxy)) throw error
        this.#say(error.message)
        return error
      }
    })
    return this.#checking
  }

  /** Reads what to serve with and whom to believe. @throws ApiError, NoFrontProxy */
  async #refresh(): Promise<void> {
    const { client, service, clock } = this.#options
    const host = `${service.name}.${service.namespace}.svc`
    const identity = await loadServingIdentity({
      client,
      namespace: service.namespace,
      dnsNames: [host, `${host}.cluster.local`],
      clock,
    })
    const config = await client.get<K8sObject & { data?: Record<string, string> }>(
      CONFIG_MAPS,
      'kube-system',
      'extension-apiserver-authentication',
    )
    const trust = JSON.stringify(config.data ?? {})
    if (identity.certificate !== this.#identity?.certificate || trust !== this.#trust) {
      this.#server.use(identity, undefined)
      this.#server.use(identity, parseFrontProxy(config.data ?? {}))
    }
    this.#identity = identity
    this.#trust = trust
  }

  /** Once for as long as it is the same. */
  #say(problem: string): void {
    if (this.#trouble === problem) return
    this.#trouble = problem
    this.#options.log.warn({ problem }, 'metrics API not kept up')
  }
}

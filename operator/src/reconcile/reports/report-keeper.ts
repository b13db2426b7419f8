import { relayCostReportSchema } from '@parley/protocol'
import type { Logger } from 'pino'
import { durationSeconds, type MeetingCluster, REPORT_ROWS } from '../../api/index.ts'
import type { ApiClient } from '../../runtime/client.ts'
import { type Clock, sleep } from '../../runtime/clock.ts'
import { type K8sObject, RELAY_COST_REPORTS } from '../../runtime/resources.ts'
import type { MeterClient, MeterTarget } from '../figures/meter-client.ts'
import { type Period, periodsAt } from './periods.ts'
import { AS_OF_ANNOTATION, type PeriodReports, reportResource } from './resource.ts'

export interface ReportKeeperOptions {
  client: Pick<ApiClient, 'serves' | 'list' | 'apply' | 'delete'>
  meter: Pick<MeterClient, 'get'>
  /** Of all MeetingClusters that are this operator's to look after, with the meter where it runs. */
  clusters: () => Iterable<{ cluster: MeetingCluster & K8sObject; meter: MeterTarget | undefined }>
  /** Without it: all namespaces. */
  namespace: string | undefined
  clock: Clock
  random: () => number
  log: Logger
}

interface Known {
  name: string
  namespace: string | undefined
  uid: string
  /** Epoch ms. */
  asOf: number
}

/** How often to look whether a period is over. */
const TICK_MS = 60_000
const PAGE = 500
const OURS = 'app.kubernetes.io/managed-by=parley'

/**
 * Keeps the RelayCostReports of every MeetingCluster: writes those of periods that are over, renews that of the
 * present day, deletes what is older than is kept. What is there is listed once, when this operator begins to lead;
 * a report that is up to date is never written again. It stands apart from reconciling: a meter that does not
 * answer, or a right that is missing, changes nothing else, and is tried again with the next minute.
 */
export class ReportKeeper {
  readonly #options: ReportKeeperOptions
  /** By uid of the MeetingCluster, and name; undefined: not listed yet. */
  #known: Map<string, Map<string, Known>> | undefined
  readonly #said = new Map<string, string>()

  constructor(options: ReportKeeperOptions) {
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options
    while (!signal.aborted) {
      await sleep(clock, TICK_MS * (0.9 + 0.2 * random()), signal)
      if (!signal.aborted) await this.keepAll(signal)
    }
  }

  /** Does what there is to do now. Never rejects. */
  async keepAll(signal?: AbortSignal): Promise<void> {
    const known = await this.#attempt('', () => this.#list())
    if (!known) return
    const clusters = [...this.#options.clusters()]
    const present = new Set(clusters.map(({ cluster }) => cluster.metadata.uid ?? ''))
    // They are deleted with their owner.
    for (const uid of known.keys()) if (!present.has(uid)) known.delete(uid)
    for (const { cluster, meter } of clusters) {
      if (signal?.aborted) return
      const { namespace, name, uid = '' } = cluster.metadata
      const own = known.get(uid) ?? new Map<string, Known>()
      known.set(uid, own)
      await this.#attempt(`${namespace}/${name}`, () => this.#keep(cluster, meter, own))
    }
  }

  async #keep(
    cluster: MeetingCluster & K8sObject,
    meter: MeterTarget | undefined,
    known: Map<string, Known>,
  ): Promise<void> {
    const { clock, client } = this.#options
    const { name, creationTimestamp = '' } = cluster.metadata
    const interval = durationSeconds(cluster.spec.cost.reportInterval)
    const periods = periodsAt(clock.now(), Date.parse(creationTimestamp) || 0, interval)
    const wanted = new Set(periods.map(({ suffix }) => `${name}-${suffix}`))
    for (const [old, { namespace, uid }] of known) {
      if (wanted.has(old)) continue
      await client.delete(RELAY_COST_REPORTS, namespace, old, uid)
      known.delete(old)
    }
    if (!meter) return
    for (const period of periods) {
      const before = known.get(`${name}-${period.suffix}`)
      if (!before || before.asOf < period.dueAt) await this.#write(cluster, meter, period, known)
    }
  }

  async #write(
    cluster: MeetingCluster & K8sObject,
    meter: MeterTarget,
    period: Period,
    known: Map<string, Known>,
  ): Promise<void> {
    const asOf = this.#options.clock.now()
    const object = reportResource(cluster, period, await this.#ask(meter, period), asOf)
    const { namespace, name } = object.metadata
    const written = await this.#options.client.apply(
      RELAY_COST_REPORTS,
      namespace,
      name,
      JSON.stringify(object),
    )
    known.set(name, knownOf(written, asOf))
  }

  async #ask(meter: MeterTarget, { from, to }: Period): Promise<PeriodReports> {
    const by = (dimensions: string) =>
      this.#options.meter.get(
        meter,
        `/report?from=${from}&to=${to}&by=${dimensions}&limit=${REPORT_ROWS}`,
        relayCostReportSchema,
      )
    // One after the other: the meter has its own work to do.
    const rooms = await by('tenant,room')
    const tenants = await by('tenant')
    return { rooms, tenants, reasons: await by('reason') }
  }

  /** Undefined while the API server does not know the kind: the CRD is of a later version than what is installed. */
  async #list(): Promise<Map<string, Map<string, Known>> | undefined> {
    if (this.#known) return this.#known
    const { client, namespace, log } = this.#options
    if (!(await client.serves(RELAY_COST_REPORTS))) {
      if (!this.#said.has('kind'))
        log.info({ kind: RELAY_COST_REPORTS.kind }, 'this cluster has no such kind: none are made')
      this.#said.set('kind', 'told')
      return undefined
    }
    const known = new Map<string, Map<string, Known>>()
    let next: string | undefined
    do {
      const page = await client.list(
        RELAY_COST_REPORTS,
        namespace,
        { labelSelector: OURS, limit: PAGE, ...(next ? { continue: next } : {}) },
        { metadataOnly: true },
      )
      for (const object of page.items ?? []) {
        const owner = object.metadata.ownerReferences?.find(({ controller }) => controller)?.uid
        if (!owner) continue
        const own = known.get(owner) ?? new Map<string, Known>()
        known.set(owner, own)
        const asOf = Date.parse(object.metadata.annotations?.[AS_OF_ANNOTATION] ?? '') || 0
        own.set(object.metadata.name, knownOf(object, asOf))
      }
      next = page.metadata.continue || undefined
    } while (next)
    this.#known = known
    return known
  }

  /** An error that stays the same is one line in the log. */
  async #attempt<T>(about: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work()
      this.#said.delete(about)
      return result
    } catch (error) {
      const { message } = error as Error
      if (this.#said.get(about) !== message)
        this.#options.log.warn({ cluster: about, error: message }, 'cost reports not kept')
      this.#said.set(about, message)
      return undefined
    }
  }
}

function knownOf({ metadata }: K8sObject, asOf: number): Known {
  return { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid ?? '', asOf }
}

import { randomBytes, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { MetricsApi } from '../metrics-api/index.ts'
import { EXTERNAL_METRICS } from '../render/index.ts'
import { ApiClient } from '../runtime/client.ts'
import { type Clock, sleep, systemClock } from '../runtime/clock.ts'
import { Controller } from '../runtime/controller.ts'
import { ApiError } from '../runtime/errors.ts'
import { EventRecorder } from '../runtime/events.ts'
import { LeaderElector } from '../runtime/leader.ts'
import { createMetrics } from '../runtime/metrics.ts'
import { Resharding } from '../runtime/resharding.ts'
import { type HttpServers, serveHttp } from '../runtime/server.ts'
import { formatShard, leaseName, ownsNamespace, type Shard, WHOLE } from '../runtime/shard.ts'
import { clustersWithMeters, figuresOfWorld, runningMeters } from './figures/figure-targets.ts'
import type { Figures } from './figures/figures.ts'
import { MeterClient } from './figures/meter-client.ts'
import { directScraper, proxyScraper } from './figures/pod-scraper.ts'
import { RelayPoller } from './figures/relay.ts'
import { meetingClusterReconciler } from './reconcile.ts'
import { ReportKeeper } from './reports/report-keeper.ts'
import { RestingStates } from './resting.ts'
import { RestingKeeper } from './resting-keeper.ts'
import { registerCertificates } from './secrets/certificate-metrics.ts'
import { ReferencedSecrets } from './secrets/referenced.ts'
import { World } from './world.ts'

export interface ManagerOptions {
  /** A kubeconfig file; without it the Pod's service account. */
  kubeconfig?: string
  /** Look after this namespace only; without it, all. */
  namespace?: string
  /** 0: any free port. */
  metricsPort: number
  healthPort: number
  /** Without it this must be the only operator there is (of its shard, and of its number of shards). */
  leaderElect: boolean
  /** The part of the namespaces that this operator looks after. Default: all. */
  shard?: Shard
  /** Namespace of the Lease. Default: the Pod's, else `namespace`, else `default`. */
  leaseNamespace?: string
  /** Look at every MeetingCluster again this often, though nothing was seen to change. Default 10 h. */
  resyncMs?: number
  /** Used where a spec names no registry or tag. */
  images: { registry: string; tag: string }
  /**
   * Time within which every pod is taken to see a changed Secret; a rotation waits that long between its steps.
   * Default: 5 min.
   */
  rotationMarginMs?: number
  /** How often to ask whether kinds of other operators (ServiceMonitor, Certificate) have come. Default: 30 s. */
  discoveryMs?: number
  /**
   * Tells this build of the operator from every other one. Given, what was found to be as it should be is remembered
   * for the next start, in a ConfigMap beside the Lease; left out, every start compares everything.
   */
  build?: string
  /** After so long what may be at rest is looked at again, if nothing else makes the operator look. Default: 2 min. */
  lookAgainMs?: number
  log: Logger
  /** Aborting it stops the operator: what was begun is finished, and the Lease is given up. */
  signal: AbortSignal
  /** After so long it is cut off instead, and the Lease lapses. Default 25 s. */
  graceMs?: number
  /** Serves external.metrics.k8s.io, which autoscalers then go by; left out: they go by CPU. */
  metricsApi?: {
    /** HTTPS; 0: any free one. */
    port: number
    /** Name of the Service in front of the operator's replicas, in the namespace of the Lease. */
    service: string
    /** Serve custom.metrics.k8s.io as well. */
    custom: boolean
    /** ClusterRole that the APIService objects are to go with. */
    owner?: string
  }
  /** Called once the ports are open. */
  onListening?: (ports: Ports) => void
}

export interface Ports extends Pick<HttpServers, 'metricsPort' | 'healthPort'> {
  metricsApiPort?: number
}

/** Another operator leads now: this process must end, so that two never act at once. */
export class LeadershipLost extends Error {
  override name = 'LeadershipLost'
  readonly code = 'LEADERSHIP_LOST'
  constructor() {
    super(
      'lost the leader lease: the API server could not be reached in time; restart to stand by again',
    )
  }
}

/** The kubelet kills a pod after 30 s. */
const GRACE_MS = 25_000
const RESYNC_MS = 10 * 3600_000
/**
 * A pass over a new MeetingCluster has more writes at hand than there are connections. More passes at a time would only
 * have more that waits in memory, and is copied each time that garbage is collected.
 */
const WORKERS = 4
/** The kubelet takes 2 min at most, a write half of one; clocks of two operators may differ by the rest. */
const ROTATION_MARGIN_MS = 5 * 60_000
/** Workloads come up by then, and who makes many MeetingClusters is not kept waiting by it. */
export const LOOK_AGAIN_MS = 2 * 60_000

/**
 * Runs the operator until the signal aborts.
 * @throws LeadershipLost; PortInUse; an Error when there is no cluster to connect to
 */
export async function runManager(options: ManagerOptions): Promise<void> {
  const { log, signal, namespace, shard = WHOLE, resyncMs = RESYNC_MS } = options
  const clock = systemClock
  const random = Math.random
  const metrics = createMetrics()
  if (shard.count > 1) metrics.registry.setDefaultLabels({ shard: formatShard(shard) })
  const owns = (name: string) => ownsNamespace(shard, name)
  const client = await ApiClient.connect(options.kubeconfig, metrics)
  signal.addEventListener(
    'abort',
    () => setTimeout(() => void client.cutOff(), options.graceMs ?? GRACE_MS).unref(),
    { once: true },
  )
  let ready = false
  let controller: Controller | undefined
  const enqueue = (key: string) => controller?.queue.add(key)
  const servers = await serveHttp({
    metricsPort: options.metricsPort,
    healthPort: options.healthPort,
    registry: metrics.registry,
    probes: { healthy: () => true, ready: () => ready },
    beforeScrape: () => controller?.queue.measure(),
  })
  let figures: Figures | undefined
  const events = new EventRecorder({ client, instance: hostname(), clock, log })
  const metricsApi = options.metricsApi
    ? await MetricsApi.open({
        ...options.metricsApi,
        service: { name: options.metricsApi.service, namespace: await leaseNamespace(options) },
        client,
        events,
        figures: {
          ofClusters: async (query) => (await figures?.ofClusters(query)) ?? [],
          ofPods: async (query) => (await figures?.ofPods(query)) ?? [],
        },
        metrics: Object.keys(EXTERNAL_METRICS),
        clock,
        random,
        log,
      })
    : undefined
  options.onListening?.({
    ...servers,
    ...(metricsApi ? { metricsApiPort: metricsApi.port } : {}),
  })

  const { discoveryMs } = options
  const world = new World({ client, namespace, owns, enqueue, discoveryMs, clock, random, log })
  const referenced = new ReferencedSecrets(client, world.references)
  registerCertificates(metrics.registry, referenced)
  const identity = `${hostname()}_${randomUUID()}`
  const meter = new MeterClient(client)
  const scraper = options.kubeconfig ? proxyScraper(client) : directScraper()
  const known = figuresOfWorld(world, { meter, scraper, clock })
  figures = known
  const relay = new RelayPoller({
    meter,
    targets: () => [...runningMeters(world)].filter((meter) => owns(meter.namespace)),
    rooms: (key) => known.rooms(key),
    onChange: enqueue,
    clock,
    random,
  })
  const reports = new ReportKeeper({
    client,
    meter,
    clusters: () => clustersWithMeters(world, owns),
    namespace,
    clock,
    random,
    log,
  })
  const resting = options.build === undefined ? undefined : new RestingStates(options.build)
  const keeper =
    resting &&
    new RestingKeeper({
      client,
      namespace: await leaseNamespace(options),
      lease: leaseName(shard),
      states: resting,
      clock,
      random,
      log,
    })
  const reconciler = new Controller({
    name: 'meetingcluster',
    reconcile: meetingClusterReconciler({
      client,
      world,
      events,
      relay,
      resting,
      referenced,
      capabilities: { externalMetrics: () => metricsApi?.external ?? false },
      ...(options.kubeconfig ? {} : { operatorNamespace: await leaseNamespace(options) }),
      images: options.images,
      rotationMarginMs: options.rotationMarginMs ?? ROTATION_MARGIN_MS,
      lookAgainMs: options.lookAgainMs ?? LOOK_AGAIN_MS,
      clock,
      randomBytes,
      log,
    }),
    workers: WORKERS,
    clock,
    metrics,
    log,
  })
  controller = reconciler

  // Watches outlive the work, so that what is being finished still sees the world.
  const watching = new AbortController()
  const watches = world.run(watching.signal)
  let serving: Promise<void> | undefined
  try {
    await world.hasSynced(signal)
    ready = true
    serving = metricsApi?.serve(watching.signal)
    log.info(
      {
        clusters: world.clusters.size,
        namespace: namespace ?? 'all',
        ...(shard.count > 1 ? { shard: formatShard(shard) } : {}),
      },
      'caches filled',
    )
    const work = async (active: AbortSignal) => {
      await metricsApi?.register(active, () => world.enqueueAll())
      await keeper?.read()
      await runWork(
        { controller: reconciler, relay, reports, resting, keeper, world, clock, resyncMs },
        active,
      )
      // Who leads no more leaves it to the next one.
      if (signal.aborted) await keeper?.write()
    }
    if (!options.leaderElect) return await work(signal)
    const leases = { client, namespace: await leaseNamespace(options), clock, random, log }
    const elector = new LeaderElector({ ...leases, name: leaseName(shard), identity, metrics })
    const resharding = new Resharding({ ...leases, shard })
    const workAlone = async (active: AbortSignal) => {
      if (shard.index === 0) await keeper?.remove(resharding.former)
      await work(active)
    }
    await lead({ elector, resharding, client }, workAlone, signal)
  } finally {
    watching.abort()
    await Promise.all([watches, serving, events.settled()])
    await Promise.all([servers.close(), metricsApi?.close(), scraper.close()])
    await client.close()
    log.info('stopped')
  }
}

interface Leadership {
  elector: LeaderElector
  resharding: Resharding
  client: Pick<ApiClient, 'cutOff'>
}

/** Works while it leads. The lease is given up only after the last write. */
async function lead(
  { elector, resharding, client }: Leadership,
  work: (active: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    if (!(await resharding.settled(signal))) return
    if (!(await elector.acquire(signal))) return
    // Who of two numbers of shards came at the same moment sees the other now, and both try again.
    const others = await resharding.others()
    if (others?.length === 0) break
    await release(elector)
  }
  const holding = new AbortController()
  const lost = new AbortController()
  const held = elector.hold(holding.signal).then((outcome) => {
    if (outcome === 'lost') {
      // Also what is under way must not write into the next leader's time.
      void client.cutOff()
      lost.abort()
    }
    return outcome
  })
  const working = work(AbortSignal.any([signal, lost.signal]))
  if ((await Promise.race([held, working.then(() => 'stopped' as const)])) === 'lost') {
    throw new LeadershipLost()
  }
  await working
  holding.abort()
  await held
  await release(elector)
}

async function release(elector: LeaderElector): Promise<void> {
  try {
    await elector.release()
  } catch (error) {
    // The next leader waits until it lapses instead.
    if (!(error instanceof ApiError)) throw error
  }
}

interface Work {
  controller: Controller
  relay: RelayPoller
  reports: ReportKeeper
  resting: RestingStates | undefined
  keeper: RestingKeeper | undefined
  world: World
  clock: Clock
  resyncMs: number
}

async function runWork(
  { controller, relay, reports, resting, keeper, world, clock, resyncMs }: Work,
  signal: AbortSignal,
): Promise<void> {
  const lookAtAll = () => {
    resting?.expect(world.ownClusters())
    world.enqueueAll()
  }
  lookAtAll()
  const resync = async () => {
    while (!signal.aborted) {
      await sleep(clock, resyncMs * (0.9 + 0.2 * Math.random()), signal)
      if (signal.aborted) return
      resting?.doubt()
      lookAtAll()
    }
  }
  await Promise.all([
    ...[controller.run(signal), relay.run(signal), reports.run(signal), resync()],
    keeper?.run(signal),
  ])
}

const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace'

async function leaseNamespace(options: ManagerOptions): Promise<string> {
  if (options.leaseNamespace) return options.leaseNamespace
  if (process.env.POD_NAMESPACE) return process.env.POD_NAMESPACE
  if (!options.kubeconfig) {
    const text = await readFile(NAMESPACE_FILE, 'utf8').catch(() => '')
    if (text.trim()) return text.trim()
  }
  return options.namespace ?? 'default'
}

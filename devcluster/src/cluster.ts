import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import { renderCoreDns } from './addons/coredns.ts'
import { renderMetricsApi, renderMetricsServer } from './addons/metrics-server.ts'
import { renderStorageClass } from './addons/storage.ts'
import { ApiClient } from './api.ts'
import { CLUSTER_COMPONENTS, type ClusterBinaries, ensureBinaries } from './binaries.ts'
import { runControlPlane, serverUrl } from './control-plane.ts'
import { DevclusterError } from './errors.ts'
import { writeAdminKubeconfig } from './kubeconfig.ts'
import { withLock } from './lock.ts'
import {
  ensureClientNamespace,
  ensureNodeNamespace,
  ensureSwitch,
  usedNetworks,
} from './namespaces.ts'
import {
  chooseSubnet,
  clientAddress,
  clientNamespace,
  MAX_NODES,
  type NodeAddresses,
  nodeAddresses,
  subnetAddresses,
  switchNamespace,
} from './network.ts'
import {
  importImages,
  importMissingImages,
  type NodeOptions,
  registerNode,
  type Snapshotter,
  startNode,
} from './node.ts'
import { ensureImageArchive } from './oci.ts'
import { ensureNodePrograms } from './packages.ts'
import { type ClusterPaths, clusterPaths, clustersRoot } from './paths.ts'
import { listDaemons } from './process.ts'
import { type OnProgress, step } from './progress.ts'
import { currentBootId, listClusters, type NodesRecord, readRecord, writeRecord } from './record.ts'
import { clusterNamespaces, removeCluster, sweepAbandoned } from './teardown.ts'

export const DEFAULT_NAME = 'dev'

export interface UpOptions {
  /** Name of the cluster, default `dev`. */
  readonly name?: string
  /** Number of nodes, default 1. A running cluster grows to it and never shrinks. */
  readonly nodes?: number
  /** Also write the administrator's kubeconfig here (mode 0600). */
  readonly kubeconfig?: string
  readonly onProgress?: OnProgress
}

export interface Cluster {
  readonly name: string
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string
  /** URL of the API server, reachable from this machine. */
  readonly server: string
  /** This machine's address in the cluster's network; the nodes reach it there. */
  readonly machineAddress: string
  readonly nodes: readonly NodeAddresses[]
  /** From the start of the first program to Ready nodes and DNS, in seconds. */
  readonly readySeconds: number
  /**
   * Settles when the metrics API answers (`kubectl top`, autoscalers), some 10 s after the nodes are Ready: it takes two
   * looks at the pods. Await it before this process ends.
   */
  readonly metricsReady: Promise<void>
}

/**
 * Brings a cluster with nodes up: returns when every node is Ready and DNS answers; metrics follow (`metricsReady`).
 * For a running cluster it starts what is missing.
 *
 * @throws DevclusterError NO_ROOT, NO_GO, DISK_FULL, BUILD_FAILED, PACKAGES_MISSING, NAME_TAKEN, NO_SUBNET, TIMED_OUT
 */
export async function up(options: UpOptions = {}): Promise<Cluster> {
  const name = options.name ?? DEFAULT_NAME
  const paths = clusterPaths(name)
  const nodeCount = options.nodes ?? 1
  if (!Number.isInteger(nodeCount) || nodeCount < 1 || nodeCount > MAX_NODES) {
    throw new DevclusterError('USAGE', `--nodes takes 1 to ${MAX_NODES}, not ${nodeCount}`)
  }
  requireRoot()
  const { onProgress } = options
  const [binaries] = await Promise.all([
    ensureBinaries(CLUSTER_COMPONENTS, options),
    ensureNodePrograms(onProgress),
  ])
  const images = await ensureImages(binaries)
  await sweepAbandoned()
  return withLock(`${paths.root}.lock`, async () => {
    const started = performance.now()
    const startedAt = new Date()
    // Two that start at the same moment must not choose the same network.
    const record = await withLock(join(clustersRoot(), '.networks.lock'), () =>
      decide(paths, name, nodeCount, options.kubeconfig),
    )
    const nodes = nodeAddresses(name, record.subnet, record.nodeCount)
    const server = serverUrl(record.endpoints)
    const snapshotter = await chooseSnapshotter(paths)
    const nodeOptions = nodes.map(
      (node): NodeOptions => ({
        cluster: name,
        paths,
        binaries,
        server,
        subnet: record.subnet,
        node,
        snapshotter,
        sandboxImage: images.pause.name,
      }),
    )
    await step(onProgress, 'network', 1, async () => {
      await ensureSwitch(name, record.subnet, nodes)
      for (const node of nodes) {
        const others = nodes.filter((other) => other !== node)
        await ensureNodeNamespace(name, record.subnet, node, others)
      }
    })
    const controlPlane = step(onProgress, 'control plane', 5, () =>
      runControlPlane({
        paths,
        binaries: binaries.kubernetes,
        endpoints: record.endpoints,
        lifetime: 'detached',
        scheduler: true,
        networkNamespace: switchNamespace(name),
        nodes,
      }),
    )
    const containers = step(onProgress, 'container runtime and system images', 5, () =>
      Promise.all(
        nodeOptions.map(async (node) => {
          await mkdir(paths.pki, { recursive: true, mode: 0o700 })
          const state = await startNode(node)
          await importMissingImages(paths, node.node.name, Object.values(images), snapshotter)
          return state
        }),
      ),
    )
    const [client, states] = await Promise.all([controlPlane, containers])
    const restarts: Restarts = new Map(
      nodes.flatMap(({ name }, index) => (states[index] === 'started' ? [[name, startedAt]] : [])),
    )
    try {
      for (const file of [paths.kubeconfig, ...record.kubeconfigs]) {
        await writeAdminKubeconfig({ file, cluster: name, server, pki: paths.pki })
      }
      await Promise.all(nodeOptions.map((node, position) => registerNode(client, node, position)))
      await deploySystem(client, images, record)
      await step(onProgress, 'nodes and DNS', 5, (report) =>
        waitReady(client, [...nodeWaits(nodes, restarts), podWait('kube-dns', restarts)], report),
      )
    } finally {
      client.close()
    }
    return {
      name,
      kubeconfig: record.kubeconfigs[0] ?? paths.kubeconfig,
      server,
      machineAddress: subnetAddresses(record.subnet).machine,
      nodes,
      readySeconds: (performance.now() - started) / 1000,
      metricsReady: offerMetrics(server, paths, restarts, onProgress),
    }
  })
}

/** Applies DNS, volumes and metrics-server, in the order that they are needed. */
async function deploySystem(
  client: ApiClient,
  images: SystemImages,
  { subnet }: NodesRecord,
): Promise<void> {
  const { dnsService } = subnetAddresses(subnet)
  for (const object of [
    ...renderCoreDns({ image: images.coredns.name, serviceAddress: dnsService }),
    ...renderStorageClass(),
    ...renderMetricsServer({ image: images['metrics-server'].name }),
  ]) {
    await client.apply(object)
  }
}

/** Removes a cluster and all that it left, also after a crash. Nothing happens when there is none. */
export async function down(options: { readonly name?: string } = {}): Promise<void> {
  const name = options.name ?? DEFAULT_NAME
  const paths = clusterPaths(name)
  const record = await readRecord(paths)
  if (record?.kind !== 'control-plane' && (await clusterNamespaces(name)).length > 0) requireRoot()
  await withLock(`${paths.root}.lock`, () => removeCluster(name))
}

export interface ClusterStatus {
  readonly name: string
  readonly kind: 'control-plane' | 'nodes'
  readonly server: string
  readonly kubeconfig: string
  readonly nodes: readonly NodeAddresses[]
  /** `running`: all processes live; `degraded`: some do; `stopped`: none (a crash, or a restart of the machine). */
  readonly state: 'running' | 'degraded' | 'stopped'
  readonly processes: readonly { readonly name: string; readonly pid: number; alive: boolean }[]
}

/** What runs of one cluster, or undefined when there is none of that name. */
export async function status(
  options: { readonly name?: string } = {},
): Promise<ClusterStatus | undefined> {
  const name = options.name ?? DEFAULT_NAME
  const paths = clusterPaths(name)
  const record = await readRecord(paths)
  if (!record) return undefined
  const processes = (await listDaemons(paths)).map(({ name: daemon, identity, alive }) => ({
    name: daemon,
    pid: identity.pid,
    alive,
  }))
  const living = processes.filter(({ alive }) => alive).length
  return {
    name,
    kind: record.kind,
    server: serverUrl(record.endpoints),
    kubeconfig: record.kubeconfigs[0] ?? paths.kubeconfig,
    nodes: record.kind === 'nodes' ? nodeAddresses(name, record.subnet, record.nodeCount) : [],
    state: living === 0 ? 'stopped' : living === processes.length ? 'running' : 'degraded',
    processes,
  }
}

/** The status of every cluster of this user. */
export async function statusOfAll(): Promise<ClusterStatus[]> {
  const all = await Promise.all(
    (await listClusters()).map(({ record }) => status({ name: record.name })),
  )
  return all.filter((one) => one !== undefined)
}

/**
 * Imports an OCI archive (`buildah push … oci-archive:FILE:NAME:TAG`) into every node.
 *
 * @throws DevclusterError NOT_RUNNING, REQUEST_FAILED
 */
export async function loadImage(options: {
  readonly name?: string
  /** Path of one archive, or of several. */
  readonly archive: string | readonly string[]
}): Promise<void> {
  const { paths, record } = await requireNodes(options.name ?? DEFAULT_NAME)
  const snapshotter = await chooseSnapshotter(paths)
  const archives = typeof options.archive === 'string' ? [options.archive] : options.archive
  await Promise.all(
    nodeAddresses(record.name, record.subnet, record.nodeCount).map((node) =>
      importImages(paths, node.name, archives, snapshotter),
    ),
  )
}

export interface ClientNamespace {
  /** For `ip netns exec`. */
  readonly networkNamespace: string
  readonly address: string
}

/**
 * Makes a network namespace with its own address in the cluster's network, for a browser or another client. It reaches
 * nodes, NodePorts and pods, and goes with the cluster.
 */
export async function attachClient(options: {
  readonly name?: string
  /** Tells clients apart; at most 10 letters and digits. */
  readonly label: string
}): Promise<ClientNamespace> {
  if (!/^[a-z0-9]{1,10}$/.test(options.label)) {
    throw new DevclusterError(
      'USAGE',
      `"${options.label}" cannot label a client: 1 to 10 of a-z0-9`,
    )
  }
  const { paths, record } = await requireNodes(options.name ?? DEFAULT_NAME)
  requireRoot()
  return withLock(`${paths.root}.clients.lock`, async () => {
    const networkNamespace = clientNamespace(record.name, options.label)
    const clients = (await clusterNamespaces(record.name)).filter((entry) => entry.includes('@'))
    const taken = await Promise.all(clients.map(addressOf))
    const own = taken[clients.indexOf(networkNamespace)]
    let position = 0
    while (!own && taken.includes(clientAddress(record.subnet, position))) position++
    const address = own ?? clientAddress(record.subnet, position)
    await ensureClientNamespace(record.name, record.subnet, options.label, address)
    return { networkNamespace, address }
  })
}

async function addressOf(namespace: string): Promise<string | undefined> {
  const { stdout } = await execa('ip', ['-netns', namespace, '-json', '-4', 'address'])
  const links = JSON.parse(stdout) as { ifname?: string; addr_info?: { local: string }[] }[]
  return links.find(({ ifname }) => ifname === 'eth0')?.addr_info?.[0]?.local
}

async function requireNodes(name: string): Promise<{ paths: ClusterPaths; record: NodesRecord }> {
  const paths = clusterPaths(name)
  const record = await readRecord(paths)
  if (record?.kind === 'nodes') return { paths, record }
  throw new DevclusterError(
    'NOT_RUNNING',
    `there is no cluster "${name}" with nodes: bring it up with "npm run devcluster -- up --name ${name}"`,
  )
}

function requireRoot(): void {
  if (process.getuid?.() === 0) return
  throw new DevclusterError(
    'NO_ROOT',
    'nodes need root for their namespaces: run the same command with "sudo -E env PATH=$PATH" before it, or take a cluster without nodes (--control-plane-only)',
  )
}

async function decide(
  paths: ClusterPaths,
  name: string,
  nodeCount: number,
  kubeconfig: string | undefined,
): Promise<NodesRecord> {
  const bootId = await currentBootId()
  let existing = await readRecord(paths)
  if (existing?.kind === 'control-plane') {
    throw new DevclusterError(
      'NAME_TAKEN',
      `cluster "${name}" is a control plane without nodes: take it down first (devcluster down --name ${name}) or choose another --name`,
    )
  }
  // etcd does not wait for the disk: after a restart of the machine its data cannot be trusted.
  if (existing ? existing.bootId !== bootId : (await clusterNamespaces(name)).length > 0) {
    await removeCluster(name)
    existing = undefined
  }
  const subnet = existing?.subnet ?? chooseSubnet(name, await reservedNetworks())
  const addresses = subnetAddresses(subnet)
  const kubeconfigs = new Set(existing?.kubeconfigs ?? [])
  if (kubeconfig) kubeconfigs.add(resolve(kubeconfig))
  const record: NodesRecord = {
    kind: 'nodes',
    name,
    bootId,
    subnet,
    endpoints: {
      address: addresses.controlPlane,
      // A namespace of its own: nothing else can have these ports.
      ports: { api: 6443, etcd: 2379, etcdPeer: 2380 },
      serviceCidr: addresses.serviceCidr,
      serviceAddress: addresses.kubernetesService,
    },
    kubeconfigs: [...kubeconfigs],
    nodeCount: Math.max(nodeCount, existing?.nodeCount ?? 0),
  }
  await writeRecord(paths, record)
  return record
}

async function reservedNetworks(): Promise<string[]> {
  const others = (await listClusters()).flatMap(({ record }) =>
    record.kind === 'nodes' ? [subnetAddresses(record.subnet).all] : [],
  )
  return [...others, ...(await usedNetworks())]
}

interface SystemImage {
  readonly name: string
  readonly archive: string
}

type SystemImages = Readonly<Record<'pause' | 'coredns' | 'metrics-server', SystemImage>>

/** The images of the cluster's own pods, one static program each, kept beside the program. */
async function ensureImages(binaries: ClusterBinaries): Promise<SystemImages> {
  const image = async (program: string, component: keyof ClusterBinaries): Promise<SystemImage> => {
    const folder = binaries[component]
    const version = folder.slice(folder.lastIndexOf('-') + 1)
    const name = `localhost/parley-devcluster/${program}:${version}`
    const archive = join(folder, `${program}.tar`)
    await ensureImageArchive(
      { name, program: join(folder, program), entrypoint: `/${program}` },
      archive,
    )
    return { name, archive }
  }
  const [pause, coredns, metricsServer] = await Promise.all([
    image('pause', 'runtime'),
    image('coredns', 'coredns'),
    image('metrics-server', 'metrics-server'),
  ])
  return { pause, coredns, 'metrics-server': metricsServer }
}

/** overlayfs unless the state directory's file system cannot carry it (it lies on another overlay). */
async function chooseSnapshotter(paths: ClusterPaths): Promise<Snapshotter> {
  const probe = join(paths.root, 'overlay-probe')
  const folders = ['lower', 'upper', 'work', 'merged'].map((name) => join(probe, name))
  await Promise.all(folders.map((folder) => mkdir(folder, { recursive: true })))
  const [lower, upper, work, merged] = folders
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`
  const result = await execa(
    'unshare',
    ['--mount', 'mount', '-t', 'overlay', 'overlay', '-o', options, merged ?? ''],
    { reject: false },
  )
  return result.exitCode === 0 ? 'overlayfs' : 'native'
}

interface Conditioned {
  readonly spec?: { readonly nodeName?: string }
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string
      readonly status: string
      readonly message?: string
      readonly lastHeartbeatTime?: string
    }[]
    readonly containerStatuses?: readonly {
      readonly state?: { readonly running?: { readonly startedAt: string } }
    }[]
  }
}

/** The condition of a type, if it is True. */
const conditionOf = ({ status }: Conditioned, type: string) =>
  status?.conditions?.find((condition) => condition.type === type && condition.status === 'True')

const READY_TIMEOUT_MS = 180_000

/**
 * Registers the metrics API when its server is ready, not before: while an API is registered that does not answer,
 * every discovery of the cluster's APIs complains.
 */
function offerMetrics(
  server: string,
  paths: ClusterPaths,
  restarts: Restarts,
  onProgress: OnProgress | undefined,
): Promise<void> {
  const offered = step(onProgress, 'metrics', 12, async (report) => {
    const client = await ApiClient.open(server, paths.pki)
    try {
      await waitReady(client, [podWait('metrics-server', restarts)], report)
      await client.apply(renderMetricsApi())
      await waitReady(client, [metricsApiWait], report)
    } finally {
      client.close()
    }
  })
  // Who took the cluster down meanwhile does not want to hear of it.
  offered.catch(() => undefined)
  return offered
}

/** Something that `up` waits for: an object, or one of a list of objects, that fulfils `ready`. */
interface Wait {
  readonly what: string
  readonly path: string
  readonly ready: (object: Conditioned) => boolean
}

/** When nodes were started just now. What the API server says of a time before does not count for these. */
type Restarts = ReadonlyMap<string, Date>

// The API gives whole seconds.
const isNews = (time: string | undefined, since: Date | undefined) =>
  Date.parse(time ?? '') >= (since ? Math.floor(since.getTime() / 1000) * 1000 : 0)

const nodeWaits = (nodes: readonly NodeAddresses[], restarts: Restarts): Wait[] =>
  nodes.map(({ name }) => ({
    what: `node ${name}`,
    path: `/api/v1/nodes/${name}`,
    ready: (node) => isNews(conditionOf(node, 'Ready')?.lastHeartbeatTime, restarts.get(name)),
  }))

const podWait = (app: string, restarts: Restarts): Wait => ({
  what: app,
  path: `/api/v1/namespaces/kube-system/pods?labelSelector=k8s-app%3D${app}`,
  ready: (pod) =>
    conditionOf(pod, 'Ready') !== undefined &&
    isNews(
      pod.status?.containerStatuses?.[0]?.state?.running?.startedAt,
      restarts.get(pod.spec?.nodeName ?? ''),
    ),
})

const metricsApiWait: Wait = {
  what: 'metrics API',
  path: '/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io',
  ready: (service) => conditionOf(service, 'Available') !== undefined,
}

async function waitReady(
  client: ApiClient,
  waits: readonly Wait[],
  report: (done: number, total: number, unit: string) => void,
): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS
  for (;;) {
    const states = await Promise.all(
      waits.map(async (wait) => ({ wait, objects: await listOrOne(client, wait.path) })),
    )
    const open = states.filter(({ wait, objects }) => !objects.some(wait.ready))
    report(waits.length - open.length, waits.length, 'ready')
    if (open.length === 0) return
    if (performance.now() > deadline) {
      const details = open.map(({ wait, objects }) => {
        const conditions = objects.flatMap(({ status }) => status?.conditions ?? [])
        return `${wait.what}: ${conditions.flatMap(({ message }) => message ?? []).join('; ')}`
      })
      throw new DevclusterError(
        'TIMED_OUT',
        `not ready after ${READY_TIMEOUT_MS / 1000} s: ${details.join(' | ')}`,
      )
    }
    await delay(200)
  }
}

async function listOrOne(client: ApiClient, path: string): Promise<readonly Conditioned[]> {
  const answer = (await client.get(path)) ?? {}
  return Array.isArray(answer.items) ? answer.items : [answer]
}

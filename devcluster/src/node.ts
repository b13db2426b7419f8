import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { execa } from 'execa'
import type { ApiClient } from './api.ts'
import type { ClusterBinaries } from './binaries.ts'
import { createNodeCgroup, nodeCgroup } from './cgroups.ts'
import { DevclusterError } from './errors.ts'
import { renderKubeconfig } from './kubeconfig.ts'
import { type NodeAddresses, type Subnet, subnetAddresses } from './network.ts'
import {
  cniConfig,
  containerdConfig,
  kubeletArguments,
  kubeletConfig,
  kubeProxyConfig,
  nodeInitConfig,
  RUN,
} from './node-config.ts'
import { findProgram } from './packages.ts'
import type { ClusterPaths } from './paths.ts'
import { isAlive, readDaemon, startDaemon, tailLog } from './process.ts'

export interface NodeOptions {
  readonly cluster: string
  readonly paths: ClusterPaths
  readonly binaries: ClusterBinaries
  readonly server: string
  readonly subnet: Subnet
  readonly node: NodeAddresses
  readonly snapshotter: Snapshotter
  readonly sandboxImage: string
}

export type Snapshotter = 'overlayfs' | 'native'

const daemonName = (node: string) => `node-${node}`

/**
 * Starts a node in its network namespace: containerd at once, kubelet and kube-proxy after `registerNode`. Does nothing
 * when it runs already, and says so.
 */
export async function startNode(options: NodeOptions): Promise<'started' | 'running'> {
  const { paths, node, cluster } = options
  const running = await readDaemon(paths, daemonName(node.name))
  if (running && isAlive(running)) return 'running'
  const folder = join(paths.nodes, node.name)
  const run = join(paths.root, 'run', node.name)
  // What a machine loses when it is switched off.
  await rm(run, { recursive: true, force: true })
  for (const name of ['containerd', 'kubelet', 'cni', 'config', 'log/pods']) {
    await mkdir(join(folder, name), { recursive: true })
  }
  await mkdir(run, { recursive: true })
  await mkdir(paths.volumes, { recursive: true })
  await mkdir(paths.logs, { recursive: true })
  await createNodeCgroup(cluster, node.name)
  const addresses = subnetAddresses(options.subnet)
  const runc = findProgram('runc')
  if (!runc) throw new DevclusterError('PACKAGES_MISSING', 'runc is missing: apt-get install runc')
  const write = (file: string, text: string) => writeFile(join(folder, file), text, { mode: 0o600 })
  await Promise.all([
    write(
      'config/containerd.toml',
      containerdConfig({
        snapshotter: options.snapshotter,
        sandboxImage: options.sandboxImage,
        runc,
      }),
    ),
    write('cni/10-parley.conflist', json(cniConfig(node))),
    write(
      'config/kubelet.json',
      json(
        kubeletConfig({
          cgroup: nodeCgroup(cluster, node.name),
          clusterDns: addresses.dnsService,
          certificate: `kubelet-${node.name}`,
          // Where overlayfs does not work, the machine is itself a container on one.
          isolateStorage: options.snapshotter === 'overlayfs',
        }),
      ),
    ),
    write('config/kube-proxy.json', json(kubeProxyConfig(node, addresses.podCidr))),
    ...['kubelet', 'kube-proxy', 'network-policies'].map((program) =>
      write(
        `config/${program}.kubeconfig`,
        renderKubeconfig({
          server: options.server,
          pki: RUN.pki,
          certificate: program === 'kubelet' ? `kubelet-${node.name}` : program,
        }),
      ),
    ),
    write(
      'config/node-init.json',
      json(
        nodeInitConfig({
          node,
          run,
          folder,
          pki: paths.pki,
          volumes: paths.volumes,
          logs: paths.logs,
          binaries: options.binaries,
          kubelet: kubeletArguments(node),
        }),
      ),
    ),
  ])
  await startDaemon(paths, {
    name: daemonName(node.name),
    file: 'unshare',
    args: [
      ...['--mount', '--propagation', 'slave', '--uts', '--pid', '--fork', '--kill-child'],
      '--mount-proc',
      join(options.binaries.runtime, 'node-init'),
      join(folder, 'config', 'node-init.json'),
    ],
    networkNamespace: node.networkNamespace,
    lifetime: 'detached',
  })
  return 'started'
}

/**
 * Does what a cloud controller does: makes the Node with its labels, pod network and addresses (an ExternalIP too), so
 * that the kubelet finds itself known and leaves the addresses alone. Then lets the kubelet start.
 */
export async function registerNode(
  client: ApiClient,
  options: NodeOptions,
  position: number,
): Promise<void> {
  const { node, cluster, paths } = options
  const zone = `local-${String.fromCharCode(97 + (position % 3))}`
  const metadata = {
    name: node.name,
    labels: {
      'kubernetes.io/hostname': node.name,
      'topology.kubernetes.io/region': 'local',
      'topology.kubernetes.io/zone': zone,
    },
  }
  await client.apply({
    apiVersion: 'v1',
    kind: 'Node',
    metadata,
    spec: {
      podCIDR: node.podCidr,
      podCIDRs: [node.podCidr],
      providerID: `parley://${cluster}/${node.name}`,
    },
  })
  await client.apply(
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: node.name },
      status: {
        addresses: [
          { type: 'InternalIP', address: node.address },
          { type: 'ExternalIP', address: node.address },
          { type: 'Hostname', address: node.name },
        ],
      },
    },
    'status',
  )
  await writeFile(join(paths.nodes, node.name, 'config', 'registered'), '')
}

/** Imports those of the named images that a node lacks; a name stands for one content for ever. */
export async function importMissingImages(
  paths: ClusterPaths,
  node: string,
  images: readonly { readonly name: string; readonly archive: string }[],
  snapshotter: Snapshotter,
): Promise<void> {
  await waitForContainerd(paths, node)
  const { stdout } = await inNode(paths, node, [...ctr, 'images', 'list', '--quiet'])
  const present = new Set(stdout.split('\n'))
  const missing = images.filter(({ name }) => !present.has(name))
  await importImages(
    paths,
    node,
    missing.map(({ archive }) => archive),
    snapshotter,
  )
}

/** Imports OCI archives into a node's containerd. */
export async function importImages(
  paths: ClusterPaths,
  node: string,
  archives: readonly string[],
  snapshotter: Snapshotter,
): Promise<void> {
  for (const archive of archives) {
    const result = await inNode(
      paths,
      node,
      [
        ...ctr,
        'images',
        'import',
        // Read from stdin: the node sees another /run than this machine.
        ...['--snapshotter', snapshotter, '--local', '--digests=false', '-'],
      ],
      archive,
    )
    if (result.exitCode !== 0) {
      throw new DevclusterError(
        'REQUEST_FAILED',
        `node ${node} cannot import ${archive}: ${result.stderr}`,
      )
    }
  }
}

const ctr = [`${RUN.runtime}/ctr`, '--address', RUN.containerdSocket, '--namespace', 'k8s.io']

async function waitForContainerd(paths: ClusterPaths, node: string): Promise<void> {
  const deadline = performance.now() + 60_000
  // The node's /run lies in the state directory; looking there is cheaper than asking ctr.
  const socket = join(paths.root, 'run', node, 'containerd', 'containerd.sock')
  for (;;) {
    const answer = existsSync(socket)
      ? await inNode(paths, node, [...ctr, 'version']).catch(() => undefined)
      : undefined
    if (answer?.exitCode === 0) return
    const identity = await readDaemon(paths, daemonName(node))
    if (!identity || !isAlive(identity) || performance.now() > deadline) {
      throw new DevclusterError(
        'PROCESS_ENDED',
        `containerd of node ${node} does not answer: ${await tailLog(paths, daemonName(node))}\n${answer?.stderr ?? ''}`,
      )
    }
    await delay(50)
  }
}

/** Runs a command as a process of the node, with its mounts, network and processes, on this terminal. */
export async function execInNode(
  paths: ClusterPaths,
  node: string,
  command: readonly string[],
): Promise<number> {
  const [file = '', ...args] = await nodeCommand(paths, node, command)
  const { exitCode } = await execa(file, args, { stdio: 'inherit', reject: false })
  return exitCode ?? 1
}

async function inNode(
  paths: ClusterPaths,
  node: string,
  command: readonly string[],
  inputFile?: string,
) {
  const [file = '', ...args] = await nodeCommand(paths, node, command)
  return execa(file, args, { reject: false, ...(inputFile ? { inputFile } : {}) })
}

async function nodeCommand(
  paths: ClusterPaths,
  node: string,
  command: readonly string[],
): Promise<string[]> {
  const init = await initOf(paths, node)
  const namespaces = ['--mount', '--net', '--uts', '--pid']
  return ['nsenter', `--target=${init}`, ...namespaces, '--', ...command]
}

/** Process 1 of a node, as this machine sees it: the child of the recorded `unshare`. */
async function initOf(paths: ClusterPaths, node: string): Promise<number> {
  const identity = await readDaemon(paths, daemonName(node))
  const children = identity
    ? await readFile(`/proc/${identity.pid}/task/${identity.pid}/children`, 'utf8').catch(() => '')
    : ''
  const pid = Number(children.trim().split(' ')[0])
  if (pid > 0) return pid
  throw new DevclusterError(
    'NOT_RUNNING',
    `node ${node} does not run: bring it up with "devcluster up" (log: ${join(paths.logs, `${daemonName(node)}.log`)})`,
  )
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`

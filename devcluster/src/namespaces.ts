import { existsSync } from 'node:fs'
import { execa } from 'execa'
import { DevclusterError } from './errors.ts'
import {
  clientNamespace,
  machineInterface,
  type NodeAddresses,
  type Subnet,
  subnetAddresses,
  switchNamespace,
} from './network.ts'
import { findProgram } from './packages.ts'

/*
 *   this machine            parley.NAME                         parley.NAME.n1
 *   ┌──────────────┐  veth  ┌────────────────────────────┐ veth ┌────────────────────────┐
 *   │ parley-xxxx  ├────────┤ bridge br0 10.N.0.2        ├──────┤ eth0 10.N.0.11         │
 *   │ 10.N.0.1     │        │ API server, etcd, …        │      │ kubelet, containerd, … │
 *   └──────────────┘        └────────────────────────────┘      │ pods 10.N.17.0/24      │
 *                                                               └────────────────────────┘
 * Frames between nodes never pass this machine's own namespace, so its firewall has no say in them and no rule of the
 * cluster is ever put there. Every rule goes with its namespace.
 */

/** Makes what is missing of the bridge, the control plane's namespace and the way to them from this machine. */
export async function ensureSwitch(
  cluster: string,
  subnet: Subnet,
  nodes: readonly NodeAddresses[],
): Promise<void> {
  const addresses = subnetAddresses(subnet)
  const namespace = switchNamespace(cluster)
  const link = machineInterface(cluster)
  await loadKernelModules()
  await addNamespace(namespace)
  await ipBatch(namespace, [
    'link set lo up',
    'link add br0 type bridge',
    `address replace ${addresses.controlPlane}/24 dev br0`,
    'link set br0 up',
    ...podRoutes(nodes),
  ])
  if (!existsSync(`/sys/class/net/${link}`)) {
    await run('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'machine', 'netns', namespace])
  }
  await ipBatch(namespace, ['link set machine master br0', 'link set machine up'])
  await ipBatch(undefined, [
    `address replace ${addresses.machine}/24 dev ${link}`,
    `link set ${link} up`,
    ...podRoutes(nodes),
  ])
  // Clients in namespaces of their own reach pods and each other through here.
  await setKernel(namespace, { 'ipv4/ip_forward': 1, 'bridge/bridge-nf-call-iptables': 0 })
  await requireAddress(namespace, 'br0', addresses.controlPlane)
}

/** Makes what is missing of a node's namespace: its cable to the bridge, and routes to the other nodes' pods. */
export async function ensureNodeNamespace(
  cluster: string,
  subnet: Subnet,
  node: NodeAddresses,
  others: readonly NodeAddresses[],
): Promise<void> {
  await plug(cluster, subnet, node.networkNamespace, node.name, node.address)
  await ipBatch(node.networkNamespace, podRoutes(others))
  await setKernel(node.networkNamespace, {
    'ipv4/ip_forward': 1,
    // A pod that calls a Service whose pod sits on the same bridge gets its answer through the Service's rules again.
    'bridge/bridge-nf-call-iptables': 1,
  })
}

/** Makes a namespace with nothing but an address in the cluster's network, for a client such as a browser. */
export async function ensureClientNamespace(
  cluster: string,
  subnet: Subnet,
  label: string,
  address: string,
): Promise<void> {
  await plug(cluster, subnet, clientNamespace(cluster, label), `c-${label}`, address)
}

/** A namespace with `eth0`, whose other end `port` is in the cluster's bridge. */
async function plug(
  cluster: string,
  subnet: Subnet,
  namespace: string,
  port: string,
  address: string,
): Promise<void> {
  await addNamespace(namespace)
  await ipBatch(namespace, [
    'link set lo up',
    `link add eth0 type veth peer name ${port} netns ${switchNamespace(cluster)}`,
    `address replace ${address}/24 dev eth0`,
    'link set eth0 up',
    `route replace default via ${subnetAddresses(subnet).controlPlane}`,
  ])
  await ipBatch(switchNamespace(cluster), [`link set ${port} master br0`, `link set ${port} up`])
  await requireAddress(namespace, 'eth0', address)
}

/** Networks that this machine uses already: its own addresses and routes, in CIDR form. */
export async function usedNetworks(): Promise<string[]> {
  const { stdout } = await execa('ip', ['-json', '-4', 'route', 'show', 'table', 'all'])
  const routes = JSON.parse(stdout || '[]') as { dst?: string }[]
  return routes
    .map(({ dst }) => dst ?? '')
    .filter((destination) => /^\d+\.\d+\.\d+\.\d+(\/\d+)?$/.test(destination))
}

/** What is compiled into some kernels has to be loaded into others; what is needed and lacks fails later, by name. */
async function loadKernelModules(): Promise<void> {
  const modprobe = findProgram('modprobe')
  if (!modprobe) return
  for (const name of ['overlay', 'bridge', 'veth', 'br_netfilter', 'nf_conntrack']) {
    await execa(modprobe, ['--quiet', name], { reject: false })
  }
}

const podRoutes = (nodes: readonly NodeAddresses[]) =>
  nodes.map((node) => `route replace ${node.podCidr} via ${node.address}`)

async function addNamespace(namespace: string): Promise<void> {
  if (existsSync(`/run/netns/${namespace}`)) return
  await run('ip', ['netns', 'add', namespace])
}

/**
 * Runs several `ip` commands in a namespace. A line that fails is passed over: it asks for what an interrupted `up` had
 * made already. What has to be true at the end is checked by `requireAddress`.
 */
async function ipBatch(namespace: string | undefined, lines: readonly string[]): Promise<void> {
  const where = namespace ? ['-netns', namespace] : []
  await execa('ip', [...where, '-force', '-batch', '-'], {
    input: `${lines.join('\n')}\n`,
    reject: false,
  })
}

async function requireAddress(namespace: string, link: string, address: string): Promise<void> {
  const { stdout } = await execa('ip', ['-netns', namespace, '-4', 'address', 'show', 'dev', link])
  if (stdout.includes(` ${address}/`) && stdout.includes('UP')) return
  throw new DevclusterError(
    'REQUEST_FAILED',
    `${link} of network namespace ${namespace} could not be set up; take the cluster down and up again. ip says: ${stdout}`,
  )
}

/** Settings below /proc/sys/net, which are a namespace's own. */
async function setKernel(namespace: string, settings: Record<string, number>): Promise<void> {
  const script = Object.entries(settings)
    .map(([key, value]) => `[ ! -e /proc/sys/net/${key} ] || echo ${value} > /proc/sys/net/${key}`)
    .join('\n')
  await run('nsenter', [`--net=/run/netns/${namespace}`, '--', 'sh', '-ec', script])
}

async function run(file: string, args: readonly string[]): Promise<void> {
  const result = await execa(file, args, { reject: false })
  if (result.exitCode === 0) return
  throw new DevclusterError(
    'REQUEST_FAILED',
    `${file} ${args.join(' ')}: ${result.stderr || result.shortMessage}`,
  )
}

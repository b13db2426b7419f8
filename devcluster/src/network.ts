import { createHash } from 'node:crypto'
import { DevclusterError } from './errors.ts'

/**
 * The addresses of a cluster, all below one /16:
 *
 *     10.N.0.0/24     .1 this machine, .2 control plane, .11 and up nodes, .101 and up clients
 *     10.N.16.0/20    pods, a /24 for each node
 *     10.N.128.0/20   Services
 */
export interface Subnet {
  /** The second byte, N. */
  readonly index: number
}

/** Most nodes of a cluster: one /24 of pods each. */
export const MAX_NODES = 15
const MAX_CLIENTS = 100

export interface NodeAddresses {
  readonly name: string
  readonly networkNamespace: string
  readonly address: string
  readonly podCidr: string
}

export const subnetAddresses = (subnet: Subnet) => ({
  all: `10.${subnet.index}.0.0/16`,
  machine: `10.${subnet.index}.0.1`,
  controlPlane: `10.${subnet.index}.0.2`,
  podCidr: `10.${subnet.index}.16.0/20`,
  serviceCidr: `10.${subnet.index}.128.0/20`,
  kubernetesService: `10.${subnet.index}.128.1`,
  dnsService: `10.${subnet.index}.128.10`,
})

/** The nodes `n1`, `n2`, … of a cluster. Pure. */
export function nodeAddresses(cluster: string, subnet: Subnet, count: number): NodeAddresses[] {
  return Array.from({ length: count }, (_, position) => ({
    name: `n${position + 1}`,
    networkNamespace: nodeNamespace(cluster, `n${position + 1}`),
    address: `10.${subnet.index}.0.${11 + position}`,
    podCidr: `10.${subnet.index}.${17 + position}.0/24`,
  }))
}

// A dot cannot stand in the name of a cluster or node, so no two clusters' namespaces can be confused.
export const switchNamespace = (cluster: string) => `parley.${cluster}`
export const nodeNamespace = (cluster: string, node: string) => `parley.${cluster}.${node}`

export const clientNamespace = (cluster: string, label: string) => `parley.${cluster}.@${label}`

/** Interface of this machine into the cluster's network; at most 15 characters. */
export const machineInterface = (cluster: string) => `parley-${digest(cluster).slice(0, 8)}`

export const clientAddress = (subnet: Subnet, position: number) => {
  if (position >= MAX_CLIENTS) {
    throw new DevclusterError('USAGE', `a cluster takes at most ${MAX_CLIENTS} client namespaces`)
  }
  return `10.${subnet.index}.0.${101 + position}`
}

/**
 * Chooses the /16 of a cluster: the same for the same name whenever it is free. Networks in `used` (CIDR text) are
 * avoided; where each choice lies within a wider route (a VPN for all of 10.0.0.0/8), such a route is overruled.
 *
 * @throws DevclusterError NO_SUBNET
 */
export function chooseSubnet(cluster: string, used: readonly string[]): Subnet {
  const networks = used.map(parseCidr)
  const first = Number.parseInt(digest(cluster).slice(0, 6), 16)
  const [lowest, highest] = [64, 223]
  const candidates = Array.from({ length: highest - lowest + 1 }, (_, offset) => ({
    index: lowest + ((first + offset) % (highest - lowest + 1)),
  }))
  for (const avoidWider of [true, false]) {
    const free = candidates.find((candidate) => {
      const mine = parseCidr(subnetAddresses(candidate).all)
      return !networks.some(
        (network) => (avoidWider || network.length >= mine.length) && overlaps(network, mine),
      )
    })
    if (free) return free
  }
  throw new DevclusterError(
    'NO_SUBNET',
    `each network from 10.${lowest}.0.0/16 to 10.${highest}.0.0/16 is in use on this machine: take other clusters down (devcluster status lists them)`,
  )
}

interface Cidr {
  readonly base: number
  readonly length: number
}

function parseCidr(text: string): Cidr {
  const [address = '', length = '32'] = text.split('/')
  const base = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
  return { base, length: Number(length) }
}

function overlaps(one: Cidr, other: Cidr): boolean {
  const size = 2 ** (32 - Math.min(one.length, other.length))
  return Math.floor(one.base / size) === Math.floor(other.base / size)
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

import {
  formatIp,
  hasLiveKit,
  type IpRange,
  LARGEST_MESH,
  type MeetingCluster,
  type MeetingClusterSpec,
  parseIpRange,
} from '../api/index.ts'
import { type TurnTls, turnTls } from './certificate.ts'
import {
  buildAutoscaler,
  buildDisruptionBudget,
  buildServiceAccount,
  fixedReplicas,
} from './common.ts'
import type { RenderInputs } from './inputs.ts'
import {
  type ConfigMap,
  compact,
  type Deployment,
  type KubernetesObject,
  type Service,
} from './kubernetes.ts'
import { configMapNames, metadata, secretNames, selectorOf } from './names.ts'
import { mayRunOn } from './placement.ts'
import {
  configMapMount,
  fromPod,
  type Mount,
  podTemplate,
  scratchMount,
  secretMount,
} from './pod.ts'
import { hostPort, mediaPorts } from './ports.ts'
import { redisAddressEnv } from './redis.ts'
import { drainTimes, GRACE_SECONDS, hostNetworkStrategy } from './rollout.ts'
import { sfuAddresses } from './sfu.ts'
import { advertisedAddresses } from './turn-urls.ts'

/** coturn: a Deployment on the host network, because relay ports come by the thousand. */
export function renderTurn(mc: MeetingCluster, inputs: RenderInputs): KubernetesObject[] {
  const autoscaler = buildAutoscaler(mc, 'turn', inputs)
  return [
    buildServiceAccount(mc, 'turn'),
    buildTurnConfig(mc, inputs),
    buildTurnService(mc),
    buildTurnDeployment(mc, inputs),
    buildDisruptionBudget(mc, 'turn'),
    ...(autoscaler ? [autoscaler] : []),
  ]
}

/**
 * Networks that nobody may be relayed to unless allowed: what an open relay would let a stranger
 * reach inside the cluster or the cloud, and what is no unicast address of the internet.
 * Source: the IANA special-purpose address registries (RFC 6890).
 */
const DENIED_NETWORKS = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16', // services of the host, on Azure
  '169.254.0.0/16', // link-local, with the metadata service of clouds
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/127',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
]

/**
 * What no spec can allow: the host itself and the metadata services of clouds, and IPv6 that stands for
 * IPv4 (mapped, translated, tunnelled), behind which either could hide.
 */
const NEVER_ALLOWED = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '168.63.129.16',
  '169.254.0.0/16',
  '100.100.100.200',
  '::/127',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  '2002::/16',
  'fd00:ec2::254',
  'fe80::/10',
].map(rangeOf)

/**
 * What changes while coturn runs, and is read again without a restart: all but `denied-peers`, which no spec
 * changes. `allowed-peers` holds the addresses of the nodes that have or may get a pod of TURN or the SFU, since two
 * participants who are both relayed meet there (decision 16). Another node is a peer for nobody, and no pod is, also
 * where its address is in none of the networks above; of two lists, coturn follows the one that allows.
 */
export function buildTurnConfig(mc: MeetingCluster, inputs: RenderInputs): ConfigMap {
  const addresses = advertisedAddresses(mc, inputs.nodes)
  const ofSfu = hasLiveKit(mc) ? sfuAddresses(mc, inputs.nodes) : {}
  const addressesOf = (node: string) =>
    [...(inputs.nodes[node]?.internal ?? []), addresses[node], ofSfu[node]].filter(
      (address) => address !== undefined,
    )
  const [media, others] = partition(Object.keys(inputs.nodes), isMediaNode(mc, inputs))
  const allowed = new Set(media.flatMap(addressesOf).toSorted())
  const pods = Object.values(inputs.nodes).flatMap(({ podNetworks = [] }) => podNetworks)
  const denied = new Set(
    [...others.flatMap(addressesOf), ...pods]
      .filter((peer) => !allowed.has(peer) && !isDenied(peer))
      .map(rangeOf)
      .map(coturnRange)
      .toSorted(),
  )
  const exceptions = NEVER_ALLOWED.reduce(without, mc.spec.turn.allowedPeers.map(rangeOf))
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(mc, 'turn', configMapNames(mc).turn),
    data: {
      'addresses.json': `${JSON.stringify(addresses, null, 2)}\n`,
      'denied-peers': deniedNetworks(),
      'more-denied-peers': lines([
        ...mc.spec.turn.deniedPeers.map(rangeOf).map(coturnRange),
        ...denied,
      ]),
      'allowed-peers': lines([...exceptions.map(coturnRange), ...allowed]),
    },
  }
}

/** Also before it has a pod: calls must not wait until the operator has seen one come. */
function isMediaNode(mc: MeetingCluster, { nodes, mediaNodes }: RenderInputs) {
  const { turn, sfu } = mc.spec
  const placements = hasLiveKit(mc) ? [turn, sfu] : [turn]
  return (name: string): boolean => {
    const { [name]: facts = { internal: [] } } = nodes
    return mediaNodes?.includes(name) || placements.some((each) => mayRunOn(each, name, facts))
  }
}

export function buildTurnService(mc: MeetingCluster): Service {
  const { exposure, listenPort, service } = mc.spec.turn
  const tls = turnTls(mc)
  const nodePort = service.nodePort === undefined ? {} : { nodePort: service.nodePort }
  const listener = { port: listenPort, ...nodePort }
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: compact({ ...metadata(mc, 'turn'), annotations: service.annotations }),
    spec: {
      ...(exposure === 'HostNetwork'
        ? { type: 'ClusterIP', clusterIP: 'None' }
        : { type: exposure, externalTrafficPolicy: 'Local' }),
      selector: selectorOf(mc, 'turn'),
      ports: [
        { name: 'turn-udp', protocol: 'UDP', targetPort: 'turn-udp', ...listener },
        { name: 'turn-tcp', protocol: 'TCP', targetPort: 'turn-tcp', ...listener },
        ...(tls
          ? [{ name: 'turn-tls', protocol: 'TCP', targetPort: 'turn-tls', port: tls.port }]
          : []),
      ],
    },
  }
}

/**
 * coturn counts the allocations of a participant over all of its connections, one to each other in a mesh. As many as
 * the largest mesh that can be asked for takes, so that another size of it rolls no TURN pod.
 */
function userQuota({ spec: { turn } }: MeetingCluster): number {
  return turn.quotas.allocationsPerUser * (LARGEST_MESH - 1)
}

export function buildTurnDeployment(mc: MeetingCluster, inputs: RenderInputs): Deployment {
  const { turn } = mc.spec
  const tls = turnTls(mc)
  const drain = drainTimes(turn.drainTimeout)
  const listeners = [
    hostPort('turn-udp', 'UDP', turn.listenPort),
    hostPort('turn-tcp', 'TCP', turn.listenPort),
    ...(tls ? [hostPort('turn-tls', 'TCP', tls.port)] : []),
  ]
  // Host ports, so that the scheduler never puts two pods that want the same ones on a node.
  const ports = [...listeners, ...mediaPorts(turn.relayPorts, listeners)]
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(mc, 'turn'),
    spec: {
      ...fixedReplicas(mc, 'turn'),
      revisionHistoryLimit: 3,
      progressDeadlineSeconds: drain.progressDeadlineSeconds,
      selector: { matchLabels: selectorOf(mc, 'turn') },
      strategy: hostNetworkStrategy(mc, 'turn', inputs),
      template: podTemplate(mc, inputs, {
        component: 'turn',
        image: 'parley-coturn',
        hostNetwork: true,
        env: [
          fromPod('POD_NAME', 'metadata.name'),
          fromPod('NODE_NAME', 'spec.nodeName'),
          fromPod('HOST_IP', 'status.hostIP'),
          { name: 'CLUSTER_NAME', value: mc.metadata.name },
          ...redisAddressEnv(mc),
          { name: 'TURN_LISTEN_PORT', value: String(turn.listenPort) },
          { name: 'TURN_RELAY_MIN', value: String(turn.relayPorts.min) },
          { name: 'TURN_RELAY_MAX', value: String(turn.relayPorts.max) },
          { name: 'TURN_USER_QUOTA', value: String(userQuota(mc)) },
          { name: 'TURN_MAX_BPS', value: String(maxBytesPerSecond(turn)) },
          ...(tls ? [{ name: 'TURN_TLS_PORT', value: String(tls.port) }] : []),
          { name: 'TURN_DRAIN_SECONDS', value: String(drain.seconds) },
        ],
        ports,
        mounts: [
          secretMount('turn', secretNames(mc).turn, ['secrets']),
          secretMount('redis', secretNames(mc).redis, ['password', 'url']),
          ...(tls ? [certificateMount(tls)] : []),
          configMapMount('turn-config', configMapNames(mc).turn, '/etc/parley/turn'),
          scratchMount('run', '/run/coturn', { sizeLimit: '16Mi', inMemory: true }),
          scratchMount('tmp', '/tmp', { sizeLimit: '16Mi' }),
        ],
        probes: {
          // As long as a node may take to get its address.
          startup: { ...stunProbe, ...soon, periodSeconds: 2, failureThreshold: 1800 },
          readiness: { ...stunProbe, periodSeconds: 5, failureThreshold: 2 },
          liveness: { ...stunProbe, ...soon, periodSeconds: 20, failureThreshold: 6 },
        },
        // Blocks while there are allocations, for the drain timeout at most.
        preStop: ['/usr/local/bin/turn-drain'],
        terminationGracePeriodSeconds: drain.terminationGracePeriodSeconds,
        // coturn takes its external address when it starts. Of nodes it rarely changes, and then the old one is
        // dead; what somebody writes into the spec is rolled out, so that calls are waited for.
        rollsWith: JSON.stringify(turn.externalAddresses),
      }),
    },
  }
}

/** A coturn that answers nobody relays for nobody either: nothing to wait for. */
const soon = { terminationGracePeriodSeconds: GRACE_SECONDS }

const stunProbe = { exec: { command: ['/usr/local/bin/turn-ready'] }, timeoutSeconds: 3 }

/** Pods start without the Secret, and without what it should hold: TURN goes on without TLS. */
function certificateMount({ secretName }: TurnTls): Mount {
  const mount = secretMount('tls', secretName, ['tls.crt', 'tls.key'])
  return {
    ...mount,
    volume: { ...mount.volume, secret: { ...mount.volume.secret, optional: true } },
  }
}

/** coturn's max-bps counts bytes, whatever its name says; 0 is no limit. */
function maxBytesPerSecond({ quotas }: MeetingClusterSpec['turn']): number {
  return (quotas.maxKbpsPerSession * 1000) / 8
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))]
}

const deniedRanges = DENIED_NETWORKS.map(rangeOf)

/** Whether all of it is in one of the networks that are denied anyway. */
function isDenied(peer: string): boolean {
  const { family, first, last } = rangeOf(peer)
  return deniedRanges.some(
    (network) => network.family === family && network.first <= first && last <= network.last,
  )
}

const bigger = (a: bigint, b: bigint) => (a > b ? a : b)

/** The ranges, with a hole where `hole` is. */
function without(ranges: readonly IpRange[], hole: IpRange): IpRange[] {
  return ranges.flatMap((range) => {
    if (range.family !== hole.family || range.last < hole.first || hole.last < range.first)
      return [range]
    const before = { ...range, last: hole.first - 1n }
    const after = { ...range, first: hole.last + 1n }
    return [before, after].filter(({ first, last }) => first <= last)
  })
}

function rangeOf(text: string): IpRange {
  const range = parseIpRange(text)
  if (!range) throw new RangeError(`"${text}" is no address range`)
  return range
}

/**
 * coturn takes single addresses and `first-last`. One that begins with `::` holds every IPv4 address for it (seen
 * with 4.6.1), and one that ends with an address of zeros everything; it relays to no such address anyway.
 */
function coturnRange(range: IpRange): string {
  const least = range.family === 6 ? 1n : 0n
  const ends = [bigger(range.first, least), bigger(range.last, 1n)]
  const [first, last] = ends.map((ip) => formatIp(range.family, ip))
  return first === last ? `${first}` : `${first}-${last}`
}

let denied: string | undefined

/** The same for everybody, and the most work of all that is rendered: done once. */
function deniedNetworks(): string {
  denied ??= lines(deniedRanges.map(coturnRange))
  return denied
}

function lines(entries: readonly string[]): string {
  return entries.map((entry) => `${entry}\n`).join('')
}

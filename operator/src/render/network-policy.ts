import { type Component, hasLiveKit, type MeetingCluster } from '../api/index.ts'
import type { RenderInputs } from './inputs.ts'
import type { KubernetesObject } from './kubernetes.ts'
import { METER_PORT, metadata, selectorOf } from './names.ts'
import { REDIS_PORT, redisAddress } from './redis.ts'
import { SFU_PORT } from './sfu.ts'
import { SIGNALING_PORT, signalingAsksPorts } from './signaling.ts'
import { WEBAPP_PORT } from './webapp.ts'

/** One side of a flow. No peers: everybody. */
interface Flow {
  peers?: Peer[]
  /** No port: every one of the protocol. */
  ports: { protocol: 'TCP' | 'UDP'; port?: number }[]
}

type Peer =
  | { podSelector: { matchLabels: Record<string, string> }; namespaceSelector?: object }
  | { ipBlock: { cidr: string; except?: string[] } }

export type NetworkPolicy = KubernetesObject & {
  spec: {
    podSelector: { matchLabels: Record<string, string> }
    policyTypes: string[]
    ingress: { from?: Peer[]; ports: Flow['ports'] }[]
    /** Nothing may go out where it is left out, since policyTypes has Egress. */
    egress?: { to?: Peer[]; ports: Flow['ports'] }[]
  }
}

/**
 * Exactly the flows that the stack needs. There is none for coturn and the SFU: pods on the host network are
 * beyond network policies, here as a target and in the others as a source, where their nodes'
 * addresses stand for them.
 */
export function renderNetworkPolicies(mc: MeetingCluster, inputs: RenderInputs): NetworkPolicy[] {
  if (!mc.spec.networkPolicy.enabled) return []
  const pods = (component: Component): Peer => ({
    podSelector: { matchLabels: selectorOf(mc, component) },
  })
  const nodes = addresses(Object.values(inputs.nodes).flatMap(({ internal }) => internal))
  const redis = toRedis(mc, pods('redis'))
  // An empty list of peers would be everybody.
  const sfu: Flow[] =
    hasLiveKit(mc) && nodes.length > 0
      ? [{ peers: nodes, ports: [{ protocol: 'TCP', port: SFU_PORT }] }]
      : []
  const apiServer = fromApiServer(inputs)

  const policies: NetworkPolicy[] = [
    policy(mc, 'signaling', {
      ingress: [
        {
          // Without our own web page, somebody's Ingress is in front, and who that is nobody can say.
          ...(mc.spec.webapp.enabled && {
            peers: [pods('webapp'), prometheus, ...fromOperator(inputs, apiServer)],
          }),
          ports: [{ protocol: 'TCP', port: SIGNALING_PORT }],
        },
      ],
      egress: [
        dns,
        redis,
        // Admins are told what relaying costs.
        { peers: [pods('meter')], ports: [{ protocol: 'TCP', port: METER_PORT }] },
        ...sfu,
        ...outside(signalingAsksPorts(mc)),
      ],
    }),
    policy(mc, 'meter', {
      ingress: [
        {
          // Reports are read through the API server's proxy.
          ...(apiServer && { peers: [...apiServer, prometheus, pods('signaling')] }),
          ports: [{ protocol: 'TCP', port: METER_PORT }],
        },
      ],
      egress: [dns, redis, ...(mc.spec.store.mode === 'MySQL' ? [toMysql(mc)] : [])],
    }),
  ]
  if (mc.spec.webapp.enabled) {
    policies.push(
      policy(mc, 'webapp', {
        ingress: [{ ports: [{ protocol: 'TCP', port: WEBAPP_PORT }] }],
        egress: [
          dns,
          { peers: [pods('signaling')], ports: [{ protocol: 'TCP', port: SIGNALING_PORT }] },
          ...sfu,
        ],
      }),
    )
  }
  if (mc.spec.redis.mode === 'Managed') {
    policies.push(
      policy(mc, 'redis', {
        ingress: [
          {
            peers: [pods('signaling'), pods('meter'), ...nodes],
            ports: [{ protocol: 'TCP', port: REDIS_PORT }],
          },
        ],
        egress: [],
      }),
    )
  }
  return policies
}

/**
 * The API server, where it connects to pods on behalf of others. Nothing says where it is, but what it
 * is not: a pod. So it is everything outside of the pods' networks, and the agents by which some
 * providers let it in. Undefined, for everybody, where the networks are not known.
 */
function fromApiServer({ nodes }: RenderInputs): Peer[] | undefined {
  const networks = Object.values(nodes).map(({ podNetworks = [] }) => podNetworks)
  if (networks.length === 0 || networks.some((each) => each.length === 0)) return undefined
  const all = [...new Set(networks.flat())].toSorted()
  const outside = (cidr: string, except: string[]): Peer => ({
    ipBlock: { cidr, ...(except.length > 0 && { except }) },
  })
  return [
    outside(
      '0.0.0.0/0',
      all.filter((network) => !network.includes(':')),
    ),
    outside(
      '::/0',
      all.filter((network) => network.includes(':')),
    ),
    ...['k8s-app', 'app'].map(
      (label): Peer => ({
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
        podSelector: { matchLabels: { [label]: 'konnectivity-agent' } },
      }),
    ),
  ]
}

/** The operator asks pods for their figures: from a pod of its own, else through the API server. */
function fromOperator({ operatorNamespace }: RenderInputs, apiServer: Peer[] | undefined): Peer[] {
  if (operatorNamespace === undefined) return apiServer ?? [{ ipBlock: { cidr: '0.0.0.0/0' } }]
  return [
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': operatorNamespace } },
      podSelector: {
        matchLabels: {
          'app.kubernetes.io/component': 'operator',
          'app.kubernetes.io/part-of': 'parley',
        },
      },
    },
  ]
}

/** Wherever Prometheus runs, by the label that its charts and its operator give it. */
const prometheus: Peer = {
  namespaceSelector: {},
  podSelector: { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } },
}

const dns: Flow = {
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ],
}

/** To whom no policy can name: policies know addresses, and these are names. */
function outside(ports: readonly number[]): Flow[] {
  return ports.length === 0 ? [] : [{ ports: ports.map((port) => ({ protocol: 'TCP', port })) }]
}

function toMysql({ spec }: MeetingCluster): Flow {
  return { ports: [{ protocol: 'TCP', port: spec.store.mysql.port }] }
}

/** Of an external Redis, its Secret may be all that knows the port. */
function toRedis(mc: MeetingCluster, managed: Peer): Flow {
  const address = redisAddress(mc)
  return {
    ...(mc.spec.redis.mode === 'Managed' ? { peers: [managed] } : {}),
    ports: [{ protocol: 'TCP', ...(address && { port: address.port }) }],
  }
}

function addresses(ips: readonly string[]): Peer[] {
  return [...new Set(ips)]
    .toSorted()
    .map((ip) => ({ ipBlock: { cidr: `${ip}/${ip.includes(':') ? 128 : 32}` } }))
}

function policy(
  mc: MeetingCluster,
  component: Component,
  flows: { ingress: Flow[]; egress: Flow[] },
): NetworkPolicy {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata(mc, component),
    spec: {
      podSelector: { matchLabels: selectorOf(mc, component) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: flows.ingress.map(({ peers, ports }) => ({ ...(peers && { from: peers }), ports })),
      // An empty list would be stored as none, and each apply would count as a change.
      ...(flows.egress.length > 0 && {
        egress: flows.egress.map(({ peers, ports }) => ({ ...(peers && { to: peers }), ports })),
      }),
    },
  }
}

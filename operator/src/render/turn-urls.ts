import type { MeetingCluster } from '../api/index.ts'
import type { TurnTls } from './certificate.ts'
import type { RenderInputs } from './inputs.ts'
import { objectName } from './names.ts'
import { nodeAddresses } from './node-addresses.ts'

/**
 * Where clients reach what. A value of the spec comes before the status of a Service, and that before what is
 * known of a node:
 *
 *     relay ports                        turn.externalAddresses, ExternalIP of the node
 *     listener, HostNetwork or NodePort  turn.externalAddresses, ExternalIP of the node
 *     listener, LoadBalancer             turn.service.host, turn.externalAddresses, status of the Service
 */

/** What is known of the Service in front of the TURN listener. */
export interface TurnService {
  /** Addresses or host names of its load balancer. */
  ingress: readonly string[]
  /** By name of the port: `turn-udp`, `turn-tcp`, `turn-tls`. */
  nodePorts: Readonly<Record<string, number>>
}

export interface TurnSituation {
  /** Nodes with a TURN pod that is ready and stays. */
  readyNodes: readonly string[]
  /** Nodes with a TURN pod, ready or not. */
  nodes: readonly string[]
  service: TurnService | undefined
  /** Undefined without TLS, and while its certificate cannot be used. */
  tls: Pick<TurnTls, 'host'> | undefined
}

export interface TurnReach {
  /** As browsers take them: UDP first, TCP for networks without it, TLS for those that let nothing else out. */
  urls: string[]
  /** What an address is waited for, for people; none missing: undefined. */
  waitingFor: string | undefined
}

/** By node, as {@link nodeAddresses} has it. */
export function advertisedAddresses(
  mc: MeetingCluster,
  nodes: RenderInputs['nodes'],
): Record<string, string> {
  return nodeAddresses(mc.spec.turn.externalAddresses, nodes)
}

/** The TURN URLs that browsers are given now. */
export function turnReach(
  mc: MeetingCluster,
  nodes: RenderInputs['nodes'],
  situation: TurnSituation,
): TurnReach {
  const advertised = advertisedAddresses(mc, nodes)
  const silent = [...new Set(situation.nodes)].filter((node) => advertised[node] === undefined)
  const { hosts, ports, missing } = listeners(mc, advertised, situation)
  const waitingFor =
    silent.length > 0
      ? `no ExternalIP on node ${silent.toSorted().join(', ')}: set spec.turn.externalAddresses, or use nodes with an ExternalIP`
      : missing
  return {
    urls: situation.readyNodes.length > 0 ? turnUrls(hosts, ports, situation.tls) : [],
    waitingFor,
  }
}

interface ListenerPorts {
  udp: number
  tcp: number
  tls: number
}

function listeners(
  mc: MeetingCluster,
  advertised: Record<string, string>,
  { readyNodes, service }: TurnSituation,
): { hosts: string[]; ports: ListenerPorts; missing?: string } {
  const { exposure, listenPort, tls, externalAddresses } = mc.spec.turn
  const ports = { udp: listenPort, tcp: listenPort, tls: tls.port }
  const ofNodes = unique(readyNodes.flatMap((node) => advertised[node] ?? []))
  const name = objectName(mc, 'turn')
  switch (exposure) {
    case 'HostNetwork':
      return { hosts: ofNodes, ports }
    case 'NodePort': {
      const { 'turn-udp': udp, 'turn-tcp': tcp, 'turn-tls': secure } = service?.nodePorts ?? {}
      if (udp === undefined || tcp === undefined) {
        return { hosts: [], ports, missing: `Service ${name} has no port of the nodes yet` }
      }
      return { hosts: ofNodes, ports: { udp, tcp, tls: secure ?? 0 } }
    }
    case 'LoadBalancer': {
      const { host } = mc.spec.turn.service
      const given = host === '' ? unique(externalAddresses) : [host]
      const hosts = given.length > 0 ? given : unique(service?.ingress ?? [])
      if (hosts.length > 0) return { hosts, ports }
      const missing = `Service ${name} has no address of a load balancer yet: give the cluster one that makes load balancers, set spec.turn.service.host, or take exposure HostNetwork`
      return { hosts: [], ports, missing }
    }
  }
}

function turnUrls(
  hosts: readonly string[],
  ports: ListenerPorts,
  tls: Pick<TurnTls, 'host'> | undefined,
): string[] {
  const plain = hosts.flatMap((host) =>
    (['udp', 'tcp'] as const).map(
      (transport) => `turn:${bracketed(host)}:${ports[transport]}?transport=${transport}`,
    ),
  )
  if (!tls || hosts.length === 0 || ports.tls === 0) return plain
  // Browsers compare the certificate with what stands in the URL.
  return [...plain, `turns:${tls.host}:${ports.tls}?transport=tcp`]
}

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host)

const unique = (texts: readonly string[]) => [...new Set(texts)].toSorted()

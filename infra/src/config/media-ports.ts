import { type MeetingClusterSpec, SFU_PORTS } from '@parley/operator/api'

/** Ports that the internet may reach on a node; both ends included. */
export type OpenPort = { protocol: 'tcp' | 'udp'; from: number; to: number; what: string }

export type MediaPorts = { sfu: OpenPort[]; turn: OpenPort[] }

/** What a MeetingCluster opens, by the operator's own spec: there is no second list of ports. */
export function mediaPortsOf({ turn, sfu }: MeetingClusterSpec): MediaPorts {
  const one = (protocol: 'tcp' | 'udp', port: number, what: string): OpenPort => ({
    ...{ protocol, from: port, to: port, what },
  })
  const tls = turn.tls.secretName !== '' || turn.tls.issuerRef !== undefined
  return {
    sfu:
      sfu.engine === 'None'
        ? []
        : [
            { protocol: 'udp', from: sfu.ports.min, to: sfu.ports.max, what: 'media of the SFU' },
            one('tcp', SFU_PORTS.media, 'media of the SFU for networks without UDP'),
          ],
    turn: [
      one('udp', turn.listenPort, 'TURN and STUN'),
      one('tcp', turn.listenPort, 'TURN over TCP'),
      ...(tls ? [one('tcp', turn.tls.port, 'TURN over TLS')] : []),
      {
        ...{ protocol: 'udp', from: turn.relayPorts.min, to: turn.relayPorts.max },
        what: 'relayed media',
      },
    ],
  }
}

/**
 * Kernel settings of a node with media: its ports are kept out of the range from which the kernel
 * takes ports for connections of its own, and buffers of sockets hold a burst of video.
 */
export function mediaSysctls({ sfu, turn }: MediaPorts): Record<string, string> {
  const reserved = [...sfu, ...turn]
    .map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`))
    .filter((range, index, all) => all.indexOf(range) === index)
  return {
    'net.ipv4.ip_local_reserved_ports': reserved.join(','),
    'net.core.rmem_max': '8388608',
    'net.core.wmem_max': '8388608',
    'net.core.netdev_max_backlog': '5000',
  }
}

import { isIPv4 } from 'node:net'
import { stringify } from 'yaml'
import { parseCidr } from '../config/cidr.ts'
import type { InfraConfig } from '../config/load.ts'
import {
  type MediaPorts,
  mediaPortsOf,
  mediaSysctls,
  type OpenPort,
} from '../config/media-ports.ts'
import type { PoolName } from '../config/schema.ts'
import { InfraError } from '../errors.ts'

export const distributions = ['k3s', 'kubeadm'] as const
export type Distribution = (typeof distributions)[number]

export type ProfileOptions = {
  ports: MediaPorts
  /** Pool that the node is of. */
  pool: PoolName
  distribution: Distribution
  /** Networks of the other nodes and of pods, which may reach everything. */
  nodeCidrs: readonly string[]
  /** Networks from outside that may log in; with none, nodes only. */
  administrators: readonly string[]
  /** Address of the node that is there already; without it, this is the first (k3s). */
  server?: string
}

/** Ports of the first region's MeetingCluster: on bare machines there is no other source of them. */
export function portsOf({ regions }: InfraConfig): MediaPorts {
  const [region] = regions
  return region ? mediaPortsOf(region.meetingCluster) : { sfu: [], turn: [] }
}

/**
 * A cloud-init file for a bare machine with a public address: the ports and kernel settings of the node
 * groups on AWS, a firewall that opens no others, and a node that says where it is. What is secret
 * (`/etc/parley/token`, `/etc/parley/join`) is not in it.
 * @throws {InfraError} `CONFIG` for networks and addresses that would not be read by the machine
 */
export function cloudInit(options: ProfileOptions): string {
  const { ports, pool, distribution } = options
  check(options)
  const isMedia = pool === 'sfu' || pool === 'turn'
  const file = (path: string, content: string, permissions = '0644') => ({
    ...{ path, permissions, content },
  })
  const settings = {
    'net.ipv4.ip_forward': '1',
    'net.bridge.bridge-nf-call-iptables': '1',
    ...(isMedia ? mediaSysctls(ports) : {}),
  }
  const config = {
    package_update: true,
    packages: [
      ...['nftables', 'curl'],
      ...(distribution === 'kubeadm' ? ['containerd', 'conntrack'] : []),
    ],
    write_files: [
      file(
        '/etc/sysctl.d/90-parley-media.conf',
        Object.entries(settings)
          .map(([name, value]) => `${name} = ${value}\n`)
          .join(''),
      ),
      file('/etc/modules-load.d/parley.conf', 'br_netfilter\noverlay\n'),
      file('/etc/parley/firewall.nft', firewall(openOn(pool, ports), options)),
      file('/etc/systemd/system/parley-firewall.service', FIREWALL_UNIT),
      file('/usr/local/sbin/parley-node', joinScript(options), '0755'),
    ],
    runcmd: [
      ['modprobe', '-a', 'br_netfilter', 'overlay'],
      ['sysctl', '--system'],
      ['systemctl', 'enable', '--now', 'parley-firewall'],
      ['/usr/local/sbin/parley-node'],
    ],
  }
  return `#cloud-config\n${stringify(config, { lineWidth: 0 })}`
}

/** These come into a shell script and a file for nft: nothing but what they are may be in them. */
function check({ nodeCidrs, server }: ProfileOptions): void {
  const wrong = nodeCidrs.find((cidr) => !parseCidr(cidr))
  if (wrong !== undefined)
    throw new InfraError('CONFIG', `--nodes: ${wrong} is no network; write one like 10.0.0.0/16`)
  if (server === undefined || isIPv4(server)) return
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/i.test(server))
    throw new InfraError(
      'CONFIG',
      `--server: ${server} is no host: write an IPv4 address or a name, without a port`,
    )
}

function openOn(pool: PoolName, ports: MediaPorts): OpenPort[] {
  if (pool === 'sfu' || pool === 'turn') return ports[pool]
  if (pool === 'system') return []
  return [{ protocol: 'tcp', from: 443, to: 443, what: 'web page and signaling' }]
}

/** A table of its own beside those of Kubernetes: what is not named here does not come in. */
function firewall(
  open: readonly OpenPort[],
  { nodeCidrs, administrators }: Pick<ProfileOptions, 'nodeCidrs' | 'administrators'>,
): string {
  // A rule for each network: a set with networks that overlap is an error.
  const rules = [
    ...nodeCidrs.map((cidr) => `ip saddr ${cidr} accept comment "other nodes and pods"`),
    ...administrators.map((cidr) => `ip saddr ${cidr} tcp dport 22 accept comment "SSH"`),
    ...open.map(
      ({ protocol, from, to, what }) =>
        `${protocol} dport ${from === to ? from : `${from}-${to}`} accept comment "${what}"`,
    ),
  ].map((rule) => `    ${rule}\n`)
  return `table inet parley
delete table inet parley
table inet parley {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iif "lo" accept
    meta l4proto { icmp, ipv6-icmp } accept
${rules.join('')}  }
}
`
}

const FIREWALL_UNIT = `[Unit]
Description=Ports of this node that are open
Before=network-pre.target
Wants=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/parley/firewall.nft

[Install]
WantedBy=multi-user.target
`

function joinScript({ pool, distribution, server }: ProfileOptions): string {
  const isMedia = pool === 'sfu' || pool === 'turn'
  const labels = [`parley.dev/pool=${pool}`, ...(isMedia ? ['parley.dev/media=true'] : [])]
  const taint = 'parley.dev/media=true:NoSchedule'
  if (distribution === 'kubeadm')
    return `#!/bin/sh
# Joins this machine. /etc/parley/join is what "kubeadm token create --print-join-command" prints.
set -eu
command -v kubeadm >/dev/null || { echo 'parley-node: install kubelet and kubeadm (kubernetes.io/docs/setup), then run parley-node' >&2; exit 1; }
[ -s /etc/parley/join ] || { echo 'parley-node: write the join command to /etc/parley/join, then run parley-node' >&2; exit 1; }
sh /etc/parley/join
# Then, from where kubectl is:
#   kubectl label node NAME ${labels.join(' ')}
${isMedia ? `#   kubectl taint node NAME ${taint}\n` : ''}# kubeadm knows no public address: name them in spec.turn.externalAddresses and spec.sfu.externalAddresses.
`
  const flags = [
    ...(isMedia ? ['--node-external-ip="$external"', `--node-taint=${taint}`] : []),
    ...labels.map((label) => `--node-label=${label}`),
  ]
  const role = server ? 'agent' : 'server --disable=traefik --secrets-encryption'
  return `#!/bin/sh
# Joins this machine. Parley's operator tells browsers the address in /etc/parley/external-address.
set -eu
need() { [ -s "$1" ] || { echo "parley-node: write $2 to $1, then run parley-node" >&2; exit 1; }; }
need /etc/parley/token 'the token of the cluster'
${isMedia ? "need /etc/parley/external-address 'the public address of this machine'\nexternal=$(cat /etc/parley/external-address)\n" : ''}curl -sfL https://get.k3s.io |
  ${server ? `K3S_URL=https://${server}:6443 ` : ''}K3S_TOKEN_FILE=/etc/parley/token sh -s - ${role} ${flags.join(' ')}
`
}

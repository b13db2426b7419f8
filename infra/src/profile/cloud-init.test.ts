import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { sysctlLines } from '../stacks/node-user-data.ts'
import { exampleConfig } from '../testing/configs.ts'
import { cloudInit, portsOf } from './cloud-init.ts'

const ports = portsOf(exampleConfig())
const networks = { nodeCidrs: ['10.0.0.0/8'], administrators: ['203.0.113.0/24'] }
type File = { path: string; content: string }

function fileOf(text: string, path: string): string {
  const { write_files } = parse(text) as { write_files: File[] }
  return write_files.find((file) => file.path === path)?.content ?? ''
}

describe('a bare machine', () => {
  it('REQ-K4: has the kernel settings and the open ports of the node groups on AWS', () => {
    const text = cloudInit({
      ports,
      pool: 'turn',
      distribution: 'k3s',
      ...networks,
      server: 'first',
    })
    expect(text.startsWith('#cloud-config\n')).toBe(true)
    expect(fileOf(text, '/etc/sysctl.d/90-parley-media.conf')).toContain(sysctlLines(ports))
    const rules = fileOf(text, '/etc/parley/firewall.nft').match(/^ +(tcp|udp) dport .*$/gm)
    expect(rules?.map((rule) => rule.trim())).toEqual([
      'udp dport 3478 accept comment "TURN and STUN"',
      'tcp dport 3478 accept comment "TURN over TCP"',
      'tcp dport 5349 accept comment "TURN over TLS"',
      'udp dport 49152-65535 accept comment "relayed media"',
    ])
    expect(fileOf(text, '/etc/parley/firewall.nft')).toContain(
      'ip saddr 203.0.113.0/24 tcp dport 22 accept comment "SSH"\n',
    )
    expect(fileOf(text, '/usr/local/sbin/parley-node')).toMatch(
      /K3S_URL=https:\/\/first:6443 .*agent --node-external-ip="\$external" --node-taint=parley\.dev\/media=true:NoSchedule --node-label=parley\.dev\/pool=turn/,
    )
  })

  it('without media opens no media ports and keeps none from the kernel', () => {
    const text = cloudInit({ ports, pool: 'system', distribution: 'kubeadm', ...networks })
    expect(text).not.toContain('ip_local_reserved_ports')
    expect(fileOf(text, '/etc/parley/firewall.nft')).not.toMatch(/udp dport/)
    expect(fileOf(text, '/usr/local/sbin/parley-node')).toContain('parley.dev/pool=system')
  })

  it('is logged in to from the other nodes only, where there are no administrators', () => {
    const common = { ports, pool: 'web', distribution: 'k3s', ...networks } as const
    const rules = fileOf(cloudInit({ ...common, administrators: [] }), '/etc/parley/firewall.nft')
    expect(rules).not.toContain('dport 22')
  })

  it.each([
    [{ nodeCidrs: ['10.0.0.0/8', 'fd00::/8'] }, /--nodes: fd00::\/8 is no network; write one like/],
    [{ nodeCidrs: ['10.0.0.0/8 } accept; #'] }, /--nodes: .* is no network/],
    [{ server: '$(reboot)' }, /--server: \$\(reboot\) is no host: write an IPv4 address or a name/],
    [{ server: 'https://first:6443' }, /is no host.*without a port/],
  ])('takes nothing into its scripts but networks and hosts: %j', (more, message) => {
    const common = { ports, pool: 'turn', distribution: 'k3s', ...networks } as const
    expect(() => cloudInit({ ...common, ...more })).toThrow(message)
  })

  it('has nothing secret in it', () => {
    for (const distribution of ['k3s', 'kubeadm'] as const)
      expect(cloudInit({ ports, pool: 'sfu', distribution, ...networks })).not.toMatch(
        /K3S_TOKEN=|kubeadm join /,
      )
  })
})

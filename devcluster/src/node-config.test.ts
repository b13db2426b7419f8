import { describe, expect, it } from '@jest/globals'
import { renderCoreDns } from './addons/coredns.ts'
import { renderMetricsApi, renderMetricsServer } from './addons/metrics-server.ts'
import { pathOf } from './api.ts'
import { certificateRequests } from './certs.ts'
import { nodeAddresses } from './network.ts'
import { cniConfig, containerdConfig, kubeletConfig, nodeInitConfig } from './node-config.ts'

const [node] = nodeAddresses('dev', { index: 99 }, 1)
if (!node) throw new Error('a cluster of one node has one node')

describe('the configuration of a node', () => {
  it('REQ-K1: puts pods into the node’s own network and cgroup', () => {
    expect(JSON.stringify(cniConfig(node))).toContain('"subnet":"10.99.17.0/24"')
    expect(
      kubeletConfig({
        cgroup: '/parley.dev.n1',
        clusterDns: '10.99.128.10',
        certificate: 'kubelet-n1',
        isolateStorage: true,
      }),
    ).toMatchObject({
      cgroupRoot: '/parley.dev.n1',
      clusterDNS: ['10.99.128.10'],
    })
  })

  it('REQ-K1: names the snapshotter and the sandbox image of the machine', () => {
    const text = containerdConfig({
      snapshotter: 'native',
      sandboxImage: 'localhost/pause:1',
      runc: '/usr/sbin/runc',
    })
    expect(text).toContain("snapshotter = 'native'")
    expect(text).toContain("sandbox = 'localhost/pause:1'")
    expect(text).toContain("BinaryName = '/usr/sbin/runc'")
  })

  it('REQ-K1: starts the kubelet only when its Node is there', () => {
    const config = nodeInitConfig({
      node,
      run: '/s/run/n1',
      folder: '/s/nodes/n1',
      pki: '/s/pki',
      volumes: '/s/volumes',
      logs: '/s/logs',
      binaries: {
        kubernetes: '/k',
        runtime: '/r',
        coredns: '/c',
        'metrics-server': '/m',
      },
      kubelet: ['--v=1'],
    }) as { programs: { name: string; after: string }[] }
    expect(config.programs.map(({ name, after }) => [name, after !== ''])).toEqual([
      ['containerd', false],
      ['kubelet', true],
      ['kube-proxy', true],
      ['network-policies', true],
    ])
  })
})

describe('certificates', () => {
  const requests = certificateRequests({
    serverAddresses: ['10.99.0.2'],
    serviceAddress: '10.99.128.1',
    nodes: [{ name: 'n1', address: '10.99.0.11' }],
  })

  it('REQ-K1: come after the authority that signs them', () => {
    for (const [position, request] of requests.entries()) {
      if (request.ca === undefined) continue
      const authority = requests.findIndex(({ name }) => name === request.ca)
      expect(authority).toBeGreaterThanOrEqual(0)
      expect(authority).toBeLessThan(position)
    }
  })

  it('REQ-K1: name every address under which they are reached', () => {
    const of = (wanted: string) => requests.find(({ name }) => name === wanted)
    expect(of('apiserver')?.ips).toEqual(['127.0.0.1', '10.99.128.1', '10.99.0.2'])
    expect(of('kubelet-n1')).toMatchObject({
      commonName: 'system:node:n1',
      organizations: ['system:nodes'],
      ips: ['10.99.0.11'],
    })
  })
})

describe('pathOf', () => {
  it('REQ-K1: finds the path of every object that a cluster starts with', () => {
    const objects = [
      ...renderCoreDns({ image: 'x', serviceAddress: '10.99.128.10' }),
      ...renderMetricsServer({ image: 'x' }),
      renderMetricsApi(),
    ]
    expect(new Set(objects.map(pathOf)).size).toBe(objects.length)
    expect(objects.map(pathOf)).toContain(
      '/apis/apps/v1/namespaces/kube-system/deployments/coredns',
    )
    expect(objects.map(pathOf)).toContain(
      '/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io',
    )
    expect(
      pathOf({
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: { name: 'local' },
      }),
    ).toBe('/apis/storage.k8s.io/v1/storageclasses/local')
  })
})

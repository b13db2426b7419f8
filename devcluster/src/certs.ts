import { execa } from 'execa'

interface CertificateRequest {
  name: string
  /** Name of the request that signs; an authority has none. */
  ca?: string
  commonName: string
  organizations?: string[]
  dnsNames?: string[]
  ips?: string[]
  publicKey?: boolean
}

export interface CertificateNode {
  readonly name: string
  readonly address: string
}

/** The certificates of a cluster, authorities first. Pure. */
export function certificateRequests(cluster: {
  /** Addresses under which clients reach the API server. */
  readonly serverAddresses: readonly string[]
  /** Address of the `kubernetes` Service. */
  readonly serviceAddress: string
  readonly nodes: readonly CertificateNode[]
}): CertificateRequest[] {
  const client = (name: string, commonName: string, organizations: string[] = []) => ({
    name,
    ca: 'ca',
    commonName,
    organizations,
  })
  return [
    { name: 'ca', commonName: 'parley-devcluster' },
    { name: 'front-proxy-ca', commonName: 'parley-devcluster-front-proxy' },
    { name: 'service-account', commonName: 'service-accounts', publicKey: true },
    {
      name: 'apiserver',
      ca: 'ca',
      commonName: 'kube-apiserver',
      dnsNames: [
        'localhost',
        'kubernetes',
        'kubernetes.default',
        'kubernetes.default.svc',
        'kubernetes.default.svc.cluster.local',
      ],
      ips: [...new Set(['127.0.0.1', cluster.serviceAddress, ...cluster.serverAddresses])],
    },
    { name: 'etcd', ca: 'ca', commonName: 'etcd', dnsNames: ['localhost'], ips: ['127.0.0.1'] },
    client('etcd-client', 'kube-apiserver-etcd'),
    client('apiserver-kubelet', 'kube-apiserver-kubelet', ['system:masters']),
    { name: 'front-proxy', ca: 'front-proxy-ca', commonName: 'front-proxy' },
    client('admin', 'admin', ['system:masters']),
    // One identity for all controllers, which saves them asking for a token each: it needs all their rights.
    client('controller-manager', 'system:kube-controller-manager', ['system:masters']),
    client('scheduler', 'system:kube-scheduler'),
    client('provisioner', 'parley:hostpath-provisioner', ['system:masters']),
    client('kube-proxy', 'system:kube-proxy'),
    client('network-policies', 'parley:network-policies', ['system:masters']),
    ...cluster.nodes.map(({ name, address }) => ({
      ...client(`kubelet-${name}`, `system:node:${name}`, ['system:nodes']),
      dnsNames: [name],
      ips: [address],
    })),
  ]
}

/** Writes the certificates that are missing or whose request changed, as NAME.crt and NAME.key in `pki`. */
export async function ensureCertificates(
  parleyKube: string,
  pki: string,
  requests: readonly CertificateRequest[],
): Promise<void> {
  await execa(parleyKube, ['certs', '--dir', pki], { input: JSON.stringify(requests) })
}

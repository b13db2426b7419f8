import { networkInterfaces } from 'node:os'

/**
 * A Service without pods that leads to a port of this machine, for the API server to find an aggregated API behind.
 */
export function serviceOnThisMachine(namespace: string, name: string, port: number): object[] {
  const metadata = { name, namespace }
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { ports: [{ name: 'https', port: 443, targetPort: port }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'https', port }],
      endpoints: [{ addresses: [ownAddress()], conditions: { ready: true } }],
    },
  ]
}

/** An address of this machine that the API server takes for an endpoint: it refuses loopback ones. */
export function ownAddress(): string {
  const address = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address
  if (!address) throw new Error('this machine has no IPv4 address besides 127.0.0.1: give it one')
  return address
}

import type { V1ContainerPort } from '@kubernetes/client-node'

/** Ports of a node, both ends included. */
export interface PortRange {
  min: number
  max: number
}

const BLOCK = 1024

/**
 * Host ports that keep the scheduler from putting two pods with overlapping port ranges on one node:
 * one UDP port for each block of 1024 that the range touches, namely the first of the block. Nothing
 * listens there because of it; a pod on the host network only says so. `own` ports of the pod that are
 * among them are left out, they say it already. Ranges that end and begin in one block count as
 * overlapping: give them ends at multiples of 1024.
 */
export function mediaPorts(range: PortRange, own: readonly V1ContainerPort[] = []) {
  const first = Math.floor(range.min / BLOCK)
  const last = Math.floor(range.max / BLOCK)
  const taken = new Set(
    own.flatMap(({ protocol, containerPort }) => (protocol === 'UDP' ? [containerPort] : [])),
  )
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * BLOCK)
    .filter((port) => !taken.has(port))
    .map((port) => ({
      name: `media-${port / BLOCK}`,
      protocol: 'UDP',
      containerPort: port,
      hostPort: port,
    }))
}

/** A port of a pod on the host network, which Kubernetes wants to be both. */
export function hostPort(name: string, protocol: 'TCP' | 'UDP', port: number) {
  return { name, protocol, containerPort: port, hostPort: port }
}

import type { MeetingCluster } from '../api/index.ts'

/** All that rendering needs to know besides the MeetingCluster. */
export interface RenderInputs {
  /** Where the operator's own images came from; used where the spec says nothing. */
  images: { registry: string; tag: string }
  /** By node name. */
  nodes: Readonly<Record<string, NodeAddress>>
  /** Of the TURN pods that are ready, as browsers are given them; empty while there is none. */
  turnUrls: readonly string[]
  capabilities: {
    /** The cluster knows the kind ServiceMonitor. */
    serviceMonitor: boolean
    /** A volume claim will be bound: there is a StorageClass for it, or the claim exists already. */
    storage: boolean
  }
}

export interface NodeAddress {
  /** Addresses that pods on the host network have. */
  internal: readonly string[]
  /** Address that clients reach the node at. */
  advertised?: string
}

/** What `parley render` assumes, with no cluster to ask. */
export function defaultRenderInputs(overrides: Partial<RenderInputs> = {}): RenderInputs {
  return {
    images: { registry: 'localhost', tag: '0.1.0' },
    nodes: {},
    turnUrls: [],
    capabilities: { serviceMonitor: false, storage: true },
    ...overrides,
  }
}

export type ImageName =
  | 'parley-coturn'
  | 'parley-signaling'
  | 'parley-webapp'
  | 'parley-redis'
  | 'parley-node'

export function imageReference(mc: MeetingCluster, inputs: RenderInputs, name: ImageName): string {
  const registry = mc.spec.image.registry || inputs.images.registry
  const tag = mc.spec.image.tag || inputs.images.tag
  return `${registry.replace(/\/$/, '')}/${name}:${tag}`
}

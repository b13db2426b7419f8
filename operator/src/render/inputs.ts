import type { Component, MeetingCluster } from '../api/index.ts'

/** All that rendering needs to know besides the MeetingCluster. */
export interface RenderInputs {
  /** Where the operator's own images came from; used where the spec says nothing. */
  images: ImageSource
  /** By node name. */
  nodes: Readonly<Record<string, NodeFacts>>
  /** Nodes that have a pod of TURN or the SFU, whatever its state. */
  mediaNodes?: readonly string[]
  /** Pods of TURN and the SFU that their nodes have taken, in order of their names. */
  mediaPods?: readonly MediaPodFacts[]
  /** Components whose pods are neither made nor changed now, and why is said elsewhere. */
  held?: readonly Component[]
  /** What is known of Deployments, by component. */
  workloads?: Readonly<Partial<Record<Component, WorkloadFacts>>>
  /** Namespace of the operator's own pods; left out where it runs outside of the cluster. */
  operatorNamespace?: string
  /** Of the TURN pods that are ready, as browsers are given them; empty while there is none. */
  turnUrls: readonly string[]
  /** UIDs of Secrets by name: pods that mount one which was deleted and made anew have to be rolled. */
  secretUids?: Readonly<Record<string, string>>
  /** Of Secrets by name, how often their content has become one that those who read it once must restart for. */
  secretGenerations?: Readonly<Record<string, number>>
  capabilities: {
    /** The cluster knows the kind ServiceMonitor. */
    serviceMonitor: boolean
    /** The cluster knows the kind PrometheusRule. */
    prometheusRules?: boolean
    /** The cluster knows the kind Certificate of cert-manager. */
    certificates?: boolean
    /** Where each keeps its data. */
    storage: Readonly<Record<Keeper, Storage>>
    /** The operator serves external.metrics.k8s.io in this cluster, so autoscalers can go by its metrics. */
    externalMetrics: boolean
  }
}

/** Components that keep data of their own. */
export type Keeper = 'redis' | 'meter'

/**
 * Volume: on one of its own. Awaited: the same, and the claim is not made while its StorageClass is not there, as
 * the class of a claim can never be corrected; the pod waits. None: there are no volumes, and it goes with the pod.
 */
export type Storage = 'Volume' | 'Awaited' | 'None'

/** A registry with the path before image names, and the one tag of all images. */
export interface ImageSource {
  registry: string
  tag: string
}

export interface MediaPodFacts {
  pod: string
  component: 'turn' | 'sfu'
  node: string
  /** When the node took it, ISO 8601. */
  since: string
}

export interface WorkloadFacts {
  /** Pods wanted at present, as an autoscaler may have set it. */
  desired: number
  /** Whether new pods come before old ones go, in a replacement that is under way; else left out. */
  surging?: boolean
}

export interface NodeFacts {
  /** Addresses that pods on the host network have. */
  internal: readonly string[]
  /** Address that clients reach the node at. */
  advertised?: string
  /** Networks that its pods have their addresses from, where that is known. */
  podNetworks?: readonly string[]
  /** It is ready and takes new pods. Default: it does. */
  open?: boolean
  labels?: Readonly<Record<string, string>>
  /** Those that keep pods away. */
  taints?: readonly { key: string; value?: string; effect: string }[]
}

/** Where images come from when nobody says so: this version of them, as built on this machine. */
export const DEFAULT_IMAGES = { registry: 'localhost', tag: '0.1.0' } as const

/** What `parley render` assumes, with no cluster to ask. */
export function defaultRenderInputs(overrides: Partial<RenderInputs> = {}): RenderInputs {
  return {
    images: DEFAULT_IMAGES,
    nodes: {},
    turnUrls: [],
    capabilities: {
      serviceMonitor: false,
      certificates: true,
      storage: { redis: 'Volume', meter: 'Volume' },
      externalMetrics: false,
    },
    ...overrides,
  }
}

export type ImageName =
  | 'parley-coturn'
  | 'parley-livekit'
  | 'parley-signaling'
  | 'parley-webapp'
  | 'parley-redis'
  | 'parley-node'

/** What a pod of the MeetingCluster runs: the spec's registry and tag before the operator's. */
export function imageOf(mc: MeetingCluster, { images }: RenderInputs, name: ImageName): string {
  const { registry, tag } = mc.spec.image
  return imageReference({ registry: registry || images.registry, tag: tag || images.tag }, name)
}

/** `registry.example.com/parley/parley-node:0.1.0` */
export function imageReference({ registry, tag }: ImageSource, name: ImageName): string {
  return `${registry.replace(/\/$/, '')}/${name}:${tag}`
}

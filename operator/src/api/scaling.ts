import { DEFAULT_AUTOSCALING } from './fields.ts'
import type { Component } from './names.ts'
import type { MeetingClusterSpec } from './schema.ts'

/** Pods of a component: a fixed number, or what a HorizontalPodAutoscaler makes of two bounds. */
export type Scaling =
  | ({ replicas: number } & { [Target in keyof Targets]?: never })
  | ({
      replicas?: never
      minReplicas: number
      maxReplicas: number
      /** Percent of the CPU request. */
      targetCPUUtilization: number
    } & Targets)

/** What each pod is to carry, where the operator serves the metric. */
interface Targets {
  targetRelayMbps?: number | undefined
  targetAllocations?: number | undefined
  targetTracks?: number | undefined
  targetRooms?: number | undefined
  targetSockets?: number | undefined
}

/** How a component scales, with what holds where the spec says neither replicas nor autoscaling. */
export function scalingOf(spec: MeetingClusterSpec, component: Component): Scaling {
  // Both keep state on one volume.
  if (component === 'redis' || component === 'meter') return { replicas: 1 }
  const { replicas, autoscaling } = spec[component]
  if (replicas !== undefined) return { replicas }
  return autoscaling ?? DEFAULT_AUTOSCALING[component]
}

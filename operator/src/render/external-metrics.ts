import { type Component, type MeetingCluster, type Scaling, scalingOf } from '../api/index.ts'

/**
 * What the operator serves under external.metrics.k8s.io for each MeetingCluster, summed over its pods, and which
 * target of the spec makes an autoscaler go by it.
 */
export const EXTERNAL_METRICS = {
  /** Mbit/s that TURN relays. */
  parley_relay_mbps: { component: 'turn', target: 'targetRelayMbps' },
  /** TURN allocations that are open. */
  parley_relay_allocations: { component: 'turn', target: 'targetAllocations' },
  /** Media tracks of the SFU, received and sent. */
  parley_sfu_tracks: { component: 'sfu', target: 'targetTracks' },
  parley_sfu_rooms: { component: 'sfu', target: 'targetRooms' },
  /** Sockets of signaling. */
  parley_signaling_sockets: { component: 'signaling', target: 'targetSockets' },
} as const satisfies Record<string, { component: Component; target: keyof Scaling }>

export type ExternalMetric = keyof typeof EXTERNAL_METRICS

/** The label by which a metric says whose it is. */
export const CLUSTER_LABEL = 'cluster'

/** The entries for the metrics of an autoscaler, one for each target that the spec gives. */
export function externalMetricSpecs(mc: MeetingCluster, component: Component) {
  const scaling = scalingOf(mc.spec, component)
  return Object.entries(EXTERNAL_METRICS).flatMap(([name, metric]) => {
    const target = metric.component === component ? scaling[metric.target] : undefined
    if (target === undefined) return []
    return [
      {
        type: 'External',
        external: {
          metric: { name, selector: { matchLabels: { [CLUSTER_LABEL]: mc.metadata.name } } },
          target: { type: 'AverageValue', averageValue: String(target) },
        },
      },
    ]
  })
}

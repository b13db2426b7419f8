import type { MeetingClusterSpec } from './schema.ts'

/** TCP ports of LiveKit on the network of its node: signaling and API, media for networks without UDP, metrics. */
export const SFU_PORTS = { http: 7880, media: 7881, metrics: 6789 } as const

/** Whether this version can deploy the SFU that the spec asks for; none is always there. */
export function sfuAvailable({ spec }: { spec: MeetingClusterSpec }): boolean {
  return spec.sfu.engine !== 'Mediasoup'
}

/** Whether rooms of this MeetingCluster may be on LiveKit: it has pods and keys for them. */
export function hasLiveKit({ spec }: { spec: MeetingClusterSpec }): boolean {
  return spec.sfu.engine === 'LiveKit'
}

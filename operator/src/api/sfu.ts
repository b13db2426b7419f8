import type { MeetingClusterSpec } from './schema.ts'

/** Whether this version can deploy the SFU that the spec asks for; none is always there. */
export function sfuAvailable({ spec }: { spec: MeetingClusterSpec }): boolean {
  return spec.sfu.engine !== 'Mediasoup'
}

/** Whether rooms of this MeetingCluster may be on LiveKit: it has pods and keys for them. */
export function hasLiveKit({ spec }: { spec: MeetingClusterSpec }): boolean {
  return spec.sfu.engine === 'LiveKit'
}

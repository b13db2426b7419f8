/** Series that a good call in a cluster of one node does not have, why, and which alerts' promtool tests have them instead. */
export const silent: readonly {
  series: RegExp
  why: string
  alerts: readonly string[]
}[] = [
  {
    series: /^kube_pod_deletion_timestamp\b/,
    why: 'of pods that are being deleted, and none is',
    alerts: ['ParleyDrainStuck'],
  },
  {
    series: /^livekit_packet_loss_total\{/,
    why: 'LiveKit has it from the first packet on that is lost',
    alerts: ['ParleySloBurnsFast'],
  },
  {
    series: /^parley_http_requests_total\{status=~"5\.\."/,
    why: 'requests that fail through a fault of ours',
    alerts: ['ParleySloBurnsFast'],
  },
  {
    series: /^cluster:parley_relay_users:ratio_avg30m\b/,
    why: 'says nothing of fewer than ten people',
    alerts: ['ParleyRelayShareJump'],
  },
]

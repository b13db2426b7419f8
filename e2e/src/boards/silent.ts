/** Series that a good call in a cluster of one node does not have, why, and which alerts' promtool tests have them instead. */
export const silent: readonly {
  series: RegExp
  why: string
  alerts: readonly string[]
  /** Panels that ask for it, too. */
  panels?: readonly string[]
}[] = [
  {
    series: /^kube_deployment_status_replicas_ready\b/,
    why: 'of kube-state-metrics, which is not part of the stack',
    alerts: ['ParleyTurnDown', 'ParleySignalingDown', 'ParleySfuDown'],
  },
  {
    series: /^kube_pod_deletion_timestamp\b/,
    why: 'of kube-state-metrics, which is not part of the stack',
    alerts: ['ParleyDrainStuck'],
  },
  {
    series: /^(kube_pod_container_resource_limits|container_\w+)\b/,
    why: 'of kube-state-metrics and of cAdvisor, which are not part of the stack',
    alerts: ['ParleyCpuHigh', 'ParleyMemoryHigh'],
  },
  {
    series: /^cluster:parley_pods_over_\w+:ratio\b|objective="(cpu|memory)"/,
    why: 'made of what kube-state-metrics and cAdvisor have',
    alerts: ['ParleySloBurnsSlowly'],
    panels: ['CPU under 70 %', 'Memory under 80 %'].flatMap((title) =>
      ['left', 'burn'].map((panel) => `Parley · SLOs: ${title}: ${panel}`),
    ),
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

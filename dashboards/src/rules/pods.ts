import { shareOfLimit } from './limits.ts'
import { type AlertingRule, type RuleGroup, runbook } from './rule.ts'

/** REQ-S4, and what a drain is to do: by cAdvisor's and kube-state-metrics' series. */
export function podRules(): RuleGroup[] {
  return [{ name: 'parley.pods', rules: [cpu(), memory(), drain()] }]
}

function cpu(): AlertingRule {
  return {
    alert: 'ParleyCpuHigh',
    expr: `${shareOfLimit('cpu')} > 0.7`,
    for: '15m',
    labels: { severity: 'warning' },
    annotations: {
      summary: '{{ $labels.namespace }}/{{ $labels.pod }} uses more than 70 % of its CPU',
      description: '{{ $value | humanizePercentage }} of its limit, for 15 minutes.',
      runbook_url: runbook('ParleyCpuHigh'),
    },
  }
}

function memory(): AlertingRule {
  return {
    alert: 'ParleyMemoryHigh',
    expr: `${shareOfLimit('memory')} > 0.8`,
    for: '15m',
    labels: { severity: 'warning' },
    annotations: {
      summary: '{{ $labels.namespace }}/{{ $labels.pod }} uses more than 80 % of its memory',
      description:
        '{{ $value | humanizePercentage }} of its limit: at 100 % it is killed, and its calls freeze.',
      runbook_url: runbook('ParleyMemoryHigh'),
    },
  }
}

/** `kube_pod_deletion_timestamp` is when a pod that goes should be gone at the latest. */
function drain(): AlertingRule {
  return {
    alert: 'ParleyDrainStuck',
    expr: `time() - kube_pod_deletion_timestamp{pod=~".+-(turn|sfu|signaling)-.+"} > 300`,
    for: '5m',
    labels: { severity: 'warning' },
    annotations: {
      summary: '{{ $labels.namespace }}/{{ $labels.pod }} should be gone and is not',
      description:
        'Its time to drain ended {{ $value | humanizeDuration }} ago: its node has not ended it.',
      runbook_url: runbook('ParleyDrainStuck'),
    },
  }
}

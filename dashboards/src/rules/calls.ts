import { clientMetrics, trafficMetrics } from '@parley/protocol'
import { type RuleGroup, runbook } from './rule.ts'

const { iceErrors, reconnections, callSeconds } = clientMetrics
const by = 'sum by (namespace, cluster)'

/** REQ-A6: what goes wrong in calls as their pages have it, and what is missing from their history. */
export function callRules(): RuleGroup[] {
  return [
    {
      name: 'parley.calls',
      rules: [
        {
          alert: 'ParleyTurnRefuses',
          expr: `60 * sum by (namespace, cluster, kind) (rate(${iceErrors.name}{kind=~"credentials|quota"}[15m])) > 1`,
          for: '5m',
          labels: { severity: 'warning' },
          annotations: {
            summary:
              '{{ $labels.namespace }}/{{ $labels.cluster }}: TURN refuses pages ({{ $labels.kind }})',
            description: '{{ $value | humanize }} a minute. Who needs a relay has no call.',
            runbook_url: runbook('ParleyTurnRefuses'),
          },
        },
        {
          alert: 'ParleyCallsReconnect',
          expr: `3600 * ${by} (rate(${reconnections.name}{}[30m])) / (${by} (rate(${callSeconds.name}{}[30m])) > 5) > 6`,
          for: '15m',
          labels: { severity: 'warning' },
          annotations: {
            summary:
              '{{ $labels.namespace }}/{{ $labels.cluster }}: calls are lost and come back again and again',
            description: '{{ $value | humanize }} times in an hour of somebody’s call.',
            runbook_url: runbook('ParleyCallsReconnect'),
          },
        },
        {
          alert: 'ParleyHistoryDropped',
          expr: `${by} (increase(${trafficMetrics.dropped.name}{}[1h])) > 0`,
          for: '0m',
          labels: { severity: 'warning' },
          annotations: {
            summary:
              '{{ $labels.namespace }}/{{ $labels.cluster }}: requests and calls are missing from the history',
            description: '{{ $value | humanize }} in the last hour: too much waited for the meter.',
            runbook_url: runbook('ParleyHistoryDropped'),
          },
        },
      ],
    },
  ]
}

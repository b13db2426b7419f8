import { operatorMetrics } from '@parley/protocol'
import { type RuleGroup, runbook } from './rule.ts'

const { leader, reconcileErrors, longestRunningSeconds } = operatorMetrics

/** Ours: other operators, and Kubernetes itself, have metrics of the same names. */
export const ourController = 'controller="meetingcluster"'
export const ourLeases = 'name=~"parley-manager.*"'

/** While the operator is away calls go on, and nothing is repaired, rotated or scaled. */
export function operatorRules(): RuleGroup[] {
  return [
    {
      name: 'parley.operator',
      rules: [
        {
          alert: 'ParleyOperatorAway',
          expr: `absent(${leader.name}{${ourLeases}} == 1)`,
          for: '5m',
          labels: { severity: 'warning' },
          annotations: {
            summary: 'no operator leads',
            description:
              'Calls go on. Nothing is repaired, rotated or changed until one leads again.',
            runbook_url: runbook('ParleyOperatorAway'),
          },
        },
        {
          alert: 'ParleyOperatorFails',
          expr: `sum by (controller) (rate(${reconcileErrors.name}{${ourController}}[10m])) > 0.1`,
          for: '15m',
          labels: { severity: 'warning' },
          annotations: {
            summary: 'passes of {{ $labels.controller }} fail',
            description: '{{ $value | humanize }} a second, for 15 minutes.',
            runbook_url: runbook('ParleyOperatorFails'),
          },
        },
        {
          alert: 'ParleyOperatorStuck',
          expr: `max by (controller) (${longestRunningSeconds.name}{${ourController}}) > 300`,
          for: '5m',
          labels: { severity: 'warning' },
          annotations: {
            summary: 'a pass of {{ $labels.controller }} does not end',
            description: 'It has run for {{ $value | humanizeDuration }}.',
            runbook_url: runbook('ParleyOperatorStuck'),
          },
        },
      ],
    },
  ]
}

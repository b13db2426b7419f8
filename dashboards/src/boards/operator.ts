import { operatorMetrics as m } from '@parley/protocol'
import type { Board } from '../board.ts'
import { ourController, ourLeases } from '../rules/operator.ts'

const quantile = (q: number, metric: { name: string }) =>
  `histogram_quantile(${q}, sum by (le, controller) (rate(${metric.name}_bucket{${ourController}}[$__rate_interval])))`

/** The operator is one for many MeetingClusters, so variables choose nothing here. */
export const operator: Board = {
  uid: 'parley-operator',
  title: 'Operator',
  about: 'Whether the operator keeps up with what it looks after.',
  rows: [
    {
      title: 'Passes',
      panels: [
        {
          ...{ kind: 'curve', title: 'Passes', unit: 'ops', width: 8 },
          description:
            'By how they ended. error: a write was refused or failed, and is tried again.',
          queries: [
            {
              expr: `sum by (controller, result) (rate(${m.reconcileTotal.name}{${ourController}}[$__rate_interval]))`,
              legend: '{{controller}} {{result}}',
            },
          ],
        },
        {
          ...{ kind: 'curve', title: 'How long a pass takes', unit: 's', width: 8 },
          description: '99 % are under it.',
          queries: [{ expr: quantile(0.99, m.reconcileSeconds), legend: '{{controller}}' }],
        },
        {
          ...{ kind: 'curve', title: 'How long it waits', unit: 's', width: 8 },
          description: 'Between a change and the pass for it; 99 % are under it.',
          queries: [{ expr: quantile(0.99, m.queueSeconds), legend: '{{controller}}' }],
        },
        {
          ...{ kind: 'curve', title: 'Queue', unit: 'short', width: 8 },
          description: 'What waits for a pass, and passes at work.',
          queries: [
            {
              expr: `sum by (controller) (${m.queueDepth.name}{${ourController}})`,
              legend: 'waits, {{controller}}',
            },
            {
              expr: `sum by (controller) (${m.activeWorkers.name}{${ourController}})`,
              legend: 'at work, {{controller}}',
            },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Requests', unit: 'reqps', width: 8 },
          description: 'To the API server, by answer. 409 and 429 now and then are nothing.',
          queries: [
            {
              expr: `sum by (method, code) (rate(${m.requests.name}{pod=~"parley-operator-.+"}[$__rate_interval]))`,
              legend: '{{method}} {{code}}',
            },
          ],
        },
        {
          ...{ kind: 'stat', title: 'Leaders', unit: 'none', width: 8 },
          description: 'One for each shard.',
          limits: { warn: 1, bad: 1, below: true },
          queries: [{ expr: `sum by (name) (${m.leader.name}{${ourLeases}})`, legend: '{{name}}' }],
        },
      ],
    },
  ],
}

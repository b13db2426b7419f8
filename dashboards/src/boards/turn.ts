import { relayMetrics } from '@parley/protocol'
import { type Board, of, rate } from '../board.ts'

const { allocations, bytes, subscribed, storeUp, gaps, dropped, lateHours } = relayMetrics

export const turn: Board = {
  uid: 'parley-turn',
  title: 'TURN',
  about: 'How much coturn carries, pod by pod, and whether the meter hears all of it.',
  rows: [
    {
      title: 'Load',
      panels: [
        {
          ...{ kind: 'curve', title: 'Allocations', unit: 'short', width: 12 },
          description: 'Open now, by cluster.',
          queries: [
            {
              expr: `sum by (namespace, cluster) (${of(allocations)})`,
              legend: '{{namespace}}/{{cluster}}',
            },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Sent', unit: 'bps', width: 12 },
          description: 'What all TURN pods of a cluster send; autoscaling goes by it.',
          queries: [
            {
              expr: `8 * sum by (namespace, cluster) (${rate(bytes, 'leg=~"turnTo.*"')})`,
              legend: '{{namespace}}/{{cluster}}',
            },
          ],
        },
        {
          ...{ kind: 'rows', title: 'Regions and zones', width: 24 },
          path: '/api/v1/report?by=region,zone',
          description: 'What was relayed where, from the meter.',
          columns: [
            { field: 'region', title: 'region', type: 'string' },
            { field: 'zone', title: 'zone', type: 'string' },
            { field: 'allocations', title: 'allocations', type: 'number' },
            { field: 'billableBytes', title: 'billable', type: 'number', unit: 'decbytes' },
            { field: 'nodesCost', title: 'nodes', type: 'number' },
            { field: 'idleCost', title: 'of it idle', type: 'number' },
          ],
        },
      ],
    },
    {
      title: 'Meter',
      panels: [
        {
          ...{ kind: 'curve', title: 'Hears coturn, can write', unit: 'none', width: 8 },
          description: '1 while it does, else 0.',
          queries: [
            {
              expr: `min by (namespace, cluster) (${of(subscribed)})`,
              legend: 'hears coturn, {{namespace}}/{{cluster}}',
            },
            {
              expr: `min by (namespace, cluster) (${of(storeUp)})`,
              legend: 'store, {{namespace}}/{{cluster}}',
            },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Times not heard', unit: 'short', width: 8 },
          description: 'In an hour: Redis was away, or ended a connection that was too slow.',
          queries: [
            {
              expr: `sum by (namespace, cluster) (increase(${of(gaps)}[1h]))`,
              legend: '{{namespace}}/{{cluster}}',
            },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Not in reports', unit: 'short', width: 8 },
          description:
            'In an hour: allocations dropped as the store was away too long, and hours that came too late.',
          queries: [
            {
              expr: `sum by (namespace, cluster) (increase(${of(dropped)}[1h]))`,
              legend: 'dropped, {{namespace}}/{{cluster}}',
            },
            {
              expr: `sum by (namespace, cluster) (increase(${of(lateHours)}[1h]))`,
              legend: 'late, {{namespace}}/{{cluster}}',
            },
          ],
        },
      ],
    },
  ],
}

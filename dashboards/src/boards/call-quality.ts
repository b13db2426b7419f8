import { meetingMetrics, sfuMetrics } from '@parley/protocol'
import { type Board, chosen, of, rate } from '../board.ts'

const { connectionsAttempted, connectionsSuccessful } = meetingMetrics
const { rtt, jitter, quality, packets, packetsLost } = sfuMetrics
const quantile = (q: number, metric: { name: string }) =>
  `histogram_quantile(${q}, sum by (le) (rate(${of(metric, '', '_bucket')}[$__rate_interval])))`

/** REQ-A4, REQ-A6. Quality of the mesh is told by the pages; what LiveKit sees of its own is here. */
export const callQuality: Board = {
  uid: 'parley-call-quality',
  title: 'Call quality',
  about: 'Whether people get into their calls, and how good these are.',
  rows: [
    {
      title: 'Getting in',
      panels: [
        {
          ...{ kind: 'curve', title: 'Joins that succeed', unit: 'percentunit', width: 12 },
          description: 'Of the joins of five minutes, those that reached their room. Goal: 98 %.',
          limits: { warn: 0.98, bad: 0.95, below: true },
          queries: [
            {
              expr: `sum by (namespace, cluster) (${rate(connectionsSuccessful, '', '5m')}) / (sum by (namespace, cluster) (${rate(connectionsAttempted, '', '5m')}) > 0)`,
              legend: '{{namespace}}/{{cluster}}',
            },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Joins that fail', unit: 'reqps', width: 12 },
          description:
            'Asked for, and not in their room: full rooms, no TURN, a store that is away.',
          queries: [
            {
              expr: `sum by (namespace, cluster) (${rate(connectionsAttempted)}) - sum by (namespace, cluster) (${rate(connectionsSuccessful)})`,
              legend: '{{namespace}}/{{cluster}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Rooms on the SFU',
      panels: [
        {
          ...{ kind: 'curve', title: 'Round trip', unit: 'ms', width: 12 },
          description: 'Between people and the SFU. Goal: under 150 ms.',
          limits: { warn: 150, bad: 300 },
          queries: [
            { expr: quantile(0.5, rtt), legend: 'half of them under' },
            { expr: quantile(0.95, rtt), legend: '95 % under' },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Packets lost', unit: 'percentunit', width: 12 },
          description:
            'Of the packets of tracks, by direction as the SFU sees it. Goal: under 1 %.',
          limits: { warn: 0.01, bad: 0.05 },
          queries: [
            {
              expr: `sum by (direction) (${rate(packetsLost)}) / (sum by (direction) (${rate(packets)}) > 0)`,
              legend: '{{direction}}',
            },
          ],
        },
        {
          ...{ kind: 'heatmap', title: 'Round trips', unit: 'ms', width: 12 },
          description: 'How many measurements were how long.',
          queries: [
            {
              expr: `sum by (le) (increase(${of(rtt, '', '_bucket')}[$__rate_interval]))`,
              legend: '{{le}}',
            },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Jitter', unit: 'µs', width: 6 },
          description: 'Of tracks; 95 % are under it. People hear it from 30 ms on.',
          queries: [{ expr: quantile(0.95, jitter), legend: '95 % under' }],
        },
        {
          ...{ kind: 'curve', title: 'Quality (MOS)', unit: 'none', width: 6 },
          description:
            'What LiveKit makes of loss, delay and layers: 4 and more is good, under 3 is poor.',
          queries: [
            {
              expr: `sum(rate(livekit_quality_score_sum{${chosen}}[$__rate_interval])) / (sum(rate(livekit_quality_score_count{${chosen}}[$__rate_interval])) > 0)`,
              legend: 'mean',
            },
            { expr: quantile(0.05, quality), legend: 'all but 5 % above' },
          ],
        },
      ],
    },
  ],
}

import { clientMetrics, meetingMetrics, sfuMetrics } from '@parley/protocol'
import { type Board, chosen, of, orNone, rate } from '../board.ts'

const { connectionsAttempted, connectionsSuccessful } = meetingMetrics
const { rtt, jitter, quality, packets, packetsLost } = sfuMetrics
const client = clientMetrics
/** Pages are counted once a minute: a shorter range than this has a minute of theirs now and then. */
const minutes = '5m'
const quantile = (q: number, metric: { name: string }, range = '$__rate_interval') =>
  `histogram_quantile(${q}, sum by (le) (rate(${of(metric, '', '_bucket')}[${range}])))`
const mean = (metric: { name: string }, range: string) =>
  `sum(rate(${of(metric, '', '_sum')}[${range}])) / (sum(rate(${of(metric, '', '_count')}[${range}])) > 0)`

/** REQ-A4, REQ-A6. As the pages of all have it, and as LiveKit sees the rooms that it carries. */
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
      title: 'Everybody, as their pages have it',
      panels: [
        {
          ...{ kind: 'curve', title: 'People by quality', unit: 'short', width: 12 },
          description: 'Of their call now, by round trip, loss and jitter together.',
          queries: [
            { expr: `sum by (quality) (${of(client.participants)})`, legend: '{{quality}}' },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Open alerts', unit: 'short', width: 12 },
          description: 'Of people whose call is bad for a while, by what is wrong.',
          queries: [{ expr: `sum by (kind) (${of(client.alerts)})`, legend: '{{kind}}' }],
        },
        {
          ...{ kind: 'curve', title: 'Round trip of people', unit: 'ms', width: 12 },
          description: 'To each other, or to the SFU; one figure a minute of each. Goal: 150 ms.',
          limits: { warn: 150, bad: 300 },
          queries: [
            { expr: mean(client.latency, minutes), legend: 'mean' },
            { expr: quantile(0.95, client.latency, minutes), legend: '95 % under' },
          ],
        },
        {
          ...{ kind: 'heatmap', title: 'Round trips of people', unit: 'ms', width: 12 },
          description: 'How many minutes of people had which round trip.',
          queries: [
            {
              expr: `sum by (le) (increase(${of(client.latency, '', '_bucket')}[${minutes}]))`,
              legend: '{{le}}',
            },
          ],
        },
        {
          ...{
            kind: 'curve',
            title: 'Packets lost on the way to people',
            unit: 'percent',
            width: 8,
          },
          description: 'Of what was sent to them; one figure a minute of each. Goal: under 1 %.',
          limits: { warn: 1, bad: 5 },
          queries: [
            { expr: mean(client.loss, minutes), legend: 'mean' },
            { expr: quantile(0.95, client.loss, minutes), legend: '95 % under' },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Quality of speech (MOS)', unit: 'none', width: 8 },
          description: 'By the E-model, from 1 to 4.5: 4 and more is good, under 3 is poor.',
          queries: [
            { expr: mean(client.mos, minutes), legend: 'mean' },
            { expr: quantile(0.05, client.mos, minutes), legend: 'all but 5 % above' },
          ],
        },
        {
          ...{ kind: 'curve', title: 'In calls', unit: 'short', width: 8 },
          description:
            'Connected to somebody, and of these over a relay; the area is time in voice.',
          queries: [
            { expr: `sum(${rate(client.callSeconds, '', minutes)})`, legend: 'connected' },
            { expr: `sum(${rate(client.relayedSeconds, '', minutes)})`, legend: 'over a relay' },
          ],
        },
      ],
    },
    {
      title: 'Connections between people',
      panels: [
        {
          ...{ kind: 'curve', title: 'Time to connect', unit: 's', width: 8 },
          description: 'From the beginning of a link to its media. Goal: 95 % under 5 s.',
          limits: { warn: 5, bad: 10 },
          queries: [
            { expr: mean(client.connectSeconds, minutes), legend: 'mean' },
            { expr: quantile(0.95, client.connectSeconds, minutes), legend: '95 % under' },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Lost and back', unit: 'none', width: 8 },
          description:
            'Connections that were lost and came back, by hour that somebody is in a call.',
          limits: { warn: 2, bad: 6 },
          queries: [
            {
              expr: `3600 * sum(${rate(client.reconnections, '', minutes)}) / (sum(${rate(client.callSeconds, '', minutes)}) > 0)`,
              legend: 'times in an hour',
            },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Errors of STUN and TURN', unit: 'ops', width: 8 },
          description:
            'As pages have them. No answer: a firewall, or TURN is away. Credentials, quota: TURN refuses them.',
          queries: [
            {
              expr: `sum by (transport, kind) (${rate(client.iceErrors, '', minutes)})`,
              legend: '{{transport}}: {{kind}}',
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
              expr: `${orNone(`sum by (direction) (${rate(packetsLost)})`, `sum by (direction) (${rate(packets)})`)} / (sum by (direction) (${rate(packets)}) > 0)`,
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

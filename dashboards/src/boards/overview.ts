import {
  clientMetrics,
  meetingMetrics,
  relayMetrics,
  sfuMetrics,
  signalingMetrics,
} from '@parley/protocol'
import { type Board, of, rate } from '../board.ts'

const { activeParticipants, connectionsAttempted, connectionsSuccessful } = meetingMetrics
const { users, cost, bytes, forecast, monthToDate } = relayMetrics
const participants = `sum(${of(activeParticipants)})`
const client = clientMetrics
/** Of what is measured of each participant once a minute. */
const mean = (metric: { name: string }) =>
  `sum(rate(${of(metric, '', '_sum')}[5m])) / (sum(rate(${of(metric, '', '_count')}[5m])) > 0)`
const byCluster = 'sum by (namespace, cluster)'

/** REQ-A4. */
export const overview: Board = {
  uid: 'parley-overview',
  title: 'Overview',
  about: 'Who meets, whether they get in, how many of them are relayed, and what that costs.',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          ...{ kind: 'stat', title: 'Participants', unit: 'short', width: 4 },
          description: 'People in a call now.',
          queries: [{ expr: participants }],
        },
        {
          ...{ kind: 'stat', title: 'Rooms', unit: 'short', width: 4 },
          description: 'Rooms with somebody in them.',
          queries: [{ expr: `round(sum(${of(signalingMetrics.roomShares)}))` }],
        },
        {
          ...{ kind: 'stat', title: 'Joins that succeed', unit: 'percentunit', width: 4 },
          description: 'Of the joins of the last hour, those that reached their room. Goal: 98 %.',
          limits: { warn: 0.98, bad: 0.95, below: true },
          queries: [
            {
              expr: `sum(${rate(connectionsSuccessful, '', '1h')}) / (sum(${rate(connectionsAttempted, '', '1h')}) > 0)`,
            },
          ],
        },
        {
          ...{ kind: 'stat', title: 'On relay', unit: 'percentunit', width: 4 },
          description: 'Of the participants, those who hold a TURN allocation.',
          queries: [{ expr: `sum(${of(users)}) / (${participants} > 0)` }],
        },
        {
          ...{ kind: 'stat', title: 'Relaying, by the hour', unit: 'none', width: 4 },
          description: 'At the pace of the last hour, in the currency of the prices.',
          queries: [
            {
              expr: `3600 * sum by (currency) (${rate(cost, '', '1h')})`,
              legend: '{{currency}}',
            },
          ],
        },
        {
          ...{ kind: 'stat', title: 'Relaying, this month', unit: 'none', width: 4 },
          description: 'Since the month began (UTC), nodes included.',
          queries: [{ expr: `sum by (currency) (${of(monthToDate)})`, legend: '{{currency}}' }],
        },
      ],
    },
    {
      title: 'Calls, as people have them',
      panels: [
        {
          ...{ kind: 'stat', title: 'Round trip', unit: 'ms', width: 4 },
          description: 'Mean of the last five minutes. Goal: under 150 ms.',
          limits: { warn: 150, bad: 300 },
          queries: [{ expr: mean(client.latency) }],
        },
        {
          ...{ kind: 'stat', title: 'Packets lost', unit: 'percent', width: 4 },
          description: 'Mean of the last five minutes. Goal: under 1 %.',
          limits: { warn: 1, bad: 5 },
          queries: [{ expr: mean(client.loss) }],
        },
        {
          ...{ kind: 'stat', title: 'Quality (MOS)', unit: 'none', width: 4 },
          description: 'Mean of the last five minutes, from 1 to 4.5: 4 and more is good.',
          limits: { warn: 4, bad: 3, below: true },
          queries: [{ expr: mean(client.mos) }],
        },
        {
          ...{ kind: 'stat', title: 'Connected over a relay', unit: 'percentunit', width: 4 },
          description: 'Of those whose pages report: with a connection over TURN.',
          queries: [{ expr: `sum(${of(client.relayed)}) / (sum(${of(client.participants)}) > 0)` }],
        },
        {
          ...{ kind: 'stat', title: 'Time in voice', unit: 's', width: 4 },
          description: 'Of the last hour, that of all together.',
          queries: [{ expr: `sum(increase(${of(client.callSeconds)}[1h]))` }],
        },
        {
          ...{ kind: 'stat', title: 'Open alerts', unit: 'short', width: 4 },
          description: 'Of people whose call is bad for a while.',
          limits: { warn: 1, bad: 10 },
          queries: [{ expr: `sum(${of(client.alerts)})` }],
        },
      ],
    },
    {
      title: 'Over time',
      panels: [
        {
          ...{ kind: 'curve', title: 'Participants and relay', unit: 'short', width: 12 },
          description: 'People in a call, those of them on relay, and those on the SFU.',
          queries: [
            { expr: participants, legend: 'participants' },
            { expr: `sum(${of(users)})`, legend: 'on relay' },
            { expr: `sum(${of(sfuMetrics.participants)})`, legend: 'on the SFU' },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Joins', unit: 'reqps', width: 12 },
          description: 'Joins asked for, and those that reached their room.',
          queries: [
            { expr: `sum(${rate(connectionsAttempted)})`, legend: 'asked for' },
            { expr: `sum(${rate(connectionsSuccessful)})`, legend: 'in their room' },
          ],
        },
      ],
    },
    {
      title: 'Each cluster',
      panels: [
        {
          ...{ kind: 'bars', title: 'Participants by cluster', unit: 'short', width: 8 },
          leadsTo: 'parley-signaling',
          description: 'People in a call now.',
          queries: [
            {
              expr: `${byCluster} (${of(activeParticipants)})`,
              legend: '{{namespace}}/{{cluster}}',
            },
          ],
        },
        {
          ...{ kind: 'bars', title: 'Relayed by cluster', unit: 'bps', width: 8 },
          leadsTo: 'parley-turn',
          description: 'What TURN sends, a relayed bit counted once.',
          queries: [
            {
              expr: `8 * ${byCluster} (${rate(bytes, 'leg=~"turnTo.*"', '5m')})`,
              legend: '{{namespace}}/{{cluster}}',
            },
          ],
        },
        {
          ...{ kind: 'bars', title: 'This month, as it will end', unit: 'none', width: 8 },
          leadsTo: 'parley-relay-and-cost',
          description: 'What relaying is going to cost, at the pace of the last 7 days.',
          queries: [
            {
              expr: `sum by (namespace, cluster, currency) (${of(forecast)})`,
              legend: '{{namespace}}/{{cluster}} {{currency}}',
            },
          ],
        },
      ],
    },
  ],
}

import { clientMetrics, meetingMetrics, signalingMetrics, trafficMetrics } from '@parley/protocol'
import { type Board, of, rate } from '../board.ts'

const { sockets, roomShares, participants } = signalingMetrics
const { activeParticipants, connectionsAttempted, connectionsSuccessful } = meetingMetrics
const { requests, bytes, unsent, dropped, batches, waiting, skewed, writes } = trafficMetrics
const client = clientMetrics

export const signaling: Board = {
  uid: 'parley-signaling',
  title: 'Signaling',
  about: 'What each signaling replica holds, and how joins go there.',
  rows: [
    {
      title: 'Held',
      panels: [
        {
          ...{ kind: 'curve', title: 'Sockets', unit: 'short', width: 8 },
          description: 'By pod; autoscaling goes by them.',
          queries: [{ expr: `sum by (pod) (${of(sockets)})`, legend: '{{pod}}' }],
        },
        {
          ...{ kind: 'curve', title: 'Participants', unit: 'short', width: 8 },
          description: 'By pod: sockets that have joined their room.',
          queries: [{ expr: `sum by (pod) (${of(participants)})`, legend: '{{pod}}' }],
        },
        {
          ...{ kind: 'curve', title: 'Rooms', unit: 'short', width: 8 },
          description: 'With somebody in them. Gaps: a replica could not ask Redis.',
          queries: [
            {
              expr: `sum by (namespace, cluster) (${of(roomShares)})`,
              legend: '{{namespace}}/{{cluster}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Joins',
      panels: [
        {
          ...{ kind: 'curve', title: 'Joins', unit: 'reqps', width: 12 },
          description: 'By pod: asked for, and in their room.',
          queries: [
            { expr: `sum by (pod) (${rate(connectionsAttempted)})`, legend: '{{pod}} asked for' },
            {
              expr: `sum by (pod) (${rate(connectionsSuccessful)})`,
              legend: '{{pod}} in their room',
            },
          ],
        },
        {
          ...{ kind: 'bars', title: 'Busiest rooms', unit: 'short', width: 12 },
          description: 'People by room; the rooms beyond the busiest are summed as "other".',
          queries: [
            {
              expr: `topk(20, sum by (namespace, cluster, room_id) (${of(activeParticipants)}))`,
              legend: '{{namespace}}/{{cluster}} {{room_id}}',
            },
          ],
        },
      ],
    },
    {
      title: 'HTTP',
      panels: [
        {
          ...{ kind: 'curve', title: 'Requests', unit: 'reqps', width: 8 },
          description: 'By the template of their route; those of the twenty busiest.',
          queries: [
            {
              expr: `topk(20, sum by (method, route) (${rate(requests)}))`,
              legend: '{{method}} {{route}}',
            },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Answers', unit: 'reqps', width: 8 },
          description:
            'By status. 4xx: what was asked is not there or not allowed. 5xx: our fault.',
          queries: [{ expr: `sum by (status) (${rate(requests)})`, legend: '{{status}}' }],
        },
        {
          ...{ kind: 'curve', title: 'Bodies', unit: 'bps', width: 8 },
          description: 'Of requests (in) and of answers (out).',
          queries: [{ expr: `8 * sum by (direction) (${rate(bytes)})`, legend: '{{direction}}' }],
        },
      ],
    },
    {
      title: 'What pages report',
      panels: [
        {
          ...{ kind: 'curve', title: 'Events', unit: 'ops', width: 8 },
          description: 'By what became of them. gap: one was lost, and all is sent anew.',
          queries: [{ expr: `sum by (outcome) (${rate(client.events)})`, legend: '{{outcome}}' }],
        },
        {
          ...{ kind: 'curve', title: 'Events refused', unit: 'ops', width: 8 },
          description: 'By the code of the refusal. forbidden: somebody speaks for another.',
          queries: [{ expr: `sum by (code) (${rate(client.refused)})`, legend: '{{code}}' }],
        },
        {
          ...{ kind: 'curve', title: 'On the way to Redis', unit: 'short', width: 8 },
          description:
            'Live states that wait, and in an hour those that were dropped while it was away.',
          queries: [
            { expr: `sum(${of(client.waiting)})`, legend: 'wait' },
            {
              expr: `sum by (what) (increase(${of(client.dropped)}[1h]))`,
              legend: 'dropped: {{what}}',
            },
          ],
        },
      ],
    },
    {
      title: 'History, on its way to the store',
      panels: [
        {
          ...{ kind: 'curve', title: 'Seconds that wait', unit: 'short', width: 8 },
          description:
            'At signaling until they are stored, and in Redis. Rising: the store is away.',
          queries: [
            { expr: `sum by (pod) (${of(unsent)})`, legend: 'at {{pod}}' },
            { expr: `sum by (where) (${of(waiting)})`, legend: 'in Redis: {{where}}' },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Seconds taken', unit: 'ops', width: 8 },
          description: 'By the meter. duplicates: sent again after an end, and counted once.',
          queries: [
            { expr: `sum by (result) (${rate(batches)})`, legend: '{{result}}' },
            {
              expr: `sum by (namespace, cluster) (${rate(writes)})`,
              legend: 'statements to the store, {{namespace}}/{{cluster}}',
            },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Not in its place', unit: 'short', width: 8 },
          description:
            'In an hour: dropped as too much waited, and counted late as a clock is wrong.',
          queries: [
            { expr: `sum(increase(${of(dropped)}[1h]))`, legend: 'dropped' },
            { expr: `sum(increase(${of(skewed)}[1h]))`, legend: 'wrong clock' },
          ],
        },
      ],
    },
  ],
}

import { meetingMetrics, signalingMetrics } from '@parley/protocol'
import { type Board, of, rate } from '../board.ts'

const { sockets, roomShares, participants } = signalingMetrics
const { activeParticipants, connectionsAttempted, connectionsSuccessful } = meetingMetrics

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
  ],
}

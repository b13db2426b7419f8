import { sfuMetrics } from '@parley/protocol'
import { type Board, of, orNone, rate } from '../board.ts'

const { rooms, participants, tracksPublished, tracksSubscribed, bytes, packetsLost, packets } =
  sfuMetrics

/** LiveKit's own metrics, by pod. */
export const sfu: Board = {
  uid: 'parley-sfu',
  title: 'SFU',
  about: 'What each LiveKit pod carries, and whether it loses any of it.',
  rows: [
    {
      title: 'Load',
      panels: [
        {
          ...{ kind: 'curve', title: 'Rooms', unit: 'short', width: 8 },
          description: 'By pod. A room is on one pod, with everybody in it.',
          queries: [{ expr: `sum by (pod) (${of(rooms)})`, legend: '{{pod}}' }],
        },
        {
          ...{ kind: 'curve', title: 'Participants', unit: 'short', width: 8 },
          description: 'By pod, of those who are in these rooms.',
          queries: [{ expr: `sum by (pod) (${of(participants)})`, legend: '{{pod}}' }],
        },
        {
          ...{ kind: 'curve', title: 'Tracks', unit: 'short', width: 8 },
          description: 'Those that come in and those that go out; autoscaling goes by the latter.',
          queries: [
            { expr: `sum(${of(tracksPublished)})`, legend: 'in' },
            { expr: `sum(${of(tracksSubscribed)})`, legend: 'out' },
          ],
        },
      ],
    },
    {
      title: 'Traffic',
      panels: [
        {
          ...{ kind: 'curve', title: 'Media', unit: 'bps', width: 12 },
          description: 'By pod and direction.',
          queries: [
            {
              expr: `8 * sum by (pod, direction) (${rate(bytes)})`,
              legend: '{{pod}} {{direction}}',
            },
          ],
        },
        {
          ...{ kind: 'curve', title: 'Packets lost', unit: 'percentunit', width: 12 },
          description: 'Of the packets of tracks, by pod. One pod alone: look at its node.',
          limits: { warn: 0.01, bad: 0.05 },
          queries: [
            {
              expr: `${orNone(`sum by (pod) (${rate(packetsLost)})`, `sum by (pod) (${rate(packets)})`)} / (sum by (pod) (${rate(packets)}) > 0)`,
              legend: '{{pod}}',
            },
          ],
        },
      ],
    },
  ],
}

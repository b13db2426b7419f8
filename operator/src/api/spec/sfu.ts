import { z } from 'zod'
import {
  duration,
  ipAddress,
  placement,
  portRange,
  replicasOrAutoscaling,
  scaling,
} from '../fields.ts'
import { withRules } from '../rule.ts'

export const sfu = withRules(
  z.strictObject({
    engine: z
      .enum(['LiveKit', 'Mediasoup', 'None'])
      .default('LiveKit')
      .describe(
        'Media server for rooms above mesh.maxParticipants; None: there are no such rooms.',
      ),
    ...scaling('sfu', {
      targetTracks: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe(
          'Media tracks per pod, received and sent, that the autoscaler keeps to, where the operator serves that metric.',
        ),
      targetRooms: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .describe(
          'Rooms per pod that the autoscaler keeps to, where the operator serves that metric.',
        ),
    }),
    ...placement({
      requests: { cpu: '2', memory: '4Gi' },
      limits: { cpu: '4', memory: '8Gi' },
    }),
    externalAddresses: z
      .array(ipAddress())
      .max(64)
      .default([])
      .describe(
        'Addresses that clients reach the pods at: one for all, or one for each node in the order of node names. Empty: turn.externalAddresses (not with exposure LoadBalancer), else the ExternalIP of each node.',
      ),
    ports: portRange(
      'UDP ports of the nodes that media uses. No node gets two pods whose ranges touch the same block of 1024 ports. Besides, 7880, 7881 and 6789 are taken, on TCP.',
      { min: 40000, max: 49151 },
    ),
    drainTimeout: duration(
      'How long an SFU pod that goes away waits for its rooms. Those that are left then move to another pod, with a short break.',
      '4h',
      '720h',
    ),
  }),
  [replicasOrAutoscaling],
)
  .prefault({})
  .describe('The media servers that forward streams in larger rooms.')

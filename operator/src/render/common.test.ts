import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import { buildAutoscaler, buildDisruptionBudget, buildServiceMonitor } from './common.ts'
import { selectorOf } from './names.ts'
import { renderInputs } from './testing/inputs.ts'

const cpuOnly = renderInputs()
const served = renderInputs({
  capabilities: {
    serviceMonitor: false,
    storage: { redis: 'Volume', meter: 'Volume' },
    externalMetrics: true,
  },
})

describe('REQ-K1: the autoscaler', () => {
  it('keeps to the bounds and the CPU that the spec asks for', () => {
    const mc = meetingCluster({
      turn: { autoscaling: { minReplicas: 2, maxReplicas: 9, targetCPUUtilization: 55 } },
    })
    expect(buildAutoscaler(mc, 'turn', cpuOnly)?.spec).toMatchObject({
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'demo-turn' },
      minReplicas: 2,
      maxReplicas: 9,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 55 } },
        },
      ],
    })
  })

  it('is not there where the number of pods is fixed', () => {
    const fixed = meetingCluster({ turn: { replicas: 3 } })
    expect(buildAutoscaler(fixed, 'turn', served)).toBeUndefined()
  })

  it('keeps each TURN pod to the relayed Mbit/s of the spec, and 400 where it gives none', () => {
    const relayed = (averageValue: string) => ({
      type: 'External',
      external: {
        metric: { name: 'parley_relay_mbps', selector: { matchLabels: { cluster: 'demo' } } },
        target: { type: 'AverageValue', averageValue },
      },
    })
    const given = meetingCluster({ turn: { autoscaling: { targetRelayMbps: 250 } } })
    expect(buildAutoscaler(given, 'turn', served)?.spec.metrics[1]).toEqual(relayed('250'))
    const byDefault = buildAutoscaler(meetingCluster(), 'turn', served)?.spec.metrics
    expect(byDefault?.slice(1)).toEqual([relayed('400')])
  })

  it('goes by allocations, tracks, rooms and sockets where the spec gives a target', () => {
    const mc = meetingCluster({
      turn: { autoscaling: { targetAllocations: 500 } },
      sfu: { autoscaling: { targetTracks: 1600, targetRooms: 20 } },
      signaling: { autoscaling: { targetSockets: 5000 } },
    })
    const named = (component: 'turn' | 'sfu' | 'signaling') =>
      buildAutoscaler(mc, component, served)?.spec.metrics.flatMap((metric) =>
        'external' in metric
          ? [`${metric.external.metric.name}=${metric.external.target.averageValue}`]
          : [],
      )
    expect(named('turn')).toEqual(['parley_relay_mbps=400', 'parley_relay_allocations=500'])
    expect(named('sfu')).toEqual(['parley_sfu_tracks=1600', 'parley_sfu_rooms=20'])
    expect(named('signaling')).toEqual(['parley_signaling_sockets=5000'])
  })

  it('goes by CPU alone where nobody serves the metrics', () => {
    for (const component of ['turn', 'sfu', 'signaling', 'webapp'] as const)
      expect(buildAutoscaler(meetingCluster(), component, cpuOnly)?.spec.metrics).toHaveLength(1)
  })
})

it('REQ-K1: one pod may be evicted at a time, and one that is not ready at any time', () => {
  const mc = meetingCluster()
  expect(buildDisruptionBudget(mc, 'signaling').spec).toEqual({
    maxUnavailable: 1,
    unhealthyPodEvictionPolicy: 'AlwaysAllow',
    selector: { matchLabels: selectorOf(mc, 'signaling') },
  })
})

it('REQ-K1: a ServiceMonitor finds the Service of its component', () => {
  const mc = meetingCluster()
  expect(buildServiceMonitor(mc, 'meter').spec).toEqual({
    selector: { matchLabels: selectorOf(mc, 'meter') },
    endpoints: [
      {
        ...{ port: 'http', path: '/metrics', honorLabels: true },
        relabelings: [{ targetLabel: 'cluster', replacement: 'demo' }],
      },
    ],
  })
})

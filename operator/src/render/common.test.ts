import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import { buildAutoscaler, buildDisruptionBudget, buildServiceMonitor } from './common.ts'
import { selectorOf } from './names.ts'

describe('REQ-K1: the autoscaler', () => {
  it('keeps to the bounds and the CPU that the spec asks for', () => {
    const mc = meetingCluster({
      turn: { autoscaling: { minReplicas: 2, maxReplicas: 9, targetCPUUtilization: 55 } },
    })
    expect(buildAutoscaler(mc, 'turn')?.spec).toMatchObject({
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
    expect(buildAutoscaler(meetingCluster({ turn: { replicas: 3 } }), 'turn')).toBeUndefined()
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
    endpoints: [{ port: 'http', path: '/metrics' }],
  })
})

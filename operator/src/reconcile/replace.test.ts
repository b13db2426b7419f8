import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import { buildTurnService } from '../render/turn.ts'
import { projectService } from './observed.ts'
import { isInTheWay } from './replace.ts'

const service = (exposure: 'HostNetwork' | 'LoadBalancer' | 'NodePort') =>
  buildTurnService(meetingCluster({ turn: { exposure } }))

describe('a Service', () => {
  it.each([
    ['HostNetwork', 'LoadBalancer', true],
    ['NodePort', 'HostNetwork', true],
    ['NodePort', 'LoadBalancer', false],
    ['HostNetwork', 'HostNetwork', false],
  ] as const)('of exposure %s that is to be %s is in the way: %s', (before, after, expected) => {
    const entry = projectService(service(before))
    expect(isInTheWay({ object: service(after) }, entry)).toBe(expected)
    expect(isInTheWay({ object: service(after) }, undefined)).toBe(false)
  })

  it('with an address that says no type is not headless', () => {
    const plain = { metadata: { name: 's' }, spec: { clusterIP: '10.96.0.9' } }
    expect(isInTheWay({ object: service('HostNetwork') }, projectService(plain))).toBe(true)
    expect(isInTheWay({ object: service('NodePort') }, projectService(plain))).toBe(false)
  })
})

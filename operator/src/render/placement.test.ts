import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { meetingCluster } from '../api/testing/specs.ts'
import type { NodeFacts } from './inputs.ts'
import { fits, mayRunOn } from './placement.ts'

const placement = (turn: object) => meetingCluster({ turn }).spec.turn
const node = (facts: Partial<NodeFacts> = {}): NodeFacts => ({ internal: [], ...facts })

const required = (...nodeSelectorTerms: object[]) => ({
  affinity: {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
  },
})
const onLabels = (...matchExpressions: object[]) => required({ matchExpressions })

describe('a pod that insists on a node affinity', () => {
  const zones = node({ labels: { zone: 'a', cores: '8' } })
  it.each<[string, object, boolean]>([
    ['In', { key: 'zone', operator: 'In', values: ['a', 'b'] }, true],
    ['In, another value', { key: 'zone', operator: 'In', values: ['b'] }, false],
    ['In, no such label', { key: 'disk', operator: 'In', values: ['a'] }, false],
    ['NotIn', { key: 'zone', operator: 'NotIn', values: ['b'] }, true],
    ['NotIn, that value', { key: 'zone', operator: 'NotIn', values: ['a'] }, false],
    ['NotIn, no such label', { key: 'disk', operator: 'NotIn', values: ['a'] }, true],
    ['Exists', { key: 'zone', operator: 'Exists' }, true],
    ['Exists, no such label', { key: 'disk', operator: 'Exists' }, false],
    ['DoesNotExist', { key: 'disk', operator: 'DoesNotExist' }, true],
    ['DoesNotExist, of a label', { key: 'zone', operator: 'DoesNotExist' }, false],
    ['Gt', { key: 'cores', operator: 'Gt', values: ['4'] }, true],
    ['Gt, equal', { key: 'cores', operator: 'Gt', values: ['8'] }, false],
    ['Lt', { key: 'cores', operator: 'Lt', values: ['9'] }, true],
    ['Lt, of no number', { key: 'zone', operator: 'Lt', values: ['9'] }, false],
    ['Lt, no such label', { key: 'disk', operator: 'Lt', values: ['9'] }, false],
  ])('REQ-K1: goes by %s', (_, expression, fit) => {
    expect(fits(placement(onLabels(expression)), 'n1', zones)).toBe(fit)
  })

  it('REQ-K1: takes one of the terms, and all of that; one that asks for nothing is met by none', () => {
    const a = { key: 'zone', operator: 'In', values: ['a'] }
    const disk = { key: 'disk', operator: 'Exists' }
    const wanted = (...terms: object[]) => fits(placement(required(...terms)), 'n1', zones)
    expect(wanted({ matchExpressions: [a, disk] })).toBe(false)
    expect(wanted({ matchExpressions: [disk] }, { matchExpressions: [a] })).toBe(true)
    expect(wanted({})).toBe(false)
    expect(wanted()).toBe(false)
    const named = (name: string) => ({
      matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }],
    })
    expect(wanted(named('n1'))).toBe(true)
    expect(wanted(named('n2'))).toBe(false)
  })

  it('REQ-K1: is left to the scheduler where it is about pods, or is nothing that is known', () => {
    for (const affinity of [
      { podAffinity: {} },
      { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: 'x' } },
      onLabels({ key: 'zone', operator: 'Near' }).affinity,
    ]) {
      expect(fits(placement({ affinity }), 'n1', zones)).toBeUndefined()
      expect(mayRunOn(placement({ affinity }), 'n1', zones)).toBe(true)
    }
    const preferred = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } }
    expect(fits(placement({ affinity: preferred }), 'n1', zones)).toBe(true)
  })
})

describe('a pod may be on a node some day', () => {
  const labels = fc.dictionary(fc.constantFrom('zone', 'pool'), fc.constantFrom('a', 'b'))
  const taint = fc.record({
    key: fc.constantFrom('media', 'node-role.kubernetes.io/control-plane'),
    effect: fc.constantFrom('NoSchedule', 'NoExecute'),
  })
  const passing = fc.record({
    key: fc.constantFrom(
      'node.kubernetes.io/not-ready',
      'node.kubernetes.io/unschedulable',
      'node.cloudprovider.kubernetes.io/uninitialized',
    ),
    effect: fc.constantFrom('NoSchedule', 'NoExecute'),
  })

  it('REQ-K3: whatever passes, and where it fits now', () => {
    fc.assert(
      fc.property(
        labels,
        labels,
        fc.array(taint, { maxLength: 2 }),
        fc.array(passing, { maxLength: 2 }),
        fc.boolean(),
        (nodeSelector, ofNode, taints, passing, tolerant) => {
          const tolerations = tolerant ? [{ operator: 'Exists' }] : []
          const pod = placement({ nodeSelector, tolerations })
          const still = node({ labels: ofNode, taints })
          const passes = { ...still, taints: [...taints, ...passing] }
          expect(mayRunOn(pod, 'n1', passes)).toBe(mayRunOn(pod, 'n1', still))
          expect(mayRunOn(pod, 'n1', still)).toBe(fits(pod, 'n1', still))
          if (fits(pod, 'n1', passes)) expect(mayRunOn(pod, 'n1', passes)).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })
})

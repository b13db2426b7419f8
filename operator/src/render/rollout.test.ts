import { describe, expect, it } from '@jest/globals'
import { meetingCluster } from '../api/testing/specs.ts'
import type { NodeFacts, WorkloadFacts } from './inputs.ts'
import { hostNetworkStrategy } from './rollout.ts'

const newFirst = { maxSurge: 1, maxUnavailable: 0 }
const oldFirst = { maxSurge: 0, maxUnavailable: 1 }

const node = (facts: Partial<NodeFacts> = {}): NodeFacts => ({ internal: [], ...facts })
const strategy = (turn: object, nodes: NodeFacts[], facts?: WorkloadFacts) =>
  hostNetworkStrategy(meetingCluster({ turn }), 'turn', {
    nodes: Object.fromEntries(nodes.map((facts, index) => [`n${index}`, facts])),
    ...(facts === undefined ? {} : { workloads: { turn: facts } }),
  }).rollingUpdate

describe('pods on the host network are replaced', () => {
  it('REQ-K7: the new one first where there is a node to spare, else the old one first', () => {
    expect(strategy({ replicas: 1 }, [node(), node()])).toEqual(newFirst)
    expect(strategy({ replicas: 2 }, [node(), node()])).toEqual(oldFirst)
    expect(strategy({ replicas: 1 }, [node()])).toEqual(oldFirst)
    expect(strategy({ replicas: 1 }, [])).toEqual(oldFirst)
  })

  it('by the number of pods that the autoscaler wants now', () => {
    const autoscaling = { minReplicas: 1, maxReplicas: 8 }
    expect(strategy({ autoscaling }, [node(), node(), node()], { desired: 2 })).toEqual(newFirst)
    expect(strategy({ autoscaling }, [node(), node(), node()], { desired: 3 })).toEqual(oldFirst)
    expect(strategy({ autoscaling }, [node(), node()])).toEqual(newFirst)
  })

  it('REQ-K7: as they were begun to be, though nodes come and go meanwhile', () => {
    const underWay = (surging: boolean) => ({ desired: 1, surging })
    expect(strategy({ replicas: 1 }, [node()], underWay(true))).toEqual(newFirst)
    expect(strategy({ replicas: 1 }, [node(), node()], underWay(false))).toEqual(oldFirst)
  })

  it.each([
    ['is cordoned or not ready', node({ open: false })],
    ['has another label', node({ labels: { media: 'no' } })],
    [
      'has a taint',
      node({ labels: { media: 'yes' }, taints: [{ key: 'gpu', effect: 'NoSchedule' }] }),
    ],
    [
      'has a taint of another value',
      node({
        labels: { media: 'yes' },
        taints: [{ key: 'media', value: 'other', effect: 'NoExecute' }],
      }),
    ],
  ])('without counting on a node that %s', (_, other) => {
    const turn = {
      replicas: 1,
      nodeSelector: { media: 'yes' },
      tolerations: [{ key: 'media', value: 'turn', effect: 'NoExecute' }],
    }
    const fit = node({
      labels: { media: 'yes' },
      taints: [{ key: 'media', value: 'turn', effect: 'NoExecute' }],
    })
    expect(strategy(turn, [fit, fit])).toEqual(newFirst)
    expect(strategy(turn, [fit, other])).toEqual(oldFirst)
  })

  it('counting on a node whose taints are all tolerated', () => {
    const tainted = node({ taints: [{ key: 'any', value: 'x', effect: 'NoSchedule' }] })
    const nodes = [node(), tainted]
    expect(strategy({ replicas: 1, tolerations: [{ operator: 'Exists' }] }, nodes)).toEqual(
      newFirst,
    )
    expect(
      strategy({ replicas: 1, tolerations: [{ key: 'any', operator: 'Exists' }] }, nodes),
    ).toEqual(newFirst)
    expect(strategy({ replicas: 1, tolerations: [{ key: 'any' }] }, nodes)).toEqual(oldFirst)
  })

  it('counting on the nodes that a node affinity insists on, and on none with an affinity to pods', () => {
    const affinity = (matchExpressions: object[]) => ({
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions }],
        },
      },
    })
    const media = affinity([{ key: 'media', operator: 'Exists' }])
    const fit = node({ labels: { media: '' } })
    expect(strategy({ replicas: 1, affinity: media }, [fit, fit])).toEqual(newFirst)
    expect(strategy({ replicas: 1, affinity: media }, [fit, node()])).toEqual(oldFirst)
    const ofPods = { ...media, podAntiAffinity: {} }
    expect(strategy({ replicas: 1, affinity: ofPods }, [fit, fit])).toEqual(oldFirst)
  })
})

import { describe, expect, it } from '@jest/globals'
import { projectPod } from './observed.ts'
import { withProblem, workloadFacts } from './workload-facts.ts'

function pod(spec: object, status: object, metadata: object = {}) {
  const object = { metadata: { name: 'demo-turn-x', namespace: 'n', ...metadata }, spec, status }
  return projectPod(object)
}
const homeless = pod(
  {},
  { conditions: [{ type: 'PodScheduled', status: 'False', message: 'no free ports' }] },
)
const leaving = pod({ nodeName: 'n1' }, {}, { deletionTimestamp: '2026-11-21T12:00:00Z' })
const running = pod({ nodeName: 'n1' }, {})
const underWay = {
  ...{ desired: 1, ready: 1, updated: 1, current: true, replacing: true, surges: true },
  ...{ held: false, cameUp: false, failed: false, homeless: 0 },
}

describe('a replacement', () => {
  const facts = (pods: (typeof running)[]) =>
    workloadFacts({ podsOf: () => pods }, 'n/demo', { turn: underWay }).turn

  it('REQ-K7: that is under way goes on as it is', () => {
    expect(facts([running])).toEqual({ desired: 1, surging: true })
  })

  it('for whose new pod there is no node may go another way', () => {
    expect(facts([running, homeless])).toEqual({ desired: 1 })
  })

  it('that is done says nothing of how', () => {
    const done = { ...underWay, replacing: false }
    expect(workloadFacts({ podsOf: () => [] }, 'n/demo', { turn: done }).turn).toEqual({
      desired: 1,
    })
  })
})

describe('what keeps a new pod waiting', () => {
  it('is said with the pods that may wait for calls', () => {
    expect(withProblem(underWay, [homeless, leaving]).problem).toBe(
      'pod demo-turn-x has no node: no free ports; pods that are being deleted, and may wait for calls: 1',
    )
    expect(withProblem(underWay, [homeless]).problem).toBe(
      'pod demo-turn-x has no node: no free ports',
    )
  })

  it('is nothing once all is as wanted', () => {
    const done = { ...underWay, replacing: false }
    expect(withProblem(done, [homeless]).problem).toBeUndefined()
  })
})

import { describe, expect, it } from '@jest/globals'
import { projectPod } from './observed.ts'
import { withoutPods, withProblem, workloadFacts } from './workload-facts.ts'

function pod(spec: object, status: object, metadata: object = {}) {
  const object = { metadata: { name: 'demo-turn-x', namespace: 'n', ...metadata }, spec, status }
  return projectPod(object)
}
const SINCE = '2026-11-21T11:58:00Z'
const unscheduled = (lastTransitionTime = SINCE) =>
  pod(
    {},
    {
      conditions: [
        {
          ...{ type: 'PodScheduled', status: 'False', message: 'no free ports' },
          lastTransitionTime,
        },
      ],
    },
  )
const homeless = unscheduled()
const leaves = (component: string) => {
  const labels = { 'app.kubernetes.io/component': component }
  return pod({ nodeName: 'n1' }, {}, { labels, deletionTimestamp: '2026-11-21T12:00:00Z' })
}
const leaving = leaves('turn')
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

  it('REQ-K1: counts from when the scheduler first said so, unless it waits for calls on pods that go', () => {
    const later = unscheduled('2026-11-21T11:59:00Z')
    expect(withProblem(underWay, [later, homeless]).homelessSince).toBe(Date.parse(SINCE))
    expect(withProblem(underWay, [homeless, leaving]).homelessSince).toBeUndefined()
    expect(withProblem(underWay, [homeless, leaves('webapp')]).homelessSince).toBe(
      Date.parse(SINCE),
    )
    expect(withProblem(underWay, [running]).homelessSince).toBeUndefined()
  })

  it('REQ-K1: fails no rollout where it is a node alone, however long that takes', () => {
    const overdue = { ...underWay, failed: true }
    expect(withProblem(overdue, [running, homeless]).failed).toBe(false)
    const broken = pod(
      { nodeName: 'n1' },
      { containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff' } } }] },
    )
    expect(withProblem(overdue, [broken, homeless]).failed).toBe(true)
    expect(withProblem(overdue, [running]).failed).toBe(true)
  })

  it('is nothing once all is as wanted', () => {
    const done = { ...underWay, replacing: false }
    expect(withProblem(done, [homeless]).problem).toBeUndefined()
  })
})

it('REQ-K1: a StatefulSet that makes no pod leads to its events; one whose pod is not known of yet says nothing', () => {
  const made = { ...underWay, ready: 0, updated: 0 }
  const problemOf = (rollout: typeof made, pods: (typeof running)[] = []) =>
    withoutPods(rollout, pods, 'demo-redis').problem
  expect(problemOf(made)).toMatch(/kubectl describe statefulset demo-redis says why/)
  expect(problemOf({ ...made, updated: 1 })).toBeUndefined()
  expect(problemOf({ ...made, current: false })).toBeUndefined()
  expect(problemOf({ ...made, desired: 0 })).toBeUndefined()
  expect(problemOf(made, [running])).toBeUndefined()
})

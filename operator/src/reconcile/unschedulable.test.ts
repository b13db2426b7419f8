import { describe, expect, it } from '@jest/globals'
import type { Rollout } from './observed.ts'
import { unschedulable } from './unschedulable.ts'

const NOON = Date.parse('2026-11-21T12:00:00Z')
const MINUTE = 60_000
const said = 'pod demo-redis-0 has no node: 0/2 nodes are available: 2 Insufficient memory.'
const homeless: Rollout = {
  ...{ desired: 1, ready: 0, updated: 1, current: true, replacing: false, surges: false },
  ...{ held: false, cameUp: false, failed: false },
  ...{ homeless: 1, homelessSince: NOON, problem: said },
}

describe('a pod that no node takes', () => {
  it('REQ-K1: is waited for five minutes, and looked at again then', () => {
    const found = unschedulable({}, { redis: homeless }, NOON + MINUTE)
    expect(found).toEqual({ problems: [], wakeInMs: 4 * MINUTE })
  })

  it('REQ-K1: then says the component, what the scheduler said, who waits for it, and what to do', () => {
    const waiting = { meter: 'redis', turn: 'redis', sfu: 'webapp' } as const
    const { problems, wakeInMs } = unschedulable(waiting, { redis: homeless }, NOON + 5 * MINUTE)
    expect(problems).toEqual([
      {
        reason: 'Unschedulable',
        stalled: true,
        message: `redis: ${said}, so meter, turn keep the pods of before: add a node that it fits or make room on one, change spec.redis (resources, nodeSelector, tolerations, affinity), or set back what was changed; after a change of the spec, delete the pod: Kubernetes keeps it`,
      },
    ])
    expect(wakeInMs).toBe(Number.POSITIVE_INFINITY)
  })

  it('REQ-K1: of each component on its own', () => {
    const webapp = { ...homeless, homelessSince: NOON - 10 * MINUTE, problem: 'no room' }
    const { problems, wakeInMs } = unschedulable({}, { redis: homeless, webapp }, NOON)
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^webapp: no room: add a node .* what was changed$/),
    ])
    expect(wakeInMs).toBe(5 * MINUTE)
  })

  it('is nothing where all have one', () => {
    const { homelessSince: _, ...placed } = homeless
    expect(unschedulable({}, { redis: placed }, NOON).problems).toEqual([])
  })
})

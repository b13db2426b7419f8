import type { Component } from '../api/index.ts'
import type { WorkloadFacts } from '../render/index.ts'
import type { Rollout } from './observed.ts'
import type { World } from './world.ts'

/**
 * What is known of the workloads of a MeetingCluster (`namespace/name`), for what they are to be. A replacement that
 * has come to a standstill, because no node takes the new pod, counts as none under way: then it may be done another
 * way.
 */
export function workloadFacts(
  world: Pick<World, 'podsOf'>,
  key: string,
  rollouts: Partial<Record<Component, Rollout>>,
): Partial<Record<Component, WorkloadFacts>> {
  const facts: Partial<Record<Component, WorkloadFacts>> = {}
  for (const [component, { desired, replacing, surges }] of entriesOf(rollouts)) {
    const homeless = world
      .podsOf(key, component)
      .some(({ node, problem, leaving }) => node === undefined && problem && !leaving)
    facts[component] = { desired, ...(replacing && !homeless ? { surging: surges } : {}) }
  }
  return facts
}

function entriesOf(rollouts: Partial<Record<Component, Rollout>>) {
  return Object.entries(rollouts) as [Component, Rollout][]
}

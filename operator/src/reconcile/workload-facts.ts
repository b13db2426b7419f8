import type { Component } from '../api/index.ts'
import type { WorkloadFacts } from '../render/index.ts'
import type { PodEntry, Rollout } from './observed.ts'
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
    const homeless = world.podsOf(key, component).some(isHomeless)
    facts[component] = { desired, ...(replacing && !homeless ? { surging: surges } : {}) }
  }
  return facts
}

/**
 * A Deployment says after minutes that it makes no progress; its pods say at once, and why. On few nodes it is often
 * because old pods, which have the ports, wait for calls.
 */
export function withProblem(rollout: Rollout, pods: readonly PodEntry[]): Rollout {
  const { desired, ready, updated, replacing } = rollout
  if (ready >= desired && updated >= desired && !replacing) return rollout
  const [problem] = pods.flatMap((pod) => pod.problem ?? []).sort()
  if (problem === undefined) return rollout
  const draining = pods.filter(isDraining).length
  const without = pods.filter(isHomeless)
  const homeless = without.length
  const waits = draining > 0 && homeless > 0
  const since = Math.min(
    ...without.map(({ homelessSince = Number.POSITIVE_INFINITY }) => homelessSince),
  )
  return {
    ...rollout,
    homeless,
    ...(Number.isFinite(since) && !waits ? { homelessSince: since } : {}),
    // For a node one can wait, and longer than Kubernetes does before it speaks of no progress.
    failed:
      (rollout.failed && homeless === 0) ||
      pods.some((pod) => pod.problem !== undefined && !isHomeless(pod)),
    problem: waits
      ? `${problem}; pods that are being deleted, and may wait for calls: ${draining}`
      : problem,
  }
}

/** Of other components, a pod that is being deleted is gone in seconds, or on a node that is lost. */
function isDraining({ leaving, component }: PodEntry): boolean {
  return leaving && (component === 'turn' || component === 'sfu')
}

/** No node takes it. */
function isHomeless({ node, problem, leaving }: PodEntry): boolean {
  return node === undefined && problem !== undefined && !leaving
}

function entriesOf(rollouts: Partial<Record<Component, Rollout>>) {
  return Object.entries(rollouts) as [Component, Rollout][]
}

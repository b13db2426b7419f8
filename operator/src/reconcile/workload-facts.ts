import { COMPONENTS, type Component, type MeetingCluster } from '../api/index.ts'
import { objectName, type WorkloadFacts } from '../render/index.ts'
import type { K8sObject } from '../runtime/resources.ts'
import type { PodEntry, Rollout } from './observed.ts'
import type { World } from './world.ts'

/** Kinds that make pods. These start with what the other children give them, so those come first. */
export const LAST_KINDS: ReadonlySet<string> = new Set(['Deployment', 'StatefulSet'])

/** What is known of the workloads of a MeetingCluster that are there. */
export function rolloutsOf(
  world: Pick<World, 'children' | 'podsOf'>,
  cluster: MeetingCluster & K8sObject,
): Partial<Record<Component, Rollout>> {
  const { namespace, name, uid = '' } = cluster.metadata
  const owner = `${namespace}/${name}`
  const names = COMPONENTS.map((component) => objectName(cluster, component))
  const rollouts: Partial<Record<Component, Rollout>> = {}
  for (const kind of LAST_KINDS) {
    for (const entry of world.children.get(kind)?.store.group(uid) ?? []) {
      const component = COMPONENTS[names.indexOf(entry.name)]
      if (!component || !entry.rollout) continue
      const pods = world.podsOf(owner, component)
      const rollout = withProblem(entry.rollout, pods)
      rollouts[component] =
        kind === 'StatefulSet' ? withoutPods(rollout, pods, entry.name) : rollout
    }
  }
  return rollouts
}

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
  // Always in this order: what is known of one MeetingCluster is compared as text (resting.ts).
  for (const component of COMPONENTS) {
    const rollout = rollouts[component]
    if (!rollout) continue
    const { desired, replacing, surges } = rollout
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

/** Why it makes no pod, a StatefulSet says in events alone. */
export function withoutPods(rollout: Rollout, pods: readonly PodEntry[], name: string): Rollout {
  const { current, desired, updated } = rollout
  // Of pods that it has made it may tell before they do.
  if (pods.length > 0 || updated > 0 || !current || desired === 0) return rollout
  return {
    ...rollout,
    problem: `it has no pod: kubectl describe statefulset ${name} says why, a quota for example`,
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

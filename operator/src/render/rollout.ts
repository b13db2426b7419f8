import { durationSeconds, type MeetingCluster, scalingOf } from '../api/index.ts'
import type { RenderInputs } from './inputs.ts'
import { fits } from './placement.ts'

/**
 * How pods on the host network are replaced. No node takes two of them, so where there is a node to spare a new
 * pod comes first and the old ones stay until it is ready: a version that does not start harms nobody. Where
 * there is none, an old pod has to go first. It goes by what is known of the nodes and by the number of pods, and
 * by nothing that a rollout itself changes.
 */
export function hostNetworkStrategy(
  mc: MeetingCluster,
  component: 'turn' | 'sfu',
  { nodes, workloads }: Pick<RenderInputs, 'nodes' | 'workloads'>,
) {
  const scaling = scalingOf(mc.spec, component)
  const known = workloads?.[component]
  const pods = scaling.replicas ?? known?.desired ?? scaling.minReplicas
  const spare = known?.surging ?? eligibleNodes(mc, component, nodes) > pods
  return {
    type: 'RollingUpdate' as const,
    rollingUpdate: spare ? { maxSurge: 1, maxUnavailable: 0 } : { maxSurge: 0, maxUnavailable: 1 },
  }
}

/** Between the end of the drain and the kill. */
export const GRACE_SECONDS = 30

/** What follows from the time that a pod may wait for its calls. @param timeout a duration, as in the spec */
export function drainTimes(timeout: string) {
  const seconds = Math.ceil(durationSeconds(timeout))
  const terminationGracePeriodSeconds = seconds + GRACE_SECONDS
  return {
    seconds,
    terminationGracePeriodSeconds,
    // A rollout on few nodes waits for calls: that is no lack of progress.
    progressDeadlineSeconds: terminationGracePeriodSeconds + 600,
  }
}

/**
 * Nodes that would take a pod of a component. Counted low: with an affinity to other pods, which only the scheduler
 * understands, none.
 */
function eligibleNodes(
  { spec }: MeetingCluster,
  component: 'turn' | 'sfu',
  nodes: RenderInputs['nodes'],
): number {
  return Object.entries(nodes).filter(
    ([name, node]) => (node.open ?? true) && fits(spec[component], name, node) === true,
  ).length
}

import { REASON } from '../api/index.ts'
import { ROLLOUT_ORDER, type Rollouts, type Waiting, whoWaitsFor } from './rollout-order.ts'
import type { Problem } from './status.ts'

/**
 * For how long a pod may be without a node before it is called stalled: a cluster that adds nodes by itself has one in
 * less. What the scheduler says is in the condition of the component from the first moment.
 */
const PATIENCE_MS = 5 * 60_000

/** Kubernetes replaces no pod of a StatefulSet that never ran, whatever its template becomes (kubernetes#67250). */
const STATEFUL = '; after a change of the spec, delete the pod: Kubernetes keeps it'

/**
 * Components with a pod that no node takes. Those whose turn it is after them keep the pods that they have: nothing is
 * known of the new version yet, and where room is short, a pod with calls that goes may not come back.
 *
 * @param now milliseconds since the epoch
 * @returns what people have to put right, and when to look again (Infinity: nothing is waited for)
 */
export function unschedulable(
  waiting: Waiting,
  rollouts: Rollouts,
  now: number,
): { problems: Problem[]; wakeInMs: number } {
  const problems: Problem[] = []
  let wakeInMs = Number.POSITIVE_INFINITY
  for (const component of ROLLOUT_ORDER) {
    const { homelessSince, problem } = rollouts[component] ?? {}
    if (homelessSince === undefined) continue
    const left = homelessSince + PATIENCE_MS - now
    if (left > 0) {
      wakeInMs = Math.min(wakeInMs, left)
      continue
    }
    const behind = whoWaitsFor(component, waiting)
    const message = `${component}: ${problem}${behind ? `, so ${behind} the pods of before` : ''}: add a node that it fits or make room on one, change spec.${component} (resources, nodeSelector, tolerations, affinity), or set back what was changed${component === 'redis' ? STATEFUL : ''}`
    problems.push({ reason: REASON.Unschedulable, message, stalled: true })
  }
  return { problems, wakeInMs }
}

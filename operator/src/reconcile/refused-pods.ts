import { COMPONENTS, type Component, REASON } from '../api/index.ts'
import type { Rollout } from './observed.ts'
import type { Problem } from './status.ts'

/**
 * Components whose pods the API server does not let be made. Kubernetes tries on by itself, and says so of a
 * Deployment; of a StatefulSet only events do.
 */
export function refusedPods(
  rollouts: Partial<Record<Component, Pick<Rollout, 'desired' | 'ready' | 'problem'>>>,
): Problem[] {
  return COMPONENTS.flatMap((component): Problem[] => {
    const { desired = 0, ready = 0, problem = '' } = rollouts[component] ?? {}
    const [, why] = REFUSED.exec(problem) ?? []
    // A ServiceAccount of ours that has just been made is not known everywhere at once.
    if (ready >= desired || why === undefined || /service account/.test(why)) return []
    const { reason, fix } = judge(why, component)
    const message = `${component}: its pods are refused: ${why}${fix}`
    return [{ reason, message, stalled: true }]
  })
}

/** Each pod that is tried has a name of its own, which says nothing. */
const REFUSED = /^pods "[^"]*" is forbidden: (.*)$/s

function judge(why: string, component: Component): { reason: string; fix: string } {
  if (why.includes('exceeded quota')) {
    const fix = `: raise the quota, or ask for less in spec.${component}`
    return { reason: REASON.QuotaExceeded, fix }
  }
  const fix = why.includes('violates PodSecurity')
    ? ': TURN and the SFU are on the network of their nodes; label the namespace pod-security.kubernetes.io/enforce=privileged'
    : ''
  return { reason: REASON.ApplyFailed, fix }
}

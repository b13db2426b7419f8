import type { Condition } from '../api/index.ts'

/** What is to be said now; when it became so is worked out from what was said before. */
export type Finding = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

/**
 * The conditions for status: `findings` in their order, each with the time of the last change of its `status`
 * (reason and message may change without a transition, as the Kubernetes API conventions have it). Conditions
 * of other types are dropped: every type we know is found each time.
 * @param now milliseconds since the epoch
 */
export function mergeConditions(
  previous: readonly Condition[],
  findings: readonly Finding[],
  observedGeneration: number,
  now: number,
): Condition[] {
  return findings.map((finding) => {
    const before = previous.find((condition) => condition.type === finding.type)
    const lastTransitionTime =
      before?.status === finding.status ? before.lastTransitionTime : isoSeconds(now)
    const message = plainText(finding.message, MESSAGE_MAX)
    return { ...finding, message, lastTransitionTime, observedGeneration }
  })
}

/**
 * The API server refuses a status with a longer message, and whole specs may stand in its own errors. Not less: each
 * missing right is worth a line, and there may be many.
 */
const MESSAGE_MAX = 32_768

/**
 * What others have made up, fit for a status: no longer than that, and with nothing that a terminal would take for a
 * command.
 */
export function plainText(text: string, maxLength: number): string {
  const plain = text.replace(/\p{Cc}+/gu, ' ')
  return plain.length <= maxLength ? plain : `${plain.slice(0, maxLength - 1).toWellFormed()}…`
}

/** Findings whose status differs from what was said before (or that are new). */
export function transitions(
  previous: readonly Condition[],
  next: readonly Condition[],
): Condition[] {
  return next.filter(
    (condition) =>
      previous.find((before) => before.type === condition.type)?.status !== condition.status,
  )
}

/** metav1.Time: whole seconds. */
function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

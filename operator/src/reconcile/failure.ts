import { CONDITION, type MeetingCluster, type MeetingClusterStatus, REASON } from '../api/index.ts'
import { ApiError } from '../runtime/errors.ts'
import { type Finding, mergeConditions } from './conditions.ts'

/** An error that no part of the work has a word for: a mistake of ours. What the API server answers is none. */
export function isUnforeseen(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof ApiError)
}

/**
 * The status of a MeetingCluster on which the operator failed: as it was, and that nothing goes on.
 * `observedGeneration` stays, since the present spec has not been acted on. @param now milliseconds since the epoch
 */
export function failedStatus(
  cluster: MeetingCluster,
  error: Error,
  now: number,
): MeetingClusterStatus {
  const previous = cluster.status ?? {}
  const message = `the operator failed on it, and tries again: ${error.name}: ${error.message}; please report this with the operator's log`
  const found = (type: string, status: 'True' | 'False'): Finding => ({
    type,
    status,
    reason: REASON.InternalError,
    message,
  })
  const findings = [
    found(CONDITION.Ready, 'False'),
    { ...found(CONDITION.Reconciling, 'False'), message: '' },
    found(CONDITION.Stalled, 'True'),
  ]
  const types = new Set(findings.map(({ type }) => type))
  return {
    ...previous,
    conditions: [
      ...mergeConditions(
        previous.conditions ?? [],
        findings,
        cluster.metadata.generation ?? 0,
        now,
      ),
      ...(previous.conditions ?? []).filter(({ type }) => !types.has(type)),
    ],
  }
}

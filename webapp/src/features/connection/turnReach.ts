import { type StatsRow, statsRows } from './linkStats.ts'

/** Gathering has told by then what there is to tell. */
const patienceMs = 5000

/**
 * Whether relays can be reached from here (REQ-W1).
 *
 * @param report of getStats()
 * @param turnErrors `icecandidateerror` of TURN servers so far
 * @param ageMs since the connection was made
 * @returns undefined where it is not known yet
 */
export function turnReachable(
  report: Iterable<[string, unknown]>,
  turnErrors: number,
  ageMs: number,
): boolean | undefined {
  const isRelay = (row: StatsRow) => row.type === 'local-candidate' && row.candidateType === 'relay'
  if (statsRows(report).some(isRelay)) return true
  // One address of several may fail, and the next one answer.
  return turnErrors > 0 && ageMs >= patienceMs ? false : undefined
}

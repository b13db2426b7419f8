import { hourMs, hourOf, type MediaPod, type Window } from '@parley/relay-cost'
import { exactInteger, type Row } from '../store/rows.ts'
import type { Dialect, Program } from '../store/sql.ts'

/** For so long back, hours are summed up again when it becomes known where a pod is. */
const longestMs = 24 * hourMs
/** Realms of allocations that are said to be open for longer than their pod was there. */
const afterMs = 24 * hourMs

/** Where one meter's pods of TURN and the SFU were, as programs for either database. */
export function podTables(dialect: Dialect, meter: string) {
  /**
   * Notes the pods that are there now. What is said of one is true from its beginning, whatever the meter
   * has seen of it; what a clock that was wrong said of the future is taken back.
   * @param pods `to` is now
   * @returns hours of which the place was not known: to be rolled up (again)
   */
  function* put(pods: readonly MediaPod[], now: number): Program<Set<number>> {
    const touched = new Set<number>()
    yield {
      sql: 'UPDATE media_pods SET to_at = ? WHERE meter = ? AND to_at > ?',
      values: [now, meter, now],
    }
    for (const pod of pods) {
      const { rows } = yield {
        sql: 'SELECT zone FROM media_pods WHERE meter = ? AND pod = ? AND from_at = ?',
        values: [meter, pod.pod, pod.from],
      }
      const to = Math.max(pod.from, now)
      const said = [pod.component, pod.node, pod.zone, pod.instanceType, pod.mbps, to]
      yield {
        sql: `INSERT INTO media_pods (meter, pod, from_at, component, node, zone, instance_type, mbps, to_at)
              VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
              ${dialect.onConflict(['meter', 'pod', 'from_at'])}
              component = ?, node = ?, zone = ?, instance_type = ?, mbps = ?, to_at = ?`,
        values: [meter, pod.pod, pod.from, ...said, ...said],
      }
      if (String(rows[0]?.zone ?? '') === pod.zone) continue
      for (let hour = hourOf(Math.max(pod.from, now - longestMs)); hour <= now; hour += hourMs)
        touched.add(hour)
    }
    return touched
  }

  /** Those that were there in the window, and those of which allocations may not have expired yet. */
  function* between({ from, to }: Window): Program<MediaPod[]> {
    const { rows } = yield {
      sql: 'SELECT * FROM media_pods WHERE meter = ? AND to_at > ? AND from_at < ? ORDER BY from_at, pod',
      values: [meter, from - afterMs, to],
    }
    return rows.map(readPod)
  }

  /** Since when pods of TURN are known; undefined: none are. */
  function* since(): Program<number | undefined> {
    const { rows } = yield {
      sql: `SELECT min(from_at) AS since FROM media_pods WHERE meter = ? AND component = 'turn'`,
      values: [meter],
    }
    return rows[0]?.since == null ? undefined : exactInteger(rows[0].since, 'from_at')
  }

  return { put, between, since }
}

function readPod(row: Row): MediaPod {
  return {
    pod: String(row.pod),
    component: row.component === 'sfu' ? 'sfu' : 'turn',
    node: String(row.node),
    zone: String(row.zone),
    instanceType: String(row.instance_type),
    mbps: exactInteger(row.mbps, 'mbps'),
    from: exactInteger(row.from_at, 'from_at'),
    to: exactInteger(row.to_at, 'to_at'),
  }
}

import type { Window } from '@parley/relay-cost'
import { exactInteger } from '../store/rows.ts'
import type { Dialect, Program } from '../store/sql.ts'

/** When one meter heard coturn, as programs for either database. */
export function heardTable(dialect: Dialect, meter: string) {
  /** Notes that it has heard it from then until now. */
  function* note({ from, to }: Window): Program<void> {
    const until = Math.max(from, to)
    yield {
      sql: `INSERT INTO heard (meter, from_at, to_at) VALUES (?, ?, ?)
            ${dialect.onConflict(['meter', 'from_at'])} to_at = ?`,
      values: [meter, from, until, until],
    }
  }

  /** The times that touch the window, in order, and the first time of all. */
  function* during({ from, to }: Window): Program<Window[]> {
    const { rows } = yield {
      sql: `SELECT from_at, to_at FROM heard
            WHERE meter = ? AND (from_at < ? AND to_at >= ?
              OR from_at = (SELECT min(from_at) FROM heard WHERE meter = ?))
            ORDER BY from_at`,
      values: [meter, to, from, meter],
    }
    return rows.map((row) => ({
      from: exactInteger(row.from_at, 'from_at'),
      to: exactInteger(row.to_at, 'to_at'),
    }))
  }

  function* forget(before: number): Program<void> {
    yield { sql: 'DELETE FROM heard WHERE meter = ? AND to_at < ?', values: [meter, before] }
  }

  return { note, during, forget }
}

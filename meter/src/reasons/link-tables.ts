import { type LinkRecord, linkRecordSchema } from '@parley/protocol'
import { hourMs, hourOf, mergeLinkRecords, type Window } from '@parley/relay-cost'
import { exactInteger, type Row } from '../store/rows.ts'
import type { Dialect, Program } from '../store/sql.ts'

/** Nobody reports of a link that began longer before. */
const longestMs = 7 * 24 * hourMs

const keys = ['tenant', 'room', 'participant', 'link'] as const
const keyColumns = keys.join(', ')

/** The reports of links of one meter's participants, as programs for either database. */
export function linkTables(dialect: Dialect, meter: string) {
  function* find(record: LinkRecord): Program<LinkRecord | undefined> {
    const { rows } = yield {
      sql: `SELECT * FROM link_reports
            WHERE meter = ? AND tenant = ? AND room = ? AND participant = ? AND link = ?`,
      values: [meter, ...keyOf(record)],
    }
    return rows[0] && readLink(rows[0])
  }

  /**
   * Joins reports into what is stored (see mergeLinkRecords).
   * @returns hours of which it may say something new: they are to be rolled up (again)
   */
  function* merge(records: readonly LinkRecord[]): Program<Set<number>> {
    const touched = new Set<number>()
    for (const given of records) {
      const known = yield* find(given)
      const { startedAt, at, report } = known ? mergeLinkRecords(known, given) : given
      if (known && sameLink(known, { startedAt, at, report })) continue
      const values = [startedAt, at, JSON.stringify(report)]
      yield {
        sql: `INSERT INTO link_reports (meter, ${keyColumns}, started_at, at, report)
              VALUES (?, ?, ?, ?, ?, ?, ?, ?)
              ${dialect.onConflict(['meter', ...keys])} started_at = ?, at = ?, report = ?`,
        values: [meter, ...keyOf(given), ...values, ...values],
      }
      const from = Math.max(startedAt, at - longestMs)
      for (let hour = hourOf(from); hour <= at; hour += hourMs) touched.add(hour)
    }
    return touched
  }

  /** Links that may have been there in the window. */
  function* between({ from, to }: Window): Program<LinkRecord[]> {
    const { rows } = yield {
      sql: 'SELECT * FROM link_reports WHERE meter = ? AND at >= ? AND started_at < ?',
      values: [meter, from - longestMs, to],
    }
    return rows.map(readLink)
  }

  /** Deletes links of which nothing was heard since `before`. */
  function* forget(before: number): Program<void> {
    yield { sql: 'DELETE FROM link_reports WHERE meter = ? AND at < ?', values: [meter, before] }
  }

  return { merge, between, forget }
}

function keyOf({ tenant, room, participant, report }: LinkRecord) {
  return [tenant, room, participant, report.link]
}

function sameLink(a: LinkRecord, b: Pick<LinkRecord, 'startedAt' | 'at' | 'report'>): boolean {
  return (
    a.startedAt === b.startedAt &&
    a.at === b.at &&
    JSON.stringify(a.report) === JSON.stringify(b.report)
  )
}

function readLink(row: Row): LinkRecord {
  return linkRecordSchema.parse({
    tenant: row.tenant,
    room: row.room,
    participant: row.participant,
    startedAt: exactInteger(row.started_at, 'started_at'),
    at: exactInteger(row.at, 'at'),
    report: JSON.parse(String(row.report)),
  })
}

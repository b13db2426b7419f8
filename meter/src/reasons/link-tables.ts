import type { LinkFacts, LinkRecord } from '@parley/protocol'
import { hourMs, hourOf, mergeLinkRecords, type Window } from '@parley/relay-cost'
import { exactInteger, type Row } from '../store/rows.ts'
import type { Dialect, Program } from '../store/sql.ts'
import type { RoomOf } from '../store/store.ts'

/** A link of which nothing was heard for longer is taken to be over. */
const longestMs = 7 * 24 * hourMs
/** Reports come within seconds of what they are about; what was said of hours before that, stays. */
const lagMs = 5 * 60_000
/** Rooms in one question. */
const roomsAtOnce = 100

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
   * @returns hours of which they say something new, around the time of each: to be rolled up (again)
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
      if (known && saysTheSame(known.report, report)) continue
      for (let hour = hourOf(Math.max(startedAt, at - lagMs)); hour <= at; hour += hourMs)
        touched.add(hour)
    }
    return touched
  }

  /** Of the rooms, the links that may have been there in the window. */
  function* between({ from, to }: Window, rooms: readonly RoomOf[]): Program<LinkRecord[]> {
    const found: LinkRecord[] = []
    for (let start = 0; start < rooms.length; start += roomsAtOnce) {
      const some = rooms.slice(start, start + roomsAtOnce)
      const each = some.map(() => '(meter = ? AND tenant = ? AND room = ?)').join(' OR ')
      const { rows } = yield {
        sql: `SELECT * FROM link_reports WHERE (${each}) AND at >= ? AND started_at < ?`,
        values: [
          ...some.flatMap(({ tenant, room }) => [meter, tenant, room]),
          from - longestMs,
          to,
        ],
      }
      for (const row of rows) found.push(readLink(row))
    }
    return found
  }

  /**
   * Deletes links that no hour from `before` on is worked out with, so many at most.
   * @returns whether there may be more
   */
  function* forget(before: number, limit: number): Program<boolean> {
    const { changes } = yield {
      sql: dialect.deleteSome('link_reports', ['meter', ...keys], 'meter = ? AND at < ?', limit),
      values: [meter, before - longestMs],
    }
    return changes >= limit
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

/** As far as it decides a reason, or whom somebody talked to in the hour of the later one. */
function saysTheSame(a: LinkFacts, b: LinkFacts): boolean {
  const said = ({ peer, policy, answered, mappingVaries, selected }: LinkFacts) =>
    JSON.stringify([peer, policy, answered, mappingVaries, selected])
  return said(a) === said(b)
}

/** Written here, and checked before: see feed.ts. */
function readLink(row: Row): LinkRecord {
  return {
    tenant: String(row.tenant),
    room: String(row.room),
    participant: String(row.participant),
    startedAt: exactInteger(row.started_at, 'started_at'),
    at: exactInteger(row.at, 'at'),
    report: JSON.parse(String(row.report)) as LinkFacts,
  }
}

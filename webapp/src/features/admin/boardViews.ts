import {
  estimatedCostPerHour,
  type LiveUser,
  type MeetingAlert,
  type MeetingSummary,
  type QualityLabel,
  qualityLabels,
  summarizeMeeting,
} from '@parley/protocol'

export type Meeting = { id: string; users: LiveUser[]; summary: MeetingSummary }
export type Direction = 'ascending' | 'descending'
export type MeetingColumn = 'id' | 'users' | 'kbps' | 'score' | 'relayed' | 'alerts'
export type UserColumn = 'id' | 'up' | 'down' | 'rtt' | 'loss' | 'quality' | 'mos' | 'relayed'
export type Only = 'all' | 'relayed' | 'issues'

export function meetingsOf(users: Iterable<LiveUser>, alerts: Iterable<MeetingAlert>): Meeting[] {
  const byMeeting = grouped(users)
  const alertsBy = grouped(alerts)
  return [...byMeeting].map(([id, present]) => ({
    id,
    users: present,
    summary: summarizeMeeting(present, alertsBy.get(id) ?? []),
  }))
}

/** By their meeting, in their order. Not `Map.groupBy`, which browsers of 2023 do not have. */
function grouped<One extends { meetingId: string }>(all: Iterable<One>): Map<string, One[]> {
  const groups = new Map<string, One[]>()
  for (const one of all) {
    const group = groups.get(one.meetingId)
    if (group) group.push(one)
    else groups.set(one.meetingId, [one])
  }
  return groups
}

/** Meetings whose name, or one of whose participants, has the text in it. */
export function filterMeetings(meetings: readonly Meeting[], text: string, only: Only): Meeting[] {
  const wanted = text.trim().toLowerCase()
  return meetings.filter(
    ({ id, users, summary }) =>
      (only === 'all' || (only === 'relayed' ? summary.onRelay > 0 : summary.withIssues > 0)) &&
      (id.toLowerCase().includes(wanted) ||
        users.some(({ userId }) => userId.toLowerCase().includes(wanted))),
  )
}

const meetingValues: Record<MeetingColumn, (meeting: Meeting) => number | string | null> = {
  id: ({ id }) => id,
  users: ({ summary }) => summary.participants,
  kbps: ({ summary }) => summary.totalKbps,
  score: ({ summary }) => summary.averageScore,
  relayed: ({ summary }) => summary.onRelay,
  alerts: ({ summary }) => summary.openAlerts,
}
const userValues: Record<UserColumn, (user: LiveUser) => number | string | null> = {
  id: ({ userId }) => userId,
  up: ({ metrics }) => metrics.up,
  down: ({ metrics }) => metrics.down,
  rtt: ({ metrics }) => metrics.rtt,
  loss: ({ metrics }) => metrics.loss,
  quality: ({ score }) => score,
  mos: ({ mos }) => mos,
  relayed: ({ metrics }) => metrics.relayed,
}

export function sortMeetings(
  meetings: readonly Meeting[],
  column: MeetingColumn,
  direction: Direction,
): Meeting[] {
  return sorted(meetings, meetingValues[column], ({ id }) => id, direction)
}

export function sortUsers(
  users: readonly LiveUser[],
  column: UserColumn,
  direction: Direction,
): LiveUser[] {
  return sorted(users, userValues[column], ({ userId }) => userId, direction)
}

/**
 * Rows of the same value are by name, so that none moves where nothing of it changed; what is not known comes last,
 * whatever the direction.
 */
function sorted<T>(
  rows: readonly T[],
  value: (row: T) => number | string | null,
  nameOf: (row: T) => string,
  direction: Direction,
): T[] {
  const sign = direction === 'ascending' ? 1 : -1
  return rows.toSorted((one, other) => {
    const [a, b] = [value(one), value(other)]
    const byName = compare(nameOf(one), nameOf(other))
    if (a === b) return byName
    if (a === null) return 1
    if (b === null) return -1
    return sign * compare(a, b) || byName
  })
}

function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** All meetings together, as the page's head has it. */
export type Totals = {
  meetings: number
  users: number
  relayed: number
  /** 0–1; null: nobody is there. */
  relayShare: number | null
  /** US dollars, by the flat rate (REQ-A3). */
  estimatedPerHour: number
  kbps: number
  openAlerts: number
  quality: Record<QualityLabel, number>
}

export function totalsOf(
  users: ReadonlyMap<string, LiveUser>,
  alerts: ReadonlyMap<string, MeetingAlert>,
): Totals {
  const all = [...users.values()]
  const relayed = all.filter(({ metrics }) => metrics.relayed > 0).length
  return {
    meetings: new Set(all.map(({ meetingId }) => meetingId)).size,
    users: all.length,
    relayed,
    relayShare: all.length > 0 ? relayed / all.length : null,
    estimatedPerHour: estimatedCostPerHour(relayed),
    kbps: all.reduce((sum, { metrics }) => sum + metrics.up + metrics.down, 0),
    openAlerts: [...alerts.values()].filter(({ state }) => state === 'open').length,
    quality: Object.fromEntries(
      qualityLabels.map((label) => [label, all.filter(({ quality }) => quality === label).length]),
    ) as Record<QualityLabel, number>,
  }
}

/** Those that are open first, the worst before the others, then the newest. */
export function alertRows(alerts: Iterable<MeetingAlert>): MeetingAlert[] {
  const rank = { critical: 0, warning: 1, info: 2 } as const
  const state = { open: 0, resolved: 1 } as const
  return [...alerts].sort(
    (a, b) =>
      state[a.state] - state[b.state] ||
      (a.state === 'open' ? rank[a.severity] - rank[b.severity] : 0) ||
      b.at - a.at ||
      compare(a.id, b.id),
  )
}

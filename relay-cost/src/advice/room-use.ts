import type { LinkRecord } from '@parley/protocol'
import type { Window } from '../request.ts'

/** How much a mesh was used, relayed or not, as pages reported their links. */
export type RoomUse = {
  tenant: string
  room: string
  /**
   * Seconds that one participant got another's media, over all pairs and both directions: what an SFU
   * would have sent.
   */
  streamSeconds: number
}

/**
 * The rooms that were meshes in a window, from what pages said of their links. A link is counted once
 * for each direction, also where one end alone reported it. Left out are rooms of which nobody says how
 * much: those that used the SFU as well, and those with a link whose end no page told. Pages report
 * changes, so the last report of a link says nothing of how long it went on.
 */
export function meshUse(records: Iterable<LinkRecord>, window: Window): RoomUse[] {
  const rooms = new Map<
    string,
    { tenant: string; room: string; pairs: Map<string, LinkRecord[]> }
  >()
  const onSfu = new Set<string>()
  for (const record of records) {
    const { tenant, room, participant, startedAt, at, report } = record
    const mayBeIn = startedAt < window.to && (at > window.from || !report.ended)
    if (!report.selected || !mayBeIn) continue
    const key = `${tenant}/${room}`
    if (report.peer === null) {
      onSfu.add(key)
      continue
    }
    const known = rooms.get(key) ?? { tenant, room, pairs: new Map<string, LinkRecord[]>() }
    rooms.set(key, known)
    const pair = [participant, report.peer].sort().join('\n')
    const links = known.pairs.get(pair) ?? []
    links.push(record)
    known.pairs.set(pair, links)
  }
  return [...rooms].flatMap(([key, { tenant, room, pairs }]) => {
    const times = [...pairs.values()].map((links) => timeOf(links, window))
    if (onSfu.has(key) || !times.every((time) => time !== undefined)) return []
    const milliseconds = times.reduce((sum, time) => sum + time, 0)
    return milliseconds > 0 ? [{ tenant, room, streamSeconds: (2 * milliseconds) / 1000 }] : []
  })
}

/** How long two participants had a link in a window; undefined where neither told the end of one. */
function timeOf(links: readonly LinkRecord[], window: Window): number | undefined {
  const isKnown = (link: LinkRecord) =>
    link.at >= window.to ||
    links.some(({ startedAt, at, report }) => report.ended && startedAt <= link.at && at >= link.at)
  if (!links.every(isKnown)) return undefined
  return covered(
    links.map(({ startedAt, at }) => ({
      from: Math.max(startedAt, window.from),
      to: Math.min(at, window.to),
    })),
  )
}

/** Time that is in any of the spans, once. */
function covered(spans: readonly Window[]): number {
  let total = 0
  let until = Number.NEGATIVE_INFINITY
  for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
    total += Math.max(0, to - Math.max(from, until))
    until = Math.max(until, to)
  }
  return total
}

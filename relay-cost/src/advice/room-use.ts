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
 * for each direction, also where one end alone reported it; a room that used the SFU as well is left
 * out, for nobody says how its time divides.
 */
export function meshUse(records: Iterable<LinkRecord>, window: Window): RoomUse[] {
  const rooms = new Map<string, { tenant: string; room: string; pairs: Map<string, Window[]> }>()
  const onSfu = new Set<string>()
  for (const { tenant, room, participant, startedAt, at, report } of records) {
    const key = `${tenant}/${room}`
    const span = { from: Math.max(startedAt, window.from), to: Math.min(at, window.to) }
    if (!report.selected || span.from >= span.to) continue
    if (report.peer === null) {
      onSfu.add(key)
      continue
    }
    const known = rooms.get(key) ?? { tenant, room, pairs: new Map<string, Window[]>() }
    rooms.set(key, known)
    const pair = [participant, report.peer].sort().join('\n')
    known.pairs.set(pair, [...(known.pairs.get(pair) ?? []), span])
  }
  return [...rooms]
    .filter(([key]) => !onSfu.has(key))
    .map(([, { tenant, room, pairs }]) => {
      const milliseconds = [...pairs.values()].reduce((sum, spans) => sum + covered(spans), 0)
      return { tenant, room, streamSeconds: (2 * milliseconds) / 1000 }
    })
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

import {
  type LinkRecord,
  parseTurnUsername,
  type RelayIdentity,
  type RelayReason,
  relayReasonOf,
} from '@parley/protocol'
import { type AllocationRecord, endOf } from './allocation.ts'
import type { PeerLink, RoomFacts } from './destinations.ts'
import type { Window } from './request.ts'

/** A page's word of how long ago its link began, and coturn's of its allocation, meet within this. */
const slackMs = 5000

/**
 * Joins two reports of one link: the later one holds, and the earlier beginning. Commutative,
 * associative and idempotent, so that reports may come twice and in any order.
 */
export function mergeLinkRecords(a: LinkRecord, b: LinkRecord): LinkRecord {
  const later = a.at - b.at || (JSON.stringify(a.report) < JSON.stringify(b.report) ? -1 : 1)
  return { ...(later > 0 ? a : b), startedAt: Math.min(a.startedAt, b.startedAt) }
}

/**
 * What pages reported of their links, by whose they are: why a participant was relayed, and whom it
 * talked to. Only the reason and the destinations of bytes are taken from here, never their number.
 */
export class LinkBook {
  /** By room, participant and number of the link. */
  readonly #rooms = new Map<string, Map<string, Map<number, LinkRecord>>>()

  constructor(records: Iterable<LinkRecord> = []) {
    for (const record of records) this.add(record)
  }

  add(record: LinkRecord): void {
    const room = setDefault(this.#rooms, roomKey(record), () => new Map())
    const links = setDefault(room, record.participant, () => new Map())
    const { link } = record.report
    const known = links.get(link)
    links.set(link, known ? mergeLinkRecords(known, record) : record)
  }

  /**
   * Why the holder of an allocation was relayed: the reason of the latest link that overlaps it and
   * has its own end on a relay. `unknown` where there is none, or the username is of another form.
   * @param now epoch ms, the end of an allocation that is open
   */
  reasonOf(record: AllocationRecord, now: number): RelayReason {
    const identity = parseTurnUsername(record.username)?.identity
    const room = identity && this.#rooms.get(roomKey(identity))
    const links = identity && room?.get(identity.participant)
    if (!links) return 'unknown'
    const window = { from: record.openedAt - slackMs, to: endOf(record, now) + slackMs }
    let latest: LinkRecord | undefined
    for (const link of links.values())
      if (link.report.selected?.local === 'relay' && overlaps(link, window))
        if (!latest || link.at > latest.at) latest = link
    if (!latest) return 'unknown'
    return relayReasonOf(latest.report, otherEndOf(latest, room)?.report)
  }

  /** Whom the participants of a room talked to in a window, as far as they said. */
  factsOf(room: Pick<RelayIdentity, 'tenant' | 'room'>, window: Window): RoomFacts {
    const links = new Map<string, PeerLink[]>()
    let [mesh, sfu] = [false, false]
    for (const [participant, own] of this.#rooms.get(roomKey(room)) ?? []) {
      const peers = new Map<string, LinkRecord>()
      for (const link of own.values()) {
        if (!link.report.selected || !overlaps(link, window)) continue
        const { peer } = link.report
        if (peer === null) sfu = true
        else {
          mesh = true
          const known = peers.get(peer)
          if (!known || link.at > known.at) peers.set(peer, link)
        }
      }
      if (peers.size > 0) links.set(participant, [...peers].map(toPeerLink))
    }
    // A room that moved within the window was both: nobody then says how its bytes divide.
    if (sfu) return mesh ? {} : { side: 'sfu' }
    return mesh ? { side: 'mesh', links } : {}
  }
}

function toPeerLink([peer, { report }]: [string, LinkRecord]): PeerLink {
  const { local, remote } = report.selected ?? {}
  return { peer, local: local === 'relay', remote: remote === 'relay' }
}

/** The latest that the other end of a link said of its own end. */
function otherEndOf(
  { participant, report }: LinkRecord,
  room: ReadonlyMap<string, ReadonlyMap<number, LinkRecord>> | undefined,
): LinkRecord | undefined {
  const theirs = report.peer === null ? undefined : room?.get(report.peer)
  return [...(theirs?.values() ?? [])]
    .filter((link) => link.report.peer === participant)
    .reduce<LinkRecord | undefined>((a, b) => (a && a.at > b.at ? a : b), undefined)
}

function overlaps({ startedAt, at, report }: LinkRecord, { from, to }: Window): boolean {
  return startedAt < to && (!report.ended || at >= from)
}

function roomKey({ tenant, room }: Pick<RelayIdentity, 'tenant' | 'room'>): string {
  return `${tenant}.${room}`
}

function setDefault<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

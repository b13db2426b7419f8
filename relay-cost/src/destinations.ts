import { apportion } from './apportion.ts'
import type { Traffic } from './traffic.ts'

/** Where a pod runs; '' where it is not known. */
export type Place = { region: string; zone: string }

/** What one allocation relayed in one hour, as far as its destinations go. */
export type Relayed = { participant: string; place: Place; traffic: Traffic }

/**
 * What is known, beyond coturn's counters, of whom the relayed participants of a room talk to in an
 * hour. Left out, nothing is known.
 */
export type RoomFacts = {
  /**
   * `sfu`: everyone talks to an SFU of ours, nobody to each other; `sfuPlaces` says where its pods run
   * (left out, or none: beside the TURN pod). Which of them has the room is not known: it is taken to be
   * the nearest. `mesh`: participants talk to each other.
   */
  side?: 'sfu' | 'mesh'
  sfuPlaces?: readonly Place[]
  /**
   * By participant: the links to all of their peers, as their client reported them. A participant
   * who is missing has not said. What is said can only narrow what the counters allow.
   */
  links?: ReadonlyMap<string, readonly PeerLink[]>
}
/** The selected candidate pair of a link: whether this end, and the peer's, is a `relay` of ours. */
export type PeerLink = { peer: string; local: boolean; remote: boolean }

/** Of an allocation's turn→peer: bytes that went to pods of ours, by where these run; the rest left. */
export type Destinations = {
  inside: number
  crossZone: number
  interRegion: number
  /** Of peer→turn: bytes that came from an SFU of ours elsewhere. */
  crossZoneIn: number
  interRegionIn: number
  /** Of the first three: what is the most that it can have been, and not known. */
  bound: number
}

/**
 * Where the traffic of one sitting (allocations of one room that overlap in time) went, by part, in
 * the order given. docs/relay-cost.md explains the rule.
 */
export function destinationsOf(parts: readonly Relayed[], facts: RoomFacts = {}): Destinations[] {
  if (facts.side === 'sfu') return parts.map((part) => toSfu(part, facts.sfuPlaces ?? []))
  const [first, ...others] = parts
  if (!first) return []
  const samePlace = others.every(({ place }) => distance(place, first.place) === 'inside')
  if (samePlace && !facts.links?.size) return atMost(parts)
  return alongLinks(parts, facts.links ?? new Map())
}

type Distance = 'inside' | 'crossZone' | 'interRegion'

/** Places of which something is not known are taken to be one. */
function distance(a: Place, b: Place): Distance {
  if (a.region && b.region && a.region !== b.region) return 'interRegion'
  return a.zone && b.zone && a.zone !== b.zone ? 'crossZone' : 'inside'
}

function nowhere(): Destinations {
  return { inside: 0, crossZone: 0, interRegion: 0, crossZoneIn: 0, interRegionIn: 0, bound: 0 }
}

function toSfu({ place, traffic }: Relayed, places: readonly Place[]): Destinations {
  const ways = places.map((sfu) => distance(place, sfu))
  const how = distances.find((each) => ways.includes(each)) ?? 'inside'
  const result = nowhere()
  result[how] = traffic.turnToPeerBytes
  if (how !== 'inside') result[`${how}In`] = traffic.peerToTurnBytes
  return result
}

/** Nothing is known of the links, and all is in one place: the most that can have stayed inside. */
function atMost(parts: readonly Relayed[]): Destinations[] {
  const toPeer = parts.map(({ traffic }) => traffic.turnToPeerBytes)
  return apportion(hairpinBytes(parts), toPeer).map((bytes) => ({
    ...nowhere(),
    inside: bytes,
    bound: bytes,
  }))
}

/**
 * The most that can have gone from one relayed participant to another: what leaves one allocation
 * towards a peer arrives at another as from a peer, and nobody relays to themselves. coturn does not
 * say who the peers are, so this is an upper bound of what stayed inside: no byte is charged twice,
 * and where relayed participants also had direct peers some bytes may not be charged at all.
 *
 * It is the maximum flow from senders to receivers with i → i left out; by min-cut
 * min(Σout, Σin, minᵢ (Σout + Σin − outᵢ − inᵢ)).
 */
export function hairpinBytes(parts: readonly Pick<Relayed, 'participant' | 'traffic'>[]): number {
  const byParticipant = new Map<string, { out: number; in: number }>()
  let out = 0
  let arrived = 0
  for (const { participant, traffic } of parts) {
    const own = byParticipant.get(participant) ?? { out: 0, in: 0 }
    own.out += traffic.turnToPeerBytes
    own.in += traffic.peerToTurnBytes
    byParticipant.set(participant, own)
    out += traffic.turnToPeerBytes
    arrived += traffic.peerToTurnBytes
  }
  let most = Math.min(out, arrived)
  for (const own of byParticipant.values()) most = Math.min(most, out + arrived - own.out - own.in)
  return most
}

/**
 * With links, or with pods in several places: the maximum flow along the links that can be, nearest
 * places first. Of a participant all of whose peers say, too, that they are on a relay, everything is
 * inside, and known to be; of one whose peers are all direct, nothing.
 */
function alongLinks(
  parts: readonly Relayed[],
  links: ReadonlyMap<string, readonly PeerLink[]>,
): Destinations[] {
  const parties = partiesOf(parts)
  const flow = maximumFlow(parties, (from, to) => mayReach(from.participant, to.participant, links))
  const result = parts.map(nowhere)
  for (const [from, party] of parties.entries()) {
    const sums = { inside: 0, crossZone: 0, interRegion: 0 }
    for (const [to, other] of parties.entries())
      sums[distance(party.place, other.place)] += flow[from]?.[to] ?? 0
    const known = isAllRelayed(party.participant, links)
    // What has left here and is not yet in the counters of the others went the way of the most.
    if (known) sums[greatest(sums)] += party.out - sums.inside - sums.crossZone - sums.interRegion
    spread(sums, party, parts, (index, how, bytes) => {
      const part = result[index]
      if (!part) return
      part[how] += bytes
      if (!known) part.bound += bytes
    })
  }
  return result
}

type Links = NonNullable<RoomFacts['links']>
/** The allocations of one participant in one place. */
type Party = { participant: string; place: Place; parts: number[]; out: number; in: number }

function partiesOf(parts: readonly Relayed[]): Party[] {
  const parties = new Map<string, Party>()
  for (const [index, { participant, place, traffic }] of parts.entries()) {
    const key = `${participant}\n${place.region}\n${place.zone}`
    const party = parties.get(key) ?? { participant, place, parts: [], out: 0, in: 0 }
    parties.set(key, party)
    party.parts.push(index)
    party.out += traffic.turnToPeerBytes
    party.in += traffic.peerToTurnBytes
  }
  return [...parties.values()]
}

/** Whether what one participant's relay sends can arrive at the relay of another. */
function mayReach(from: string, to: string, links: Links): boolean {
  if (from === to) return false
  const both = (told: readonly PeerLink[], peer: string) =>
    told.some((link) => link.peer === peer && link.local && link.remote)
  const [own, others] = [links.get(from), links.get(to)]
  if (own) return both(own, to)
  return others ? both(others, from) : true
}

/** Both ends have to say so: nobody can make their own traffic free of charge. */
function isAllRelayed(participant: string, links: Links): boolean {
  const relayed = links.get(participant)?.filter(({ local }) => local) ?? []
  const agrees = (peer: string) =>
    links.get(peer)?.some((link) => link.peer === participant && link.local) ?? false
  return relayed.length > 0 && relayed.every(({ peer, remote }) => remote && agrees(peer))
}

const distances = ['inside', 'crossZone', 'interRegion'] as const

/** The flow from each party (row) to each (column); along pairs in one place first. */
function maximumFlow(
  parties: readonly Party[],
  may: (from: Party, to: Party) => boolean,
): number[][] {
  const flow = parties.map(() => parties.map(() => 0))
  const out = parties.map((party) => party.out)
  const arrived = parties.map((party) => party.in)
  let open: boolean[][] = parties.map(() => parties.map(() => false))
  for (const farthest of distances) {
    open = parties.map((from, i) =>
      parties.map(
        (to, j) => open[i]?.[j] || (distance(from.place, to.place) === farthest && may(from, to)),
      ),
    )
    while (augment(flow, out, arrived, open));
  }
  return flow
}

/**
 * Sends more along a shortest path from a party with something left to send to one that can still
 * get something (Edmonds and Karp); false where there is no such path.
 */
function augment(
  flow: number[][],
  out: number[],
  arrived: number[],
  open: readonly boolean[][],
): boolean {
  // Nodes: senders 0…n-1, receivers n…2n-1. A receiver leads back to those who send to it now.
  const n = out.length
  const cameFrom = new Map<number, number>()
  const queue: number[] = []
  for (const [i, left] of out.entries())
    if (left > 0) {
      cameFrom.set(i, -1)
      queue.push(i)
    }
  for (const node of queue) {
    for (let other = 0; other < n; other += 1) {
      const next = node < n ? other + n : other
      if (cameFrom.has(next)) continue
      if (node < n ? !open[node]?.[other] : !((flow[other]?.[node - n] ?? 0) > 0)) continue
      cameFrom.set(next, node)
      if (next >= n && (arrived[other] ?? 0) > 0) {
        send(next, cameFrom, flow, out, arrived)
        return true
      }
      queue.push(next)
    }
  }
  return false
}

function send(
  end: number,
  cameFrom: ReadonlyMap<number, number>,
  flow: number[][],
  out: number[],
  arrived: number[],
): void {
  const n = out.length
  const steps: { sender: number; receiver: number; forward: boolean }[] = []
  let node = end
  for (let before = cameFrom.get(node) ?? -1; before >= 0; before = cameFrom.get(node) ?? -1) {
    const forward = before < n
    steps.push(
      forward
        ? { sender: before, receiver: node - n, forward }
        : { sender: node, receiver: before - n, forward },
    )
    node = before
  }
  let most = Math.min(out[node] ?? 0, arrived[end - n] ?? 0)
  for (const { sender, receiver, forward } of steps)
    if (!forward) most = Math.min(most, flow[sender]?.[receiver] ?? 0)
  for (const { sender, receiver, forward } of steps) {
    const row = flow[sender]
    if (row) row[receiver] = (row[receiver] ?? 0) + (forward ? most : -most)
  }
  out[node] = (out[node] ?? 0) - most
  arrived[end - n] = (arrived[end - n] ?? 0) - most
}

type Sums = Record<Distance, number>

function greatest(sums: Sums): Distance {
  return distances.reduce((most, each) => (sums[each] > sums[most] ? each : most), 'inside')
}

/** Divides what a party sent by its allocations' turn→peer, so that none gets more than it sent. */
function spread(
  sums: Sums,
  party: Party,
  parts: readonly Relayed[],
  add: (part: number, how: Distance, bytes: number) => void,
): void {
  const left = party.parts.map((index) => parts[index]?.traffic.turnToPeerBytes ?? 0)
  for (const how of distances)
    for (const [at, bytes] of apportion(sums[how], left).entries()) {
      left[at] = (left[at] ?? 0) - bytes
      add(party.parts[at] ?? 0, how, bytes)
    }
}

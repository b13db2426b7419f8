import { parseTurnUsername, type RelayIdentity, type RelayReason } from '@parley/protocol'
import {
  type AllocationRecord,
  endOf,
  hourMs,
  hourOf,
  joinAllocations,
  trafficByHour,
} from './allocation.ts'
import { apportion } from './apportion.ts'
import { type Destinations, destinationsOf, type RoomFacts } from './destinations.ts'
import type { Window } from './request.ts'
import { noTraffic, relayedBytes, type Traffic } from './traffic.ts'
import { noUsage, type UsageCell, type UsageKey, type UsageMeasures, usageFields } from './usage.ts'

export type CellsRequest = {
  /** Region of the cluster whose allocations these are; '' where it is not known. */
  region: string
  /** Zone of a TURN pod, by realm; '' (and left out) where it is not known. */
  zoneOf?: (realm: string) => string
  /** Why the holder of an allocation was relayed, where a client said. */
  reasonOf?: (record: AllocationRecord) => RelayReason
  /** What is known of whom a room's participants talked to in an hour. */
  factsOf?: (room: Pick<RelayIdentity, 'tenant' | 'room'>, hour: number) => RoomFacts | undefined
  /** Epoch ms up to which the allocations are known. */
  asOf: number
  /** Only cells of the UTC hours that it touches; left out: of all hours. */
  window?: Window
}

/**
 * What allocations come to, hour by hour: one cell for each key ({@link UsageKey}), in order of time.
 *
 * The cells of a room and an hour depend on nothing but the allocations of that room that were open
 * or had traffic in that hour, and on the facts of that room and hour. So a store may work them out
 * room-hour by room-hour, again when one of its allocations changed, and they add up over any window.
 * @param allocations in any order, repeats and views of several meters allowed: they are joined first
 */
export function cellsOf(
  allocations: Iterable<AllocationRecord>,
  request: CellsRequest,
): UsageCell[] {
  const cells = new Map<string, UsageCell>()
  const usages = joinAllocations(allocations).flatMap((record) => usagesOf(record, request))
  const byRoomHour = Map.groupBy(usages, ({ hour, identity }) =>
    identity ? `${hour}.${identity.tenant}.${identity.room}` : String(hour),
  )
  for (const inRoom of byRoomHour.values())
    for (const cell of roomCells(inRoom, request)) addCell(cells, cell)
  return [...cells.values()].sort((a, b) => a.hour - b.hour)
}

/** Adds a cell to those of its key. */
export function addCell(cells: Map<string, UsageCell>, cell: UsageCell): void {
  const id = cellId(cell)
  const known = cells.get(id)
  if (known) addUsage(known, cell)
  else cells.set(id, cell)
}

/** Adds the measures of one to those of another, in place. */
export function addUsage(to: UsageMeasures, from: UsageMeasures): void {
  for (const field of usageFields) to[field] += from[field]
}

/** One string per key, for maps. */
export function cellId(key: UsageKey): string {
  const { hour, tenant, room, participant, realm, region, zone, transport, reason } = key
  return `${hour}\n${tenant}\n${room}\n${participant}\n${realm}\n${region}\n${zone}\n${transport}\n${reason}`
}

/** What one allocation did in one UTC hour. */
type Usage = {
  record: AllocationRecord
  identity: RelayIdentity | undefined
  hour: number
  /** Epoch ms between which it was open in the hour. */
  from: number
  to: number
  began: boolean
  recoveredBytes: number
  traffic: Traffic
}

function usagesOf(record: AllocationRecord, { asOf, window }: CellsRequest): Usage[] {
  const traffic = new Map(trafficByHour(record).map((each) => [each.hour, each.traffic]))
  const opened = record.openedAt
  const ended = endOf(record, asOf)
  const within = window ?? { from: 0, to: Number.POSITIVE_INFINITY }
  const counted = { from: hourOf(within.from), to: within.to }
  // Not the last hour with traffic: of an hour in the middle, a store gives none of what came later.
  const lastReport = hourOf(Math.max(opened, record.lastSeenAt))
  const hours = new Set(traffic.keys())
  for (
    let hour = Math.max(hourOf(opened), counted.from);
    hour <= ended && hour < counted.to;
    hour += hourMs
  )
    hours.add(hour)
  const identity = parseTurnUsername(record.username)?.identity
  return [...hours]
    .filter((hour) => hour >= counted.from && hour < counted.to)
    .map((hour) => ({
      record,
      identity,
      hour,
      from: Math.max(opened, hour),
      to: Math.max(Math.max(opened, hour), Math.min(ended, hour + hourMs)),
      began: hour === hourOf(opened),
      recoveredBytes: hour === lastReport ? (record.recoveredBytes ?? 0) : 0,
      traffic: traffic.get(hour) ?? noTraffic(),
    }))
}

/** The cells of one room in one hour. */
function* roomCells(usages: readonly Usage[], request: CellsRequest): Generator<UsageCell> {
  const [first] = usages
  if (!first) return
  const { identity, hour } = first
  const facts = identity && request.factsOf?.(identity, hour)
  const userTime = userTimeOf(usages)
  for (const sitting of sittingsOf(usages)) {
    const parts = sitting.map(({ identity, record, traffic }) => ({
      participant: identity?.participant ?? record.username,
      place: { region: request.region, zone: request.zoneOf?.(record.realm) ?? '' },
      traffic,
    }))
    for (const [index, went] of destinationsOf(parts, facts).entries()) {
      const usage = sitting[index]
      const part = parts[index]
      if (usage && part)
        yield {
          ...keyOf(usage, part.place.zone, request),
          ...measuresOf(usage, went, userTime.get(usage) ?? 0),
        }
    }
  }
}

/** Usages of one room and hour whose allocations overlap in time, one after the other (transitively). */
function sittingsOf(usages: readonly Usage[]): Usage[][] {
  const sittings: Usage[][] = []
  let current: Usage[] | undefined
  let until = 0
  for (const usage of usages.toSorted((a, b) => a.from - b.from)) {
    if (!current || usage.from > until) {
      current = []
      sittings.push(current)
    }
    current.push(usage)
    until = Math.max(until, usage.to)
  }
  return sittings
}

/**
 * Time in which participants relayed anything to or from a peer: of several allocations of one
 * participant at a time the earliest has it.
 */
function userTimeOf(usages: readonly Usage[]): Map<Usage, number> {
  const coveredUntil = new Map<string, number>()
  const times = new Map<Usage, number>()
  for (const usage of usages.toSorted((a, b) => a.from - b.from)) {
    const { turnToPeerBytes, peerToTurnBytes } = usage.traffic
    if (turnToPeerBytes + peerToTurnBytes === 0) continue
    const holder = usage.identity?.participant ?? usage.record.username
    const covered = coveredUntil.get(holder) ?? 0
    times.set(usage, Math.max(0, usage.to - Math.max(usage.from, covered)))
    coveredUntil.set(holder, Math.max(covered, usage.to))
  }
  return times
}

function keyOf(usage: Usage, zone: string, { region, reasonOf }: CellsRequest): UsageKey {
  const { identity, hour, record } = usage
  return {
    hour,
    tenant: identity?.tenant ?? '',
    room: identity?.room ?? '',
    participant: identity?.participant ?? '',
    realm: record.realm,
    region,
    zone,
    transport: record.transport,
    reason: reasonOf?.(record) ?? 'unknown',
  }
}

function measuresOf(usage: Usage, went: Destinations, userMilliseconds: number): UsageMeasures {
  const { traffic } = usage
  const { inside, crossZone, interRegion, crossZoneIn, interRegionIn, bound } = went
  const left = traffic.turnToPeerBytes - inside - crossZone - interRegion
  // Counters know packets of a leg, not of a destination: they are taken to be of one size.
  const [, insidePackets, crossZonePackets, interRegionPackets] = packetsOf(
    traffic.turnToPeerPackets,
    [left, inside, crossZone, interRegion],
  )
  const [, boundPackets] = packetsOf(traffic.turnToPeerPackets, [
    traffic.turnToPeerBytes - bound,
    bound,
  ])
  const fromOurs = crossZoneIn + interRegionIn
  const [, crossZoneInPackets, interRegionInPackets] = packetsOf(traffic.peerToTurnPackets, [
    traffic.peerToTurnBytes - fromOurs,
    crossZoneIn,
    interRegionIn,
  ])
  return {
    ...noUsage(),
    allocations: usage.began ? 1 : 0,
    carried: usage.began || usage.hour < usage.record.openedAt ? 0 : 1,
    milliseconds: usage.to - usage.from,
    userMilliseconds,
    ...traffic,
    insideBytes: inside,
    insidePackets: insidePackets ?? 0,
    crossZoneBytes: crossZone,
    crossZonePackets: crossZonePackets ?? 0,
    interRegionBytes: interRegion,
    interRegionPackets: interRegionPackets ?? 0,
    crossZoneInBytes: crossZoneIn,
    crossZoneInPackets: crossZoneInPackets ?? 0,
    interRegionInBytes: interRegionIn,
    interRegionInPackets: interRegionInPackets ?? 0,
    boundBytes: bound,
    boundPackets: boundPackets ?? 0,
    unattributedBytes: usage.identity ? 0 : relayedBytes(traffic),
    recoveredBytes: usage.recoveredBytes,
  }
}

/** Packets in proportion to bytes; all of them are the first's where there are no bytes. */
function packetsOf(packets: number, bytes: readonly number[]): number[] {
  const used = bytes.filter((each) => each > 0).length
  if (packets === 0 || used === 0) return bytes.map((_, index) => (index === 0 ? packets : 0))
  if (used === 1) return bytes.map((each) => (each > 0 ? packets : 0))
  return apportion(packets, bytes)
}

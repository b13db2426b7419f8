import { formatTurnUsername, type RelayReason } from '@parley/protocol'
import type { RoomUse } from '../advice/room-use.ts'
import { type AllocationRecord, dayMs, hourMs, hourOf } from '../allocation.ts'
import type { PeerLink, RoomFacts } from '../destinations.ts'
import { nextMonth } from '../span.ts'
import type { Transport } from '../statsdb.ts'
import { addTraffic, noTraffic, type Traffic } from '../traffic.ts'
import { random } from './random.ts'

/** A region of the example: its TURN pods, one in each of two zones, and the hour of day that work begins. */
type ExampleRegion = { region: string; prices: string; share: number; workFromHour: number }

export const exampleRegions: readonly ExampleRegion[] = [
  { region: 'eu-central-1', prices: 'aws/eu-central-1', share: 0.5, workFromHour: 7 },
  { region: 'us-east-1', prices: 'aws/us-east-1', share: 0.35, workFromHour: 13 },
  { region: 'ap-southeast-2', prices: 'aws/ap-southeast-2', share: 0.15, workFromHour: 22 },
]

/** What a month of one region came to, as its meter would know it. */
export type ExampleMonth = {
  region: string
  allocations: AllocationRecord[]
  zoneOf: (realm: string) => string
  reasonOf: (record: AllocationRecord) => RelayReason
  factsOf: (room: { room: string }, hour: number) => RoomFacts | undefined
  /** Meshes, for advice. */
  rooms: RoomUse[]
}

const tenantCount = 40
const roomCount = 20_000
const [meshKbps, sfuKbps, packetBytes] = [900, 490, 1000]
const sfuFrom = 5

/**
 * A made-up month, the same for the same seed: 40 tenants, the first greater than the last; 20,000
 * rooms in three regions that meet on working days, some once and some daily; about one participant in
 * six is relayed, all of them in two tenants that force it. No figure of it was measured.
 */
export function exampleMonth(month: number, seed: number): ExampleMonth[] {
  const rooms = Array.from({ length: roomCount }, (_, index) => index)
  return exampleRegions.map((region, index) => {
    const from = shareBefore(index) * roomCount
    const own = rooms.filter((room) => room >= from && room < from + region.share * roomCount)
    return regionMonth(region, own, month, seed)
  })
}

function shareBefore(index: number): number {
  return exampleRegions.slice(0, index).reduce((sum, { share }) => sum + share, 0)
}

function regionMonth(
  region: ExampleRegion,
  rooms: readonly number[],
  month: number,
  seed: number,
): ExampleMonth {
  const reasons = new Map<string, RelayReason>()
  const facts = new Map<string, RoomFacts>()
  const result: ExampleMonth = {
    region: region.region,
    allocations: [],
    zoneOf: (realm) => `${region.region}${realm.startsWith('turn-a') ? 'a' : 'b'}`,
    reasonOf: ({ username }) => reasons.get(username) ?? 'unknown',
    factsOf: ({ room }, hour) => facts.get(`${room} ${hour}`),
    rooms: [],
  }
  const days = workingDays(month)
  for (const room of rooms) {
    const draw = random(seed * 1_000_003 + room)
    const plan = roomPlan(room, draw)
    let streamSeconds = 0
    for (const start of meetingsOf(plan, region, days, draw)) {
      const meeting = holdMeeting(plan, start, draw)
      for (const { record, reason } of meeting.relayed) {
        result.allocations.push({
          ...record,
          id: String(result.allocations.length + 1).padStart(18, '0'),
        })
        reasons.set(record.username, reason)
      }
      for (let hour = hourOf(start); hour < start + meeting.ms; hour += hourMs)
        facts.set(`${plan.room} ${hour}`, meeting.facts)
      if (!plan.sfu) streamSeconds += (plan.size * (plan.size - 1) * meeting.ms) / 1000
    }
    if (streamSeconds > 0)
      result.rooms.push({ tenant: plan.tenant, room: plan.room, streamSeconds })
  }
  return result
}

type RoomPlan = {
  tenant: string
  room: string
  size: number
  sfu: boolean
  meetings: number
  /** Why each participant is relayed; undefined: is not. */
  relayed: readonly (RelayReason | undefined)[]
}

function roomPlan(index: number, draw: () => number): RoomPlan {
  const tenant = Math.floor(draw() ** 2 * tenantCount)
  const forced = tenant === 7 || tenant === 23
  const size = draw() < 0.6 ? 2 : 3 + Math.floor(draw() ** 3 * 10)
  const reason = (): RelayReason => {
    const of = draw()
    return of < 0.55 ? 'symmetric-nat' : of < 0.85 ? 'udp-blocked' : 'unknown'
  }
  return {
    tenant: `tenant-${String(tenant + 1).padStart(2, '0')}`,
    room: `room-${String(index + 1).padStart(5, '0')}`,
    size,
    sfu: size >= sfuFrom,
    meetings: draw() < 0.05 ? 20 : 1 + Math.floor(draw() ** 2 * 5),
    relayed: Array.from({ length: size }, () =>
      forced ? 'policy' : draw() < 0.15 ? reason() : undefined,
    ),
  }
}

/** Starts of the days of a month that are no Saturday and no Sunday. */
function workingDays(month: number): number[] {
  const days: number[] = []
  for (let day = month; day < nextMonth(month); day += dayMs)
    if (new Date(day).getUTCDay() % 6 !== 0) days.push(day)
  return days
}

/** When the room meets: on working days, within nine hours, on the quarter of an hour. */
function meetingsOf(
  { meetings }: RoomPlan,
  { workFromHour }: ExampleRegion,
  days: readonly number[],
  draw: () => number,
): number[] {
  const starts = new Set<number>()
  for (let each = 0; each < meetings; each += 1) {
    const day = days[Math.floor(draw() * days.length)] ?? 0
    starts.add(day + workFromHour * hourMs + Math.floor(draw() * 36) * (hourMs / 4))
  }
  return [...starts].sort((a, b) => a - b)
}

type Meeting = {
  ms: number
  relayed: { record: Omit<AllocationRecord, 'id'>; reason: RelayReason }[]
  facts: RoomFacts
}

function holdMeeting(plan: RoomPlan, start: number, draw: () => number): Meeting {
  const ms = Math.round((10 + draw() * 50) * 60_000)
  const names = plan.relayed.map((_, index) => `p-${plan.room.slice(5)}${index}`)
  const links = new Map<string, PeerLink[]>()
  const relayed = plan.relayed.flatMap((reason, index) => {
    if (!reason) return []
    const participant = names[index] ?? ''
    // One in ten does not say whom it talks to: an old page, or one that was closed too soon.
    if (draw() < 0.9)
      links.set(
        participant,
        names.flatMap((peer, other) =>
          other === index ? [] : { peer, local: true, remote: plan.relayed[other] !== undefined },
        ),
      )
    const { tenant, room } = plan
    const username = formatTurnUsername(Math.floor((start + 3 * hourMs) / 1000), {
      ...{ tenant, room, participant },
    })
    const transport = transportOf(reason, draw)
    // A link is an allocation: one to each peer in a mesh, one to the SFU.
    return Array.from({ length: plan.sfu ? 1 : plan.size - 1 }, () => {
      const from = start + Math.floor(draw() * 60_000)
      const received = plan.sfu ? (plan.size - 1) * sfuKbps : meshKbps
      const record = {
        realm: `turn-${draw() < 0.5 ? 'a' : 'b'}.example`,
        ...{ username, transport },
        remote: `198.51.100.${1 + Math.floor(draw() * 250)}:${20_000 + Math.floor(draw() * 40_000)}`,
        ...{ openedAt: from, lastSeenAt: start + ms, aliveAt: start + ms - 1 },
        ...{ expiresAt: start + ms, closedAt: start + ms },
        hours: hoursOf(from, start + ms, meshKbps, received),
      }
      return { record, reason }
    })
  })
  return { ms, relayed, facts: plan.sfu ? { side: 'sfu' } : { side: 'mesh', links } }
}

function transportOf(reason: RelayReason, draw: () => number): Transport {
  if (reason === 'udp-blocked') return draw() < 0.7 ? 'tls' : 'tcp'
  return 'udp'
}

/** Cumulative traffic at the end of each hour, sent and received evenly. */
function hoursOf(from: number, to: number, sentKbps: number, receivedKbps: number) {
  const hours = new Map<number, Traffic>()
  let sum = noTraffic()
  for (let hour = hourOf(from); hour < to; hour += hourMs) {
    const ms = Math.min(to, hour + hourMs) - Math.max(from, hour)
    const packets = (kbps: number) => Math.round((kbps * ms) / 8 / packetBytes)
    const [out, back] = [packets(sentKbps), packets(receivedKbps)]
    sum = addTraffic(sum, {
      ...{ clientToTurnBytes: out * (packetBytes + 4), clientToTurnPackets: out },
      ...{ turnToPeerBytes: out * packetBytes, turnToPeerPackets: out },
      ...{ peerToTurnBytes: back * packetBytes, peerToTurnPackets: back },
      ...{ turnToClientBytes: back * (packetBytes + 4), turnToClientPackets: back },
    })
    hours.set(hour, sum)
  }
  return hours
}

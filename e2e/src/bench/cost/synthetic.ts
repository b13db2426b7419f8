import { type AllocationRecord, hourMs, hourOf, noTraffic, type Traffic } from '@parley/relay-cost'

/**
 * Traffic made up: rooms of four tenants’ offices, people who come and go. Nothing is random, so that each
 * run measures the same.
 */

/** Where the made-up time begins. */
export const start = Date.UTC(2026, 9, 1)

/** Of a room's four participants each holds an allocation in turn. */
const participants = 4

export type Shape = { rooms: number; tenants: number }

const shape: Shape = { rooms: 20_000, tenants: 40 }

/** Cheap and even: a step that has no factor in common with what it is taken of. */
function scattered(index: number, of: number): number {
  return (index * 7919) % of
}

/** Whose the allocation of this number is. */
function identityOf(index: number) {
  const room = scattered(Math.floor(index / participants), shape.rooms)
  return { tenant: `t${room % shape.tenants}`, room: `room-${room}`, participant: `p-${index}` }
}

/** One allocation of the month: twenty minutes of audio and video, in one hour or two. */
export function allocationOf(index: number, count: number, days: number): AllocationRecord {
  const { tenant, room, participant } = identityOf(index)
  // A room's four are there together.
  const sitting = Math.floor(index / participants)
  const openedAt =
    start +
    Math.floor((sitting / Math.ceil(count / participants)) * days * 24) * hourMs +
    (sitting % 3000) * 1000
  const closedAt = openedAt + 1_200_000
  const all = trafficOf(index)
  const marks: [number, Traffic][] = [[hourOf(closedAt), all]]
  if (hourOf(openedAt) !== hourOf(closedAt)) marks.unshift([hourOf(openedAt), halfOf(all)])
  return {
    realm: `demo-turn-${index % 3}.demo`,
    username: `${Math.floor(openedAt / 1000) + 3600}:${tenant}.${room}.${participant}`,
    id: String(index).padStart(18, '0'),
    remote: `198.51.100.${index % 250}:${1024 + (index % 60_000)}`,
    transport: index % 20 === 0 ? 'tls' : 'udp',
    openedAt,
    lastSeenAt: closedAt,
    aliveAt: openedAt,
    expiresAt: openedAt + 600_000,
    closedAt,
    hours: new Map(marks),
  }
}

function trafficOf(index: number): Traffic {
  const packets = 40_000 + (index % 1000) * 60
  return {
    ...noTraffic(),
    clientToTurnBytes: packets * 904,
    clientToTurnPackets: packets,
    turnToClientBytes: packets * 904,
    turnToClientPackets: packets,
    peerToTurnBytes: packets * 900,
    peerToTurnPackets: packets,
    turnToPeerBytes: packets * 900,
    turnToPeerPackets: packets,
  }
}

function halfOf(traffic: Traffic): Traffic {
  const half = noTraffic()
  for (const field of Object.keys(half) as (keyof Traffic)[])
    half[field] = Math.floor(traffic[field] / 2)
  return half
}

export type Message = { t: number; channel: string; message: string }

/** Between the beginnings of two allocations of the stream, and from the beginning of one to its end. */
const spacingMs = 100
const lifeMs = 300_000
const deltas = 3

/** Messages that coturn says of one allocation: new, its deltas and the last ones, deleted, totals. */
export const messagesEach = 1 + 2 * (deltas + 1) + 1 + 2

/**
 * What coturn would publish of allocations that begin one after the other, in order of time.
 * @param messages how many, at the least; the last allocation is said to its end
 */
export function* statsdb(messages: number): Generator<Message> {
  const allocations = Math.ceil(messages / messagesEach)
  const step = lifeMs / (deltas + 1)
  // Each allocation speaks when it begins and every `step` from then on.
  for (let tick = 0; tick < allocations + lifeMs / spacingMs; tick += 1) {
    const t = start + tick * spacingMs
    if (tick < allocations) yield newOf(tick, t)
    for (let delta = 1; delta <= deltas + 1; delta += 1) {
      const index = tick - (delta * step) / spacingMs
      if (index < 0 || index >= allocations) continue
      yield* countersOf(index, t, 'traffic', 1)
      if (delta <= deltas) continue
      yield { t, channel: `${channelOf(index)}status`, message: 'deleted' }
      yield* countersOf(index, t, 'total_traffic', deltas + 1)
    }
  }
}

function channelOf(index: number): string {
  const { tenant, room, participant } = identityOf(index)
  const expiry = Math.floor((start + index * spacingMs) / 1000) + 3600
  return `turn/realm/demo-turn-${index % 3}.demo/user/${expiry}:${tenant}.${room}.${participant}/allocation/${String(index).padStart(18, '0')}/`
}

function newOf(index: number, t: number): Message {
  return {
    t,
    channel: `${channelOf(index)}status`,
    message: `new lifetime=600, type=UDP, local=203.0.113.5:3478, remote=198.51.100.7:${1024 + (index % 60_000)}, ssl=NONE, cipher=NONE`,
  }
}

function* countersOf(
  index: number,
  t: number,
  topic: 'traffic' | 'total_traffic',
  times: number,
): Generator<Message> {
  const channel = channelOf(index)
  const counters = (bytes: number) =>
    `rcvp=${1024 * times}, rcvb=${bytes * 1024 * times}, sentp=${1024 * times}, sentb=${bytes * 1024 * times}`
  yield { t, channel: `${channel}${topic}`, message: counters(904) }
  yield { t, channel: `${channel}${topic}/peer`, message: counters(900) }
}

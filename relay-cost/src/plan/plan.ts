import { ReportRequestError } from '../errors.ts'
import { meterRules } from '../prices/meters.ts'
import { roundMoney } from '../prices/money.ts'
import { type NodeVariant, nodePerHour, type Prices } from '../prices/prices.ts'
import { checkMedia, flowsOf, type Media, type Topology, usualMedia } from '../what-if/media.ts'
import { costPerMonth, hoursPerMonth } from '../what-if/what-if.ts'
import {
  type Capacity,
  type CapacityFigure,
  capacityFigures,
  plannedUtilization,
  usualCapacity,
} from './figures.ts'

export type PlanRequest = {
  /** Users in meetings at the same time. */
  concurrent: number
  /** Of those, the share whose media is relayed: 0 to 1. */
  relayShare: number
  media?: Partial<Media>
  /** Rooms of up to this many are meshes (`spec.mesh.maxParticipants`). */
  meshMax?: number
  /** Price lists of the regions, each with the same share of the users; one: as many as it takes. */
  prices: readonly Prices[]
  variant?: NodeVariant
  /** Figures to take instead of {@link capacityFigures}. */
  capacity?: Partial<Capacity>
}

/** One line of the arithmetic. */
export type Step = { what: string; arithmetic: string; result: string }

export type PlannedPart = { pods: number; nodes: number; boundBy: string }

export type Plan = {
  concurrent: number
  relayShare: number
  roomSize: number
  topology: Topology
  rooms: number
  relayedUsers: number
  /** In all regions together; what a region needs is rounded up by itself. */
  turn: PlannedPart & { packetsPerSecond: number; mbps: number; allocations: number }
  sfu: PlannedPart & { tracks: number }
  signaling: PlannedPart & { sockets: number }
  nodes: number
  regions: { prices: string; users: number; nodes: number; perMonth: number }[]
  cost: {
    currency: string
    perHour: number
    perMonth: number
    /** For each user and hour in meetings (REQ-S3: below 0.50). */
    perUserHour: number
    breakdown: { egress: number; nodes: number; addresses: number }
  }
  steps: Step[]
  figures: CapacityFigure[]
}

/** Cores of the node in the presets, of which each TURN pod has one to itself. */
const nodeCores = 2
/** A reference SFU pod has 4 cores (REQ-K2); it is priced as two such nodes. */
const sfuCores = 4

/**
 * Pods, nodes, regions and money for a load. Every region gets the same share of the users and of the
 * rooms, and at least two pods of what it needs, so that one can fail. Where the nodes are too many for
 * one cluster in each region, there are several.
 * @throws {ReportRequestError} `PLAN`; names the value and what it may be
 */
export function plan(request: PlanRequest): Plan {
  const { concurrent, relayShare, meshMax = 4, prices } = request
  need(Number.isFinite(concurrent) && concurrent >= 1, 'concurrent must be a number of 1 or more')
  need(concurrent <= 1e9, 'concurrent must be at most 1,000,000,000')
  need(relayShare >= 0 && relayShare <= 1, 'relay share must be from 0 to 1, as 0.15 for 15 %')
  const media = checkMedia({ ...usualMedia, ...request.media })
  const capacity = { ...usualCapacity(), ...request.capacity }
  for (const [name, value] of Object.entries(capacity))
    need(value > 0, `${name} must be above 0, not ${value}`)
  // Three parts of two nodes each, so that one can fail.
  need(capacity.nodesPerRegion >= 6, 'nodesPerRegion must be 6 or more')
  const [first] = prices
  if (!first) throw new ReportRequestError('PLAN', 'name a price list, as aws/eu-central-1')
  for (const list of prices) {
    need(
      list.currency === first.currency,
      `${first.name} is in ${first.currency} and ${list.name} in ${list.currency}; take lists of one currency`,
    )
    need(
      meterRules[list.meter].toPeerOutside === 1 && list.nodes.perHour > 0,
      `${list.name} has no price of nodes or of what an SFU sends; take a cloud's list, as aws/eu-central-1`,
    )
  }

  const topology: Topology = media.roomSize <= meshMax ? 'mesh' : 'sfu'
  const load = loadOf({ concurrent, relayShare, media, topology })
  const lists = clustersFor(load, capacity, prices)
  const parts = partsOf(load, capacity, lists.length)
  const users = concurrent / lists.length
  const scenario = { users, relayShare, media, topology }
  const money = lists.map((list) => {
    const perNode = nodePerHour(list, request.variant) * hoursPerMonth
    const priced =
      parts.turn.nodes + parts.sfu.nodes * (sfuCores / nodeCores) + parts.signaling.nodes
    return {
      egress: costPerMonth(scenario, list),
      nodes: (priced / lists.length) * perNode,
      addresses:
        ((parts.turn.nodes + parts.sfu.nodes) / lists.length) *
        list.nodes.publicIPv4PerHour *
        hoursPerMonth,
    }
  })
  const sum = (part: keyof (typeof money)[number]) =>
    roundMoney(money.reduce((all, region) => all + region[part], 0))
  const breakdown = { egress: sum('egress'), nodes: sum('nodes'), addresses: sum('addresses') }
  const perMonth = roundMoney(breakdown.egress + breakdown.nodes + breakdown.addresses)
  const cost = {
    currency: first.currency,
    perHour: roundMoney(perMonth / hoursPerMonth),
    perMonth,
    perUserHour: roundMoney(perMonth / hoursPerMonth / concurrent),
    breakdown,
  }
  return {
    ...{ concurrent, relayShare, roomSize: media.roomSize, topology },
    ...{ rooms: load.rooms, relayedUsers: load.relayedUsers },
    turn: {
      ...parts.turn,
      ...{ packetsPerSecond: load.packetsPerSecond, mbps: load.mbps },
      allocations: load.allocations,
    },
    sfu: { ...parts.sfu, tracks: load.tracks },
    signaling: { ...parts.signaling, sockets: concurrent },
    nodes: parts.nodes,
    regions: lists.map((list, index) => ({
      prices: list.name,
      users: Math.round(users),
      nodes: Math.round(parts.nodes / lists.length),
      perMonth: roundMoney(
        Object.values(money[index] ?? {}).reduce((all: number, part: number) => all + part, 0),
      ),
    })),
    cost,
    steps: stepsOf({ request, media, topology, load, parts, capacity, lists, cost }),
    figures: Object.entries(capacityFigures).map(([name, figure]) =>
      figureOf(figure, capacity[name as keyof Capacity]),
    ),
  }
}

type Load = {
  rooms: number
  relayedUsers: number
  packetsPerSecond: number
  mbps: number
  allocations: number
  tracks: number
  sockets: number
  /** Of one relayed user, both ways together. */
  perUser: { packetsPerSecond: number; kbps: number; allocations: number }
}

function loadOf(of: {
  concurrent: number
  relayShare: number
  media: Media
  topology: Topology
}): Load {
  const { concurrent, relayShare, media, topology } = of
  const { up, down } = flowsOf(media, topology)
  const relayedUsers = Math.round(concurrent * relayShare)
  const perUser = {
    packetsPerSecond: Math.round(up.packetsPerSecond + down.packetsPerSecond),
    kbps: Math.round(up.kbps + down.kbps),
    // One for each peer connection: to every other one, or two to the SFU (to send and to receive).
    allocations: topology === 'mesh' ? media.roomSize - 1 : 2,
  }
  const rooms = Math.ceil(concurrent / media.roomSize)
  // Camera and microphone are a track each; the SFU counts them as they come in and as they go out.
  const perRoom = 2 * media.roomSize ** 2 + (media.screenKbps > 0 ? media.roomSize : 0)
  return {
    ...{ rooms, relayedUsers, perUser, sockets: concurrent },
    packetsPerSecond: relayedUsers * perUser.packetsPerSecond,
    mbps: Math.round((relayedUsers * perUser.kbps) / 1000),
    allocations: relayedUsers * perUser.allocations,
    tracks: topology === 'sfu' ? rooms * perRoom : 0,
  }
}

/** Clusters above which a plan is taken for a mistake. */
const mostClusters = 10_000

/** The price lists over and over, until no cluster has more nodes than one may have. */
function clustersFor(load: Load, capacity: Capacity, prices: readonly Prices[]): Prices[] {
  const tooMany = (regions: number) =>
    partsOf(load, capacity, regions).nodes > regions * capacity.nodesPerRegion
  const fewest = partsOf(load, capacity, 1).nodes / capacity.nodesPerRegion
  let clusters = Math.max(1, Math.floor(fewest / prices.length))
  const bounded = () =>
    need(
      clusters * prices.length <= mostClusters,
      `this would be more than ${mostClusters.toLocaleString('en-US')} clusters: check concurrent, and what a pod and a region can take`,
    )
  bounded()
  while (tooMany(clusters * prices.length)) {
    clusters++
    bounded()
  }
  return Array(clusters).fill(prices).flat() as Prices[]
}

type Parts = { turn: PlannedPart; sfu: PlannedPart; signaling: PlannedPart; nodes: number }

/** What `regions` alike need together. */
function partsOf(load: Load, capacity: Capacity, regions: number): Parts {
  const podsFor = (amount: number, perPod: number) =>
    amount > 0 ? Math.max(2, Math.ceil(amount / regions / perPod)) * regions : 0
  const most = (bounds: Record<string, number>) => {
    const [boundBy, pods] = Object.entries(bounds).reduce((a, b) => (b[1] > a[1] ? b : a))
    return { pods, boundBy: pods > 0 ? boundBy : 'nothing' }
  }
  const turn = most({
    packets: podsFor(load.packetsPerSecond, turnPacketsPerPod(capacity)),
    bandwidth: podsFor(load.mbps, capacity.turnMbpsPerPod),
    'relay ports': podsFor(load.allocations, capacity.relayPortsPerPod),
  })
  const sfu = most({ tracks: podsFor(load.tracks, sfuTracksPerPod(capacity)) })
  const signaling = most({ sockets: podsFor(load.sockets, socketsPerPod(capacity)) })
  // TURN and SFU pods are on their node's network, one each; signaling pods have a core each.
  const signalingNodes = Math.max(2, Math.ceil(signaling.pods / regions / nodeCores)) * regions
  return {
    turn: { ...turn, nodes: turn.pods },
    sfu: { ...sfu, nodes: sfu.pods },
    signaling: { ...signaling, nodes: signalingNodes },
    nodes: turn.pods + sfu.pods + signalingNodes,
  }
}

const turnPacketsPerPod = ({ turnPacketsPerCore }: Capacity) =>
  turnPacketsPerCore * nodeCores * plannedUtilization
const sfuTracksPerPod = ({ sfuTracksPerCore }: Capacity) =>
  sfuTracksPerCore * sfuCores * plannedUtilization
const socketsPerPod = ({ socketsPerCore }: Capacity) => socketsPerCore * plannedUtilization

function stepsOf(of: {
  request: PlanRequest
  media: Media
  topology: Topology
  load: Load
  parts: Parts
  capacity: Capacity
  lists: readonly Prices[]
  cost: Plan['cost']
}): Step[] {
  const { request, media, topology, load, parts, capacity, lists, cost } = of
  const { concurrent, relayShare, meshMax = 4, variant } = request
  const { perUser } = load
  const percent = `${Math.round(plannedUtilization * 100)}\u00a0%`
  const pods = (amount: number, perPod: number, part: PlannedPart) =>
    `${whole(amount)} / ${whole(perPod)}${lists.length > 1 ? ` in ${lists.length} regions, each` : ','} rounded up, at least 2${part.pods === 2 * lists.length ? ' (that holds)' : ''}`
  const relayed = load.relayedUsers > 0
  const step = (what: string, arithmetic: string, result: string): Step => ({
    what,
    arithmetic,
    result,
  })
  const [first] = lists
  const perNode = first ? nodePerHour(first, variant) : 0
  return [
    step('rooms', `${whole(concurrent)} users / ${media.roomSize}`, whole(load.rooms)),
    step(
      'topology',
      `${media.roomSize} in a room, meshes up to ${meshMax}`,
      topology === 'mesh' ? 'mesh' : 'SFU',
    ),
    step(
      'relayed users',
      `${whole(concurrent)} × ${Math.round(relayShare * 1000) / 10} %`,
      whole(load.relayedUsers),
    ),
    ...(relayed
      ? [
          step(
            'TURN packets',
            `${whole(load.relayedUsers)} × ${whole(perUser.packetsPerSecond)} a second, both ways`,
            `${whole(load.packetsPerSecond)}/s`,
          ),
          step(
            'TURN bandwidth',
            `${whole(load.relayedUsers)} × ${whole(perUser.kbps)} kbit/s, both ways`,
            `${whole(load.mbps)} Mbit/s`,
          ),
          step(
            'allocations',
            `${whole(load.relayedUsers)} × ${perUser.allocations} peer connections`,
            whole(load.allocations),
          ),
          step(
            'TURN pods by packets',
            `${whole(load.packetsPerSecond)} / (${nodeCores} cores × ${whole(capacity.turnPacketsPerCore)} × ${percent})`,
            whole(Math.ceil(load.packetsPerSecond / turnPacketsPerPod(capacity))),
          ),
          step(
            'TURN pods by bandwidth',
            `${whole(load.mbps)} / ${whole(capacity.turnMbpsPerPod)}`,
            whole(Math.ceil(load.mbps / capacity.turnMbpsPerPod)),
          ),
          step(
            'TURN pods by ports',
            `${whole(load.allocations)} / ${whole(capacity.relayPortsPerPod)}`,
            whole(Math.ceil(load.allocations / capacity.relayPortsPerPod)),
          ),
          step(
            'TURN pods',
            `the most of these: by ${parts.turn.boundBy}${lists.length > 1 ? `, in ${lists.length} regions, each rounded up` : ''}, at least 2`,
            whole(parts.turn.pods),
          ),
        ]
      : []),
    ...(topology === 'sfu'
      ? [
          step(
            'SFU tracks',
            `${whole(load.rooms)} rooms × ${whole(load.tracks / load.rooms)}: 2 in and ${2 * (media.roomSize - 1)} out of each${media.screenKbps > 0 ? ', and a screen' : ''}`,
            whole(load.tracks),
          ),
          step(
            `SFU pods of ${sfuCores} cores`,
            pods(load.tracks, sfuTracksPerPod(capacity), parts.sfu),
            whole(parts.sfu.pods),
          ),
        ]
      : []),
    step(
      'signaling pods',
      pods(load.sockets, socketsPerPod(capacity), parts.signaling),
      whole(parts.signaling.pods),
    ),
    step(
      'nodes',
      `${whole(parts.turn.nodes)} TURN + ${whole(parts.sfu.nodes)} SFU + ${whole(parts.signaling.nodes)} for the rest`,
      whole(parts.nodes),
    ),
    step('regions', `at most ${whole(capacity.nodesPerRegion)} nodes each`, whole(lists.length)),
    step(
      'egress a month',
      topology === 'sfu'
        ? 'all that users get from the SFU, by the month’s tiers'
        : 'relayed down, and up to peers that are not, by the month’s tiers',
      money(cost.breakdown.egress),
    ),
    step(
      'nodes a month',
      lists.length === 1
        ? `${whole(parts.turn.nodes + parts.signaling.nodes)}${parts.sfu.nodes > 0 ? ` + ${whole(parts.sfu.nodes)} × ${sfuCores / nodeCores}` : ''} of ${perNode} × ${hoursPerMonth} h`
        : `nodes of each region × their price × ${hoursPerMonth} h`,
      money(cost.breakdown.nodes),
    ),
    step(
      'addresses a month',
      `${whole(parts.turn.nodes + parts.sfu.nodes)} × ${first?.nodes.publicIPv4PerHour ?? 0} × ${hoursPerMonth} h`,
      money(cost.breakdown.addresses),
    ),
    step(
      'in all a month',
      'egress + nodes + addresses',
      `${money(cost.perMonth)} ${cost.currency}`,
    ),
    step(
      'a user and hour',
      `${money(cost.perMonth)} / ${hoursPerMonth} h / ${whole(concurrent)}`,
      `${cost.perUserHour} ${cost.currency}`,
    ),
  ]
}

/** A figure, with the value that the caller gave where there is one. */
function figureOf(figure: CapacityFigure, value: number): CapacityFigure {
  return value === figure.value ? figure : { ...figure, value, measured: false, source: 'given' }
}

function need(ok: boolean, message: string): void {
  if (!ok) throw new ReportRequestError('PLAN', message)
}

function whole(count: number): string {
  return Math.round(count).toLocaleString('en-US')
}

function money(amount: number): string {
  return amount.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
}

import { ReportRequestError } from '../errors.ts'
import { priceEgress } from '../prices/cost.ts'
import { type Meter, meterRules } from '../prices/meters.ts'
import { roundMoney } from '../prices/money.ts'
import { type NodeVariant, nodePerHour, type Prices } from '../prices/prices.ts'
import {
  bytesPerHour,
  checkMedia,
  flowsOf,
  type Media,
  type Topology,
  usualMedia,
} from './media.ts'

/** Hours of an average month. */
export const hoursPerMonth = 730

export type WhatIfRequest = {
  /** Users in calls at the same time, all month round. */
  users: number
  /** Of those, the share whose media is relayed: 0 to 1. */
  relayShare: number
  media?: Partial<Media>
  /** Who sends to whom; default mesh. */
  topology?: Topology
  currency?: string
} & (
  | { flatRate: number; prices?: undefined }
  | {
      prices: Prices
      flatRate?: undefined
      /** TURN nodes that run all month, and how they are bought (default: as the price list says). */
      nodes?: { count: number; variant?: NodeVariant }
      /** Other price lists to set beside, as other regions. */
      compare?: readonly Prices[]
    }
)

/** What the same users cost elsewhere or in another way. */
export type Alternative = {
  name: string
  currency: string
  perHour: number
  perMonth: number
}

export type WhatIf = {
  currency: string
  perHour: number
  perMonth: number
  breakdown: {
    relayedUsers: number
    hoursPerMonth: number
  } & (
    | { basis: 'flat-rate'; perRelayedUserHour: number }
    | {
        basis: 'prices'
        prices: string
        meter: Meter
        topology: Topology
        roomSize: number
        billableBytesPerHour: number
        perRelayedUserHour: number
        /** Of `perMonth`. */
        egressPerMonth: number
        nodesPerMonth: number
      }
  )
  /** Mesh and SFU side by side; not where a price list has no price for what an SFU sends. */
  topologies?: Alternative[]
  /** How the nodes could be bought. */
  nodeVariants?: Alternative[]
  /** The price lists that were asked for, this one first. */
  regions?: Alternative[]
}

/**
 * What a scenario costs an hour and a month. With a flat rate (REQ-A3): users × share × rate. With
 * prices: what leaves towards users and peers ({@link billablePerHour}) at the month's tiers, and the
 * nodes that are named.
 * @throws {ReportRequestError} `WHAT_IF`
 */
export function whatIf(request: WhatIfRequest): WhatIf {
  const { users, relayShare, flatRate } = request
  const need = (ok: boolean, message: string) => {
    if (!ok) throw new ReportRequestError('WHAT_IF', message)
  }
  need(users >= 0 && users <= 1e9, 'users must be a number from 0 to 1,000,000,000')
  need(relayShare >= 0 && relayShare <= 1, 'relay share must be from 0 to 1, as 0.2 for 20 %')
  const relayedUsers = users * relayShare
  if (flatRate !== undefined) {
    need(Number.isFinite(flatRate) && flatRate >= 0, 'flat rate must be a number of 0 or more')
    const perHour = relayedUsers * flatRate
    return {
      currency: request.currency ?? 'USD',
      perHour: roundMoney(perHour),
      perMonth: roundMoney(perHour * hoursPerMonth),
      breakdown: { relayedUsers, hoursPerMonth, basis: 'flat-rate', perRelayedUserHour: flatRate },
    }
  }
  const { prices, nodes, compare = [] } = request
  const media = checkMedia({ ...usualMedia, ...request.media })
  const scenario = { users, relayShare, media, topology: request.topology ?? 'mesh' }
  const hasSfuPrice = meterRules[prices.meter].toPeerOutside === 1
  need(
    scenario.topology === 'mesh' || hasSfuPrice,
    `${prices.name} has no price for what an SFU sends; take a cloud's price list, as aws/eu-central-1`,
  )
  need(!nodes || nodes.count >= 0, 'nodes must be a number of 0 or more')

  const egressOf = (list: Prices, topology = scenario.topology) =>
    costPerMonth({ ...scenario, topology }, list)
  const nodesOf = (list: Prices, variant = nodes?.variant ?? list.nodes.variant) =>
    (nodes?.count ?? 0) *
    (nodePerHour(list, variant) + list.nodes.publicIPv4PerHour) *
    hoursPerMonth
  const egress = egressOf(prices)
  const perMonth = egress + nodesOf(prices)
  const perHour = perMonth / hoursPerMonth
  const alternative = (name: string, list: Prices, month: number): Alternative => ({
    name,
    currency: list.currency,
    perHour: roundMoney(month / hoursPerMonth),
    perMonth: roundMoney(month),
  })
  return {
    currency: prices.currency,
    perHour: roundMoney(perHour),
    perMonth: roundMoney(perMonth),
    breakdown: {
      relayedUsers,
      hoursPerMonth,
      basis: 'prices',
      prices: prices.name,
      meter: prices.meter,
      topology: scenario.topology,
      roomSize: media.roomSize,
      billableBytesPerHour: Math.round(billablePerHour(scenario, prices)),
      perRelayedUserHour: relayedUsers > 0 ? roundMoney(perHour / relayedUsers) : 0,
      egressPerMonth: roundMoney(egress),
      nodesPerMonth: roundMoney(nodesOf(prices)),
    },
    ...(hasSfuPrice && {
      topologies: (['mesh', 'sfu'] as const).map((topology) =>
        alternative(topology, prices, egressOf(prices, topology)),
      ),
    }),
    ...(nodes && {
      nodeVariants: (['on-demand', 'reserved', 'spot'] as const).map((variant) =>
        alternative(variant, prices, nodesOf(prices, variant)),
      ),
    }),
    ...(compare.length > 0 && {
      regions: [prices, ...compare].map((list) =>
        alternative(list.name, list, egressOf(list) + nodesOf(list)),
      ),
    }),
  }
}

export type Scenario = { users: number; relayShare: number; media: Media; topology: Topology }

/** What a scenario costs a month by a price list, without nodes. */
export function costPerMonth(scenario: Scenario, prices: Prices): number {
  if (meterRules[prices.meter].relayedHours)
    return scenario.users * scenario.relayShare * prices.flatRate.perRelayedUserHour * hoursPerMonth
  return priceEgress(billablePerHour(scenario, prices) * hoursPerMonth, prices)
}

/**
 * What a price list charges an hour, in bytes, headers included.
 *
 * Mesh: what a relayed user gets leaves once towards them; what they send leaves once towards a peer,
 * unless that peer is relayed too (probability: the relay share), for then it is the peer's download.
 * So of all streams the share 2s − s² is egress.
 *
 * SFU: all that anybody gets leaves, relayed or not; what a relayed user gets goes from the SFU to
 * TURN inside the cluster, and leaves once.
 */
export function billablePerHour(scenario: Scenario, prices: Prices): number {
  const { users, relayShare, media, topology } = scenario
  const rule = meterRules[prices.meter]
  const { up, down } = flowsOf(media, topology)
  const upBytes = bytesPerHour(up, prices.packetOverheadBytes)
  const downBytes = bytesPerHour(down, prices.packetOverheadBytes)
  if (topology === 'sfu') return users * downBytes
  return (
    users *
    relayShare *
    (downBytes * rule.toClient +
      upBytes * (rule.fromClient + rule.toPeerOutside * (1 - relayShare)))
  )
}

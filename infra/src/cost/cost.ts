import {
  capacityFigures,
  hoursPerMonth,
  infrastructurePrices,
  type Media,
  type Prices,
  plan,
  plannedUtilization,
  presetPrices,
  presets,
  priceEgress,
  usualMedia,
} from '@parley/relay-cost'
import { instanceTypes } from '../config/catalogue.ts'
import type { InfraConfig } from '../config/load.ts'
import { InfraError } from '../errors.ts'
import { type SynthesizedStack, synthesize } from '../synth.ts'
import { type Buying, type CostLine, inventoryOf, type NodeGroup, nodeLines } from './inventory.ts'

/** REQ-S3: what infrastructure may cost for each user and hour. */
export const MOST_PER_USER_HOUR = 0.5

/** What no stack says, and what it is taken to be; each is in the output. */
export const assumptions = {
  joinsPerUserHour: { value: 1, unit: 'page loads', why: 'a user and hour in meetings' },
  pageMB: { value: 0.2, unit: 'MB', why: 'the page before joining, gzip (docs/scorecard.md)' },
  natGB: {
    value: 50,
    unit: 'GB a cluster and month',
    why: 'not measured; images come from S3, past NAT',
  },
  logGB: {
    value: 20,
    unit: 'GB a cluster and month',
    why: 'not measured; control plane and rejected flows',
  },
  signalingBytesPerUserHour: {
    value: 1_000_000,
    unit: 'bytes',
    why: 'not measured; events of a meeting',
  },
} as const

export type CostRequest = {
  config: InfraConfig
  /** Users in meetings at the same time, all month round. */
  users: number
  relayShare: number
  media?: Partial<Media>
  buying?: Buying
  /** Whether the page comes from the CDN, or from the regions. */
  cdn?: boolean
  /** The stacks of the configuration, where they are there already. */
  stacks?: readonly SynthesizedStack[]
}

export type InfraCost = {
  users: number
  relayShare: number
  roomSize: number
  currency: string
  /** Clusters in each region: more than one where it would have more than 1,000 nodes. */
  clustersPerRegion: number
  nodes: Record<'system' | 'web' | 'sfu' | 'turn', number>
  lines: CostLine[]
  perMonth: number
  perUserHour: number
  meetsS3: boolean
  notes: string[]
}

/**
 * What a configuration costs under a load: the synthesized stacks, nodes as many as the load needs and
 * the pools have at least, and the egress that `parley plan` expects. Nothing is asked of AWS.
 * @throws {InfraError} `COST`; names the value and what it may be
 */
export function costOf(request: CostRequest): InfraCost {
  const { config, users, relayShare, buying = 'as configured', cdn = true } = request
  const media = { ...usualMedia, roomSize: 6, ...request.media }
  const notes: string[] = []
  const lists = config.regions.map(({ region }) => listOf(region, notes))
  const planned = planOf({ users, relayShare, media, lists })
  const { concurrent } = planned
  const perCluster = planned.regions.length
  const clustersPerRegion = perCluster / lists.length
  if (clustersPerRegion > 1)
    notes.push(
      `${users.toLocaleString('en-US')} users take ${clustersPerRegion} clusters in each region (1,000 nodes each at most): a configuration for each`,
    )
  const pricesOf = (region: string) => {
    const list = listOf(region, notes)
    return { list, infrastructure: infrastructurePrices(list) }
  }
  const { lines, groups } = inventoryOf(request.stacks ?? synthesize(config), pricesOf)
  const all: CostLine[] = lines.map((line) => ({
    ...line,
    quantity: line.quantity * clustersPerRegion,
  }))
  const need = neededNodes(planned, config)
  const nodes = { system: 0, web: 0, sfu: 0, turn: 0 }
  for (const { region } of config.regions) {
    for (const pool of ['system', 'web', 'sfu', 'turn'] as const) {
      const ofPool = groups.filter((group) => group.region === region && group.pool === pool)
      const wanted = Math.max(need[pool]?.(region) ?? 0, sum(ofPool.map(({ least }) => least)))
      const most = sum(ofPool.map((group) => group.most))
      if (wanted > most)
        notes.push(
          `${region}: ${wanted} ${pool} nodes are needed in each cluster and sizes.${pool}.max is ${most}: raise it`,
        )
      nodes[pool] += wanted * clustersPerRegion
      for (const [group, count] of shared(ofPool, wanted))
        all.push(
          ...nodeLines(group, count, buying, pricesOf(region)).map((line) => ({
            ...line,
            quantity: line.quantity * clustersPerRegion,
          })),
        )
    }
    all.push(...trafficOf({ region, config, users: concurrent, clustersPerRegion, cdn, pricesOf }))
  }
  all.push({
    region: 'all',
    component: 'egress',
    what: `media to users (parley plan: ${planned.topology === 'sfu' ? 'SFU' : 'mesh'}, rooms of ${media.roomSize})`,
    quantity: 1,
    unit: 'month',
    perMonth: planned.cost.breakdown.egress,
  })
  const perMonth = sum(all.map(({ quantity, perMonth: each }) => quantity * each))
  const perUserHour = perMonth / hoursPerMonth / users
  return {
    ...{ users, relayShare, roomSize: media.roomSize, currency: planned.cost.currency },
    ...{ clustersPerRegion, nodes, lines: all.map(roundedLine) },
    perMonth: rounded(perMonth, 2),
    perUserHour: rounded(perUserHour, 6),
    meetsS3: perUserHour < MOST_PER_USER_HOUR,
    notes: [...new Set(notes)],
  }
}

/** What else could be: the same load, bought in another way. */
export function whatIfs(of: CostRequest): { name: string; cost: InfraCost }[] {
  const { config } = of
  const request = { ...of, stacks: of.stacks ?? synthesize(config) }
  const oneNat = {
    ...config,
    regions: config.regions.map((region) => ({
      ...region,
      sizes: { ...region.sizes, nat: 'single' as const },
    })),
  }
  return [
    { name: 'as configured', cost: costOf(request) },
    { name: 'all nodes on demand', cost: costOf({ ...request, buying: 'on-demand' }) },
    { name: 'all nodes reserved (−40 %)', cost: costOf({ ...request, buying: 'reserved' }) },
    { name: 'all nodes spot (−70 %, development)', cost: costOf({ ...request, buying: 'spot' }) },
    { name: 'the page without a CDN', cost: costOf({ ...request, cdn: false }) },
    {
      name: 'one NAT gateway a region',
      cost: costOf({ ...request, config: oneNat, stacks: synthesize(oneNat) }),
    },
  ]
}

function planOf(of: { users: number; relayShare: number; media: Media; lists: Prices[] }) {
  try {
    return plan({
      ...{ concurrent: of.users, relayShare: of.relayShare, media: of.media, prices: of.lists },
    })
  } catch (error) {
    throw new InfraError('COST', (error as Error).message)
  }
}

/**
 * Nodes that each cluster of a region needs. An SFU pod has a node to itself and takes its cores; the
 * plan's TURN pods are of two cores, and its signaling nodes too.
 */
function neededNodes(
  { turn, sfu, signaling, regions }: ReturnType<typeof plan>,
  config: InfraConfig,
): Partial<Record<NodeGroup['pool'], (region: string) => number>> {
  const coresOf = (region: string, pool: 'sfu' | 'turn' | 'web') => {
    const type = config.regions.find((one) => one.region === region)?.sizes[pool].type ?? ''
    return instanceTypes[type]?.cores ?? 2
  }
  const inEach = (amount: number) => amount / regions.length
  return {
    sfu: (region) =>
      Math.ceil(
        inEach(sfu.tracks) /
          (capacityFigures.sfuTracksPerCore.value * coresOf(region, 'sfu') * plannedUtilization),
      ),
    turn: (region) => Math.ceil((inEach(turn.pods) * 2) / coresOf(region, 'turn')),
    web: (region) => Math.ceil((inEach(signaling.nodes) * 2) / coresOf(region, 'web')),
  }
}

/** Nodes of a pool over its groups, by what each has at most. */
function shared(groups: readonly NodeGroup[], wanted: number): [NodeGroup, number][] {
  const most = sum(groups.map((group) => group.most))
  let left = wanted
  return groups.map((group, index) => {
    const isLast = index === groups.length - 1
    const count = isLast ? left : Math.min(left, Math.round((wanted * group.most) / most))
    left -= count
    return [group, count]
  })
}

function trafficOf(of: {
  region: string
  config: InfraConfig
  users: number
  clustersPerRegion: number
  cdn: boolean
  pricesOf: (region: string) => {
    list: Prices
    infrastructure: ReturnType<typeof infrastructurePrices>
  }
}): CostLine[] {
  const { region, users, clustersPerRegion, cdn } = of
  const { list, infrastructure: price } = of.pricesOf(region)
  const here = users / of.config.regions.length
  const hours = here * hoursPerMonth
  const pageGB =
    (hours * assumptions.joinsPerUserHour.value * assumptions.pageMB.value * 1e6) / list.gigabyte
  const signalingBytes = hours * assumptions.signalingBytesPerUserHour.value
  const line = (
    component: string,
    what: string,
    quantity: number,
    unit: string,
    perMonth: number,
  ) => ({
    ...{ region, component, what, quantity, unit, perMonth },
  })
  const units = Math.max(here / 3000, signalingBytes / list.gigabyte / hoursPerMonth)
  return [
    line('NAT', 'traffic', assumptions.natGB.value * clustersPerRegion, 'GB', price.natPerGB),
    line('logs', 'CloudWatch', assumptions.logGB.value * clustersPerRegion, 'GB', price.logsPerGB),
    line('load balancer', 'capacity', units, 'unit', price.balancerUnitPerHour * hoursPerMonth),
    cdn
      ? line('page', 'CDN', pageGB, 'GB', price.cdnPerGB)
      : line('page', 'egress', 1, 'month', priceEgress(pageGB * list.gigabyte, list)),
    line('egress', 'signaling', 1, 'month', priceEgress(signalingBytes, list)),
  ]
}

/** The price list of a region; that of us-east-1, with a note, where there is none. */
function listOf(region: string, notes: string[]): Prices {
  const name = `aws/${region}`
  if (Object.hasOwn(presets, name)) return presetPrices(name)
  const note = `no price list for ${region}: priced as us-east-1`
  if (!notes.includes(note)) notes.push(note)
  return presetPrices('aws/us-east-1')
}

const sum = (amounts: readonly number[]) => amounts.reduce((all, amount) => all + amount, 0)

function rounded(amount: number, digits: number): number {
  return Math.round(amount * 10 ** digits) / 10 ** digits
}

function roundedLine(line: CostLine): CostLine {
  return { ...line, quantity: rounded(line.quantity, 3), perMonth: rounded(line.perMonth, 6) }
}

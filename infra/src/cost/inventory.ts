import {
  hoursPerMonth,
  type InfrastructurePrices,
  nodePerHour,
  type Prices,
} from '@parley/relay-cost'
import { POOLS, type PoolName } from '../config/schema.ts'
import { InfraError } from '../errors.ts'
import { COST_TAGS } from '../stacks/stack.ts'
import type { SynthesizedStack } from '../synth.ts'

/** One line of a bill: how many of what, at which price. */
export type CostLine = {
  region: string
  component: string
  what: string
  quantity: number
  unit: string
  /** Of one unit a month. */
  perMonth: number
}

/** A node group, without a number of nodes: that depends on the load. */
export type NodeGroup = {
  region: string
  pool: PoolName
  type: string
  capacity: 'on-demand' | 'spot'
  least: number
  most: number
  reservedShare: number
  diskGB: number
  hasAddress: boolean
}

export type Inventory = { lines: CostLine[]; groups: NodeGroup[] }

type Body = Record<string, unknown>
type PricesOf = (region: string) => { list: Prices; infrastructure: InfrastructurePrices }

/**
 * What the synthesized stacks cost, but for the nodes: read from the JSON that Terraform applies, so
 * that what is priced is what is made.
 */
export function inventoryOf(stacks: readonly SynthesizedStack[], pricesOf: PricesOf): Inventory {
  const lines: CostLine[] = []
  const groups: NodeGroup[] = []
  for (const { json } of stacks) {
    const region = json.provider.aws[0]?.region ?? ''
    const { list, infrastructure: price } = pricesOf(region)
    const all = (type: string): Body[] => Object.values(json.resource?.[type] ?? {})
    const add = (
      component: string,
      what: string,
      quantity: number,
      unit: string,
      perMonth: number,
    ) => {
      if (quantity > 0) lines.push({ region, component, what, quantity, unit, perMonth })
    }
    const hourly = (perHour: number) => perHour * hoursPerMonth
    const ipv4 = hourly(list.nodes.publicIPv4PerHour)

    add(
      'control plane',
      'EKS',
      all('aws_eks_cluster').length,
      'cluster',
      hourly(price.kubernetesPerHour),
    )
    add('NAT', 'gateways', all('aws_nat_gateway').length, 'gateway', hourly(price.natPerHour))
    add('NAT', 'public addresses', all('aws_eip').length, 'address', ipv4)
    for (const balancer of all('aws_lb')) {
      add('load balancer', 'network load balancer', 1, 'balancer', hourly(price.balancerPerHour))
      add(
        'load balancer',
        'public addresses',
        (balancer.subnets as unknown[]).length,
        'address',
        ipv4,
      )
    }
    for (const redis of all('aws_elasticache_replication_group')) {
      const type = String(redis.node_type)
      add(
        'Redis',
        type,
        Number(redis.num_cache_clusters),
        'node',
        hourly(priceOf(price.redis, type)),
      )
    }
    for (const mysql of all('aws_db_instance')) {
      const type = String(mysql.instance_class)
      const copies = mysql.multi_az ? 2 : 1
      add('MySQL', type, copies, 'instance', hourly(priceOf(price.mysql, type)))
      const storage = Number(mysql.allocated_storage) * copies
      add('MySQL', 'storage', storage, 'GB', price.mysqlDiskPerGBMonth)
    }
    add('keys and secrets', 'KMS keys', all('aws_kms_key').length, 'key', price.keyPerMonth)
    const secrets = all('aws_secretsmanager_secret').length + all('aws_db_instance').length
    add('keys and secrets', 'secrets', secrets, 'secret', price.secretPerMonth)
    const checks = all('aws_route53_health_check').length
    add('DNS', 'health checks', checks, 'check', price.healthCheckPerMonth)
    const templates = json.resource?.aws_launch_template ?? {}
    groups.push(...all('aws_eks_node_group').map((group) => nodeGroupOf(region, group, templates)))
  }
  return { lines, groups }
}

/** @throws {InfraError} `COST`: what has no price is never free */
function priceOf(list: Readonly<Record<string, number>>, type: string): number {
  const price = Object.hasOwn(list, type) ? list[type] : undefined
  if (price !== undefined && Number.isFinite(price) && price > 0) return price
  throw new InfraError(
    'COST',
    `${type} has no price; add it to relay-cost/src/prices/infrastructure.ts`,
  )
}

function nodeGroupOf(region: string, group: Body, templates: Record<string, Body>): NodeGroup {
  const tags = group.tags as Record<string, string>
  const pool = POOLS.find((name) => name === tags[COST_TAGS.component]) ?? 'system'
  const scaling = group.scaling_config as { min_size: number; max_size: number }
  const { block_device_mappings, network_interfaces } = templates[`${pool}-template`] as {
    block_device_mappings: { ebs: { volume_size: number } }[]
    network_interfaces: { associate_public_ip_address: string }[]
  }
  return {
    ...{ region, pool },
    type: String((group.instance_types as string[])[0]),
    capacity: group.capacity_type === 'SPOT' ? 'spot' : 'on-demand',
    least: scaling.min_size,
    most: scaling.max_size,
    reservedShare: Number(tags['parley:reserved-share'] ?? 0),
    diskGB: block_device_mappings[0]?.ebs.volume_size ?? 0,
    hasAddress: network_interfaces[0]?.associate_public_ip_address === 'true',
  }
}

/** How nodes of a group are bought: as configured, or all in one way. */
export type Buying = 'as configured' | 'on-demand' | 'reserved' | 'spot'

/** The lines of `count` nodes of a group. */
export function nodeLines(
  { region, pool, type, capacity, reservedShare, diskGB, hasAddress }: NodeGroup,
  count: number,
  buying: Buying,
  { list, infrastructure }: { list: Prices; infrastructure: InfrastructurePrices },
): CostLine[] {
  if (count === 0) return []
  const perHour = priceOf(infrastructure.instances, type)
  const reserved = Math.round(count * reservedShare)
  const parts = {
    'as configured':
      capacity === 'spot' ? { spot: count } : { reserved, 'on-demand': count - reserved },
    'on-demand': { 'on-demand': count },
    reserved: { reserved: count },
    spot: { spot: count },
  }[buying]
  const component = `${pool} nodes`
  const at = { region, component }
  return [
    ...(['on-demand', 'reserved', 'spot'] as const).flatMap((variant) => {
      const quantity = (parts as Partial<Record<typeof variant, number>>)[variant] ?? 0
      const discounted = nodePerHour({ ...list, nodes: { ...list.nodes, perHour } }, variant)
      return quantity > 0
        ? [
            {
              ...at,
              what: `${type} ${variant}`,
              quantity,
              unit: 'node',
              perMonth: discounted * hoursPerMonth,
            },
          ]
        : []
    }),
    {
      ...at,
      what: 'disks',
      quantity: count * diskGB,
      unit: 'GB',
      perMonth: infrastructure.diskPerGBMonth,
    },
    ...(hasAddress
      ? [
          {
            ...at,
            what: 'public addresses',
            quantity: count,
            unit: 'address',
            perMonth: list.nodes.publicIPv4PerHour * hoursPerMonth,
          },
        ]
      : []),
  ]
}

import { roundMoney } from './money.ts'
import { presetsAsOf } from './presets/preset.ts'
import { presets } from './presets.ts'
import type { Prices } from './prices.ts'

/**
 * What else a region on AWS is made of: list prices on demand, in the currency of its price list. Of memory, or
 * scaled from another region: check them before they decide anything.
 */
export type InfrastructurePrices = {
  name: string
  currency: string
  asOf: string
  source: string
  /** By instance type, an hour. */
  instances: Readonly<Record<string, number>>
  /** By instance class, an hour, without a standby. */
  mysql: Readonly<Record<string, number>>
  /** By node type, an hour. */
  redis: Readonly<Record<string, number>>
  /** An hour each. */
  kubernetesPerHour: number
  natPerHour: number
  balancerPerHour: number
  /** Capacity unit of a network load balancer: 3,000 TLS connections, or a GB an hour. */
  balancerUnitPerHour: number
  /** A GB each: through a NAT gateway, into logs, out of the CDN. */
  natPerGB: number
  logsPerGB: number
  cdnPerGB: number
  /** A GB and month each. */
  diskPerGBMonth: number
  mysqlDiskPerGBMonth: number
  /** A month each. */
  keyPerMonth: number
  secretPerMonth: number
  healthCheckPerMonth: number
}

const base = 'aws/us-east-1'

/** us-east-1; c6i comes from the list's own node, of which it is a multiple. */
const usEast = {
  instances: {
    't3.large': 0.0832,
    'm6i.large': 0.096,
    'm6i.xlarge': 0.192,
    'c5.2xlarge': 0.34,
    'c7i.2xlarge': 0.357,
    'c6in.2xlarge': 0.4536,
  },
  mysql: { 'db.t4g.medium': 0.065, 'db.m6g.large': 0.152, 'db.r6g.large': 0.215 },
  redis: { 'cache.t4g.small': 0.032, 'cache.m6g.large': 0.149, 'cache.r6g.large': 0.206 },
  hourly: { natPerHour: 0.045, balancerPerHour: 0.0225, balancerUnitPerHour: 0.006 },
  perGB: { natPerGB: 0.045, logsPerGB: 0.5, cdnPerGB: 0.085 },
  disks: { diskPerGBMonth: 0.08, mysqlDiskPerGBMonth: 0.115 },
} as const

/** A c6i.large has two cores, and a c6i is priced by its cores. */
const c6iCores = { 'c6i.large': 2, 'c6i.xlarge': 4, 'c6i.2xlarge': 8, 'c6i.4xlarge': 16 }

/** The same everywhere. */
const everywhere = {
  kubernetesPerHour: 0.1,
  keyPerMonth: 1,
  secretPerMonth: 0.4,
  /** An endpoint in AWS, over HTTPS, asked every 10 s. */
  healthCheckPerMonth: 2.5,
}

/**
 * Prices of what a region is made of beside its traffic, by the region's own price list: figures of
 * us-east-1, scaled as the list's node is.
 * @param prices a price list of AWS with nodes
 */
export function infrastructurePrices(prices: Prices): InfrastructurePrices {
  const first = presets[base]?.nodes.perHour ?? 1
  const factor = prices.nodes.perHour / first
  const scaled = <Name extends string>(list: Readonly<Record<Name, number>>) =>
    Object.fromEntries(
      Object.entries<number>(list).map(([name, price]) => [name, roundMoney(price * factor)]),
    ) as Record<Name, number>
  return {
    name: prices.name,
    currency: prices.currency,
    asOf: presetsAsOf,
    source: `public price pages of AWS for us-east-1, × ${roundMoney(factor)}, which is the ratio of ${prices.nodes.type}; approximate`,
    instances: {
      ...scaled(usEast.instances),
      ...Object.fromEntries(
        Object.entries(c6iCores).map(([type, cores]) => [
          type,
          roundMoney((prices.nodes.perHour * cores) / 2),
        ]),
      ),
    },
    mysql: scaled(usEast.mysql),
    redis: scaled(usEast.redis),
    ...scaled(usEast.hourly),
    ...scaled(usEast.perGB),
    ...scaled(usEast.disks),
    ...everywhere,
  }
}

import { z } from 'zod'
import { instanceTypes, mysqlTypes, redisTypes } from './catalogue.ts'

/** The version that this Parley reads. */
export const CONFIG_VERSION = 1

/** RDS and ElastiCache take no two hyphens in a row; with region and part, 63 characters are the end. */
const name = z
  .string()
  .regex(
    /^(?!.*--)[a-z][a-z0-9-]{1,18}[a-z0-9]$/,
    'is no name: 3 to 20 of a-z, 0-9 and "-", no two "-" in a row',
  )

const hostName = z
  .string()
  .max(64, 'is longer than 64 characters, which is what a certificate of AWS takes')
  .regex(
    /^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+([a-z]{2,63}|xn--[-a-z0-9]*[a-z0-9])$/,
    'is no host name: write one like meet.example.com, in lower case; other letters as xn--…, and no wildcard',
  )

const share = z.number().min(0, 'must be from 0 to 1').max(1, 'must be from 0 to 1')
const days = z.int().min(1, 'must be 1 or more days').max(3653, 'must be at most 3653 days')

const pool = (type: string, min: number, max: number) =>
  z
    .strictObject({
      type: z
        .enum(Object.keys(instanceTypes), {
          error: `is no known instance type; take one of ${Object.keys(instanceTypes).join(', ')}`,
        })
        .default(type),
      min: z.int().min(1).max(1000).default(min),
      max: z.int().min(1).max(1000).default(max),
      /** Share of the nodes bought as spot, which AWS may take back in two minutes. */
      spotShare: share.default(0),
      /** Share of the rest that is reserved, by Savings Plans or reserved instances. */
      reservedShare: share.default(0),
    })
    .prefault({})

export const POOLS = ['system', 'web', 'sfu', 'turn'] as const
export type PoolName = (typeof POOLS)[number]

const sizes = z
  .strictObject({
    system: pool('m6i.large', 3, 6),
    web: pool('c6i.large', 2, 10),
    sfu: pool('c6i.2xlarge', 3, 10),
    turn: pool('c6i.large', 2, 12),
    redis: z
      .strictObject({
        type: z
          .enum(redisTypes, { error: `must be one of ${redisTypes.join(', ')}` })
          .default('cache.m6g.large'),
        nodes: z.int().min(1).max(6).default(2),
        /**
         * `required` allows TLS only. coturn 4.6.1 speaks none, and what it relays is then not
         * metered, so that the default lets both in.
         */
        inTransit: z.enum(['preferred', 'required']).default('preferred'),
      })
      .prefault({}),
    mysql: z
      .strictObject({
        type: z
          .enum(mysqlTypes, { error: `must be one of ${mysqlTypes.join(', ')}` })
          .default('db.m6g.large'),
        storageGB: z.int().min(20).max(16_384).default(100),
        standby: z.boolean().default(true),
      })
      .prefault({}),
    /** NAT gateways: one in each zone, or a single one whose zone all others need. */
    nat: z.enum(['each-zone', 'single']).default('each-zone'),
  })
  .prefault({})

export type Sizes = z.output<typeof sizes>

export const fileSchema = z.strictObject({
  version: z.literal(CONFIG_VERSION),
  name,
  environment: z.enum(['production', 'development']).default('production'),
  domain: hostName,
  /** A public hosted zone of Route 53 that exists, and that the domain lies in. */
  zone: hostName,
  state: z.strictObject({
    bucket: z
      .string()
      // Other buckets add the name and the region to it, and 63 characters are the end.
      .regex(/^[a-z0-9][a-z0-9-]{1,22}[a-z0-9]$/, 'is no bucket name: 3 to 24 of a-z, 0-9 and "-"'),
    region: z.string(),
  }),
  kubernetes: z
    .string()
    .regex(/^1\.\d\d$/, 'must be a minor version in quotes, like "1.33"')
    .default('1.33'),
  /** Who reaches the API server from outside of the network; nobody where it is empty. */
  administrators: z.array(z.string()).default([]),
  serviceCidr: z.string().default('172.20.0.0/16'),
  retention: z
    .strictObject({
      logDays: days.default(365),
      /** Of backups of MySQL and snapshots of Redis; AWS keeps 35 days at most. */
      backupDays: days.max(35, 'must be at most 35 days, which is what AWS keeps').default(14),
    })
    .prefault({}),
  sizes: z.record(z.string(), z.unknown()).default({}),
  /** A part of the spec of every region's MeetingCluster, by the operator's own fields. */
  meetingCluster: z.record(z.string(), z.unknown()).default({}),
  regions: z
    .array(
      z.strictObject({
        region: z.string(),
        cidr: z.string(),
        zones: z.array(z.string()).optional(),
        sizes: z.record(z.string(), z.unknown()).default({}),
      }),
    )
    .min(1, 'needs one region at least'),
})

export const sizesSchema = sizes

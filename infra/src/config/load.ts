import {
  InvalidMeetingCluster,
  type MeetingClusterSpec,
  parseMeetingCluster,
} from '@parley/operator/api'
import { parse } from 'yaml'
import type { z } from 'zod'
import { InfraError } from '../errors.ts'
import { regionZones } from './catalogue.ts'
import { type Cidr, formatCidr, isPrivate, overlap, parseCidr, subnet } from './cidr.ts'
import { CONFIG_VERSION, fileSchema, POOLS, type Sizes, sizesSchema } from './schema.ts'

export type RegionConfig = {
  region: string
  /** Names of three zones, like `eu-central-1a`. */
  zones: [string, string, string]
  cidr: string
  /** Networks of each zone, in the order of `zones`. */
  subnets: { private: string[]; public: string[]; data: string[] }
  sizes: Sizes
  /** Host name of this region's MeetingCluster. */
  host: string
  /** Spec of this region's MeetingCluster, defaults filled in. */
  meetingCluster: MeetingClusterSpec
}

type File = z.output<typeof fileSchema>

export type InfraConfig = Omit<File, 'regions' | 'sizes' | 'meetingCluster'> & {
  regions: RegionConfig[]
}

type Fault = (path: string, message: string) => void

/**
 * Reads a configuration (YAML, the shape in docs/infra.md).
 * @param file what messages call it
 * @throws {InfraError} `CONFIG`, with a line for each thing wrong, or `CONFIG_VERSION`
 */
export function loadConfig(text: string, file: string): InfraConfig {
  const faults: string[] = []
  const fault: Fault = (path, message) => faults.push(path ? `${path}: ${message}` : message)
  const stop = () => {
    if (faults.length > 0)
      throw new InfraError('CONFIG', faults.map((line) => `${file}: ${line}`).join('\n'))
  }
  const value = readYaml(text, file)
  checkVersion(value, file)
  const parsed = fileSchema.safeParse(value, { reportInput: true })
  if (!parsed.success) for (const issue of parsed.error.issues) describe(issue, '', fault)
  stop()
  const data = parsed.data as File
  checkGlobals(data, fault)
  const regions = data.regions.flatMap((_, index) => regionOf(data, index, fault) ?? [])
  checkNetworks(data, regions, fault)
  stop()
  const { regions: _regions, sizes: _sizes, meetingCluster: _spec, ...rest } = data
  return { ...rest, regions }
}

function readYaml(text: string, file: string): unknown {
  try {
    return parse(text) as unknown
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n')
    throw new InfraError('CONFIG', `${file}: not YAML: ${line}`)
  }
}

function checkVersion(value: unknown, file: string): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InfraError('CONFIG', `${file}: is empty; start from infra/config/example.yaml`)
  const { version } = value as { version?: unknown }
  if (version === CONFIG_VERSION) return
  const is =
    version === undefined
      ? 'has no version, as drafts before version 1'
      : `is of version ${JSON.stringify(version)}`
  const fix =
    typeof version === 'number' && version > CONFIG_VERSION
      ? 'update Parley'
      : `bring it up to date as docs/infra.md says under "Versions of the file", then write version: ${CONFIG_VERSION}. Nothing was changed`
  throw new InfraError(
    'CONFIG_VERSION',
    `${file}: ${is}, and this Parley reads version ${CONFIG_VERSION}: ${fix}`,
  )
}

function checkGlobals({ domain, zone, state, administrators }: File, fault: Fault): void {
  if (domain !== zone && !domain.endsWith(`.${zone}`))
    fault('domain', `${domain} is not in the zone ${zone}; correct one of them`)
  if (!Object.hasOwn(regionZones, state.region)) fault('state.region', unknownRegion(state.region))
  administrators.forEach((cidr, index) => {
    const network = parseCidr(cidr)
    if (!network)
      fault(
        `administrators[${index}]`,
        `${cidr} is no network; write one like 203.0.113.0/24, or 203.0.113.7/32 for one address`,
      )
    else if (network.prefix < 8)
      fault(
        `administrators[${index}]`,
        `${cidr} is nearly everybody: write the networks of your administrators, or none to reach the API server from inside only`,
      )
  })
}

function regionOf(file: File, index: number, fault: Fault): RegionConfig | undefined {
  const given = file.regions[index]
  if (!given) return undefined
  const path = `regions[${index}]`
  const { region } = given
  const letters = Object.hasOwn(regionZones, region) ? regionZones[region] : undefined
  if (letters === undefined) {
    fault(`${path}.region`, unknownRegion(region))
    return undefined
  }
  if (file.regions.findIndex((other) => other.region === region) !== index)
    fault(`${path}.region`, `${region} is there twice; remove one`)
  const zones = given.zones ?? [...letters].slice(0, 3).map((letter) => `${region}${letter}`)
  if (letters.length < 3)
    fault(
      `${path}.region`,
      `${region} has ${letters.length} zones, and three are needed; take one with three, like ${nearest(region)}`,
    )
  else if (
    zones.length !== 3 ||
    new Set(zones).size !== 3 ||
    zones.some((zone) => zone.slice(0, -1) !== region || !letters.includes(zone.slice(-1)))
  )
    fault(
      `${path}.zones`,
      `must be three different ones of ${[...letters].map((letter) => region + letter).join(', ')}; or leave zones out`,
    )
  const sizes = sizesOf(file, given.sizes, path, fault)
  const cidr = parseCidr(given.cidr)
  if (!cidr) fault(`${path}.cidr`, notACidr(given.cidr))
  else if (!isPrivate(cidr))
    fault(`${path}.cidr`, `${given.cidr} is not private; take one of 10.0.0.0/8, as 10.16.0.0/16`)
  else if (cidr.prefix < 16 || cidr.prefix > 20)
    fault(`${path}.cidr`, `${given.cidr} must be a /16 to /20, which is what a network may have`)
  const host = `${region}.${file.domain}`
  const meetingCluster = specOf(file, { region, host, sizes }, fault)
  if (!cidr || !sizes || !meetingCluster) return undefined
  return {
    ...{ region, cidr: given.cidr, subnets: subnetsOf(cidr), sizes, host, meetingCluster },
    zones: zones as [string, string, string],
  }
}

/** Three quarters for pods, three sixteenths for nodes with public addresses, a rest for data. */
function subnetsOf(cidr: Cidr): RegionConfig['subnets'] {
  const three = (bits: number, from: number) =>
    [0, 1, 2].map((index) => formatCidr(subnet(cidr, bits, from + index)))
  return { private: three(2, 0), public: three(4, 12), data: three(8, 240) }
}

function sizesOf(
  file: File,
  ofRegion: Record<string, unknown>,
  path: string,
  fault: Fault,
): Sizes | undefined {
  const parsed = sizesSchema.safeParse(merged(file.sizes, ofRegion), { reportInput: true })
  if (!parsed.success) {
    for (const issue of parsed.error.issues) describe(issue, `${path}.sizes`, fault)
    return undefined
  }
  for (const pool of POOLS) {
    const { min, max, spotShare } = parsed.data[pool]
    const at = `${path}.sizes.${pool}`
    if (min > max) fault(at, `min ${min} is above max ${max}; raise max`)
    if (pool === 'system' && spotShare > 0)
      fault(
        `${at}.spotShare`,
        'the system pool has the meter and other stateful parts, which spot would end in two minutes; set it to 0',
      )
    if ((pool === 'sfu' || pool === 'turn') && spotShare > 0 && file.environment === 'production')
      fault(
        `${at}.spotShare`,
        `calls live on ${pool} nodes, and spot would end them in two minutes; set it to 0, or environment to development`,
      )
  }
  const { redis, mysql } = parsed.data
  if (!mysql.standby && file.environment === 'production')
    fault(
      `${path}.sizes.mysql.standby`,
      'without a standby the loss of a zone is one of the database; set it to true, or environment to development',
    )
  if (redis.nodes < 2 && file.environment === 'production')
    fault(
      `${path}.sizes.redis.nodes`,
      'one node has nothing to fail over to; take 2, or environment development',
    )
  return parsed.data
}

/**
 * The MeetingCluster that a region gets: what its stacks say, and over it what the file says. The
 * operator's own rules are applied, so that ports that overlap are found here already.
 */
function specOf(
  file: File,
  { region, host, sizes }: { region: string; host: string; sizes: Sizes | undefined },
  fault: Fault,
): MeetingClusterSpec | undefined {
  for (const field of ['domain', 'region'])
    if (field in file.meetingCluster)
      fault(`meetingCluster.${field}`, 'comes from the regions; remove it')
  const spec = merged(usualSpec({ region, host, domain: file.domain }), file.meetingCluster)
  try {
    const { spec: parsed } = parseMeetingCluster({
      ...{ apiVersion: 'parley.dev/v1alpha1', kind: 'MeetingCluster' },
      metadata: { name: file.name, namespace: 'meetings' },
      spec,
    })
    if (file.regions[0]?.region === region) checkNodePorts(parsed, fault)
    return parsed
  } catch (error) {
    if (!(error instanceof InvalidMeetingCluster)) throw error
    // A fault in the common part is one of every region: said once.
    if (file.regions[0]?.region === region && sizes)
      for (const { path, message } of error.issues)
        fault(path.replace(/^spec/, 'meetingCluster'), message)
    return undefined
  }
}

/** What listens on a node already, over TCP: the internet must not come to it where TURN is meant. */
const NODE_PORTS: Readonly<Record<number, string>> = {
  22: 'SSH',
  9100: 'the node exporter',
  10250: 'the kubelet',
  10256: 'kube-proxy',
  61678: 'the network add-on',
}

function checkNodePorts({ turn }: MeetingClusterSpec, fault: Fault): void {
  const ports = { 'turn.listenPort': turn.listenPort, 'turn.tls.port': turn.tls.port }
  for (const [path, port] of Object.entries(ports)) {
    const other = NODE_PORTS[port]
    if (other)
      fault(
        `meetingCluster.${path}`,
        `${port} is the node's own, for ${other}; take 3478, 5349 or 443`,
      )
  }
}

function usualSpec(of: { region: string; host: string; domain: string }): Record<string, unknown> {
  const media = (pool: string) => ({
    nodeSelector: { 'parley.dev/pool': pool },
    tolerations: [{ key: 'parley.dev/media', operator: 'Exists', effect: 'NoSchedule' }],
  })
  const web = { nodeSelector: { 'parley.dev/pool': 'web' } }
  return {
    domain: of.host,
    region: of.region,
    turn: {
      ...media('turn'),
      tls: {
        host: `turn-${of.region}.${of.domain}`,
        issuerRef: { name: 'letsencrypt', kind: 'ClusterIssuer' },
      },
    },
    sfu: media('sfu'),
    signaling: web,
    webapp: web,
  }
}

function checkNetworks(file: File, regions: readonly RegionConfig[], fault: Fault): void {
  const service = parseCidr(file.serviceCidr)
  if (!service || !isPrivate(service)) fault('serviceCidr', notACidr(file.serviceCidr))
  else if (service.prefix < 12 || service.prefix > 24)
    fault('serviceCidr', `${file.serviceCidr} must be a /12 to /24, which is what EKS takes`)
  const seen: { name: string; cidr: Cidr }[] =
    service && service.prefix >= 12 ? [{ name: 'serviceCidr', cidr: service }] : []
  for (const { region, cidr: text } of regions) {
    const cidr = parseCidr(text)
    if (!cidr) continue
    const other = seen.find((one) => overlap(one.cidr, cidr))
    if (other) {
      const free = freeNetwork([...seen.map((one) => one.cidr), cidr])
      const at = file.regions.findIndex((one) => one.region === region && one.cidr === text)
      fault(
        `regions[${at}].cidr`,
        `${text} overlaps ${formatCidr(other.cidr)} of ${other.name}; take another, for example ${free}`,
      )
    }
    seen.push({ name: region, cidr })
  }
}

function freeNetwork(taken: readonly Cidr[]): string {
  const ten = { first: 10 * 2 ** 24, prefix: 8 }
  for (let index = 16; index < 256; index++) {
    const candidate = subnet(ten, 8, index)
    if (!taken.some((one) => overlap(one, candidate))) return formatCidr(candidate)
  }
  return '10.16.0.0/16'
}

const notACidr = (text: string) =>
  `${text} is no private network; write one like 10.16.0.0/16, with nothing behind the prefix`

function unknownRegion(region: string): string {
  return `${region} is no region that is known here; take one of ${Object.keys(regionZones).join(', ')}`
}

function nearest(region: string): string {
  const near = Object.entries(regionZones).find(
    ([name, letters]) => name.slice(0, 3) === region.slice(0, 3) && letters.length >= 3,
  )
  return near?.[0] ?? 'eu-central-1'
}

/** Objects are merged, null takes a field away, all else is replaced by what comes later. */
function merged(
  base: Record<string, unknown>,
  over: Record<string, unknown>,
): Record<string, unknown> {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
  const result = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const before = Object.hasOwn(result, key) ? result[key] : undefined
    if (value === null) delete result[key]
    else result[key] = isObject(before) && isObject(value) ? merged(before, value) : value
  }
  return result
}

function describe(issue: z.core.$ZodIssue, under: string, fault: Fault): void {
  const path = formatPath(under, issue.path)
  if (issue.code === 'unrecognized_keys')
    for (const key of issue.keys)
      fault(formatPath(under, [...issue.path, key]), 'unknown field; remove it or correct its name')
  else if (issue.code === 'invalid_type' && issue.input === undefined)
    fault(path, `is missing; it is ${aOrAn(issue.expected)}, as in infra/config/example.yaml`)
  else if (issue.code === 'invalid_type')
    fault(path, `must be ${aOrAn(issue.expected)}, as in infra/config/example.yaml`)
  else fault(path, issue.message)
}

const aOrAn = (what: string) => `${/^[aeiou]/.test(what) ? 'an' : 'a'} ${what}`

function formatPath(under: string, path: readonly PropertyKey[]): string {
  const text = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
  return (under + text).replace(/^\./, '')
}

import { readFileSync } from 'node:fs'
import { trafficBufferSize } from '@parley/protocol'
import { dayMs, hourMs, loadPriceLists, type Prices, presetPrices } from '@parley/relay-cost'
import { z } from 'zod'
import { MeterConfigError } from './errors.ts'
import type { TrafficSettings } from './traffic/open-traffic.ts'
import type { Retention } from './usage.ts'

export type MeterConfig = {
  port: number
  /** Address to listen on. */
  host: string
  /** MeetingCluster whose allocations count: coturn's realm is `<pod>.<cluster>`. */
  cluster: string
  namespace: string
  region: string
  storeUrl: string
  /** Certificates (PEM) that a database server's must come from. */
  storeCa?: string
  redisUrl: string
  /** Price lists; more than one where prices change, or for several regions. */
  prices: readonly Prices[]
  /** What callers of /report, /summary and /load must send as `x-parley-token`. */
  token: string
  /** How often records go to the store: what a killed meter may lose of open allocations. */
  flushIntervalMs: number
  /** Where the operator says which pods are on which nodes; left out: node hours are not known. */
  podsFile?: string
  retention: Retention
  /** Changed allocations that are kept in memory at most while the store cannot be written. */
  bufferAllocations: number
  /** Where a report of each period is written; left out: nowhere. */
  reports?: { folder: string; intervalMs: number }
  /** How what servers did is rolled up; left out: it is not. */
  traffic?: TrafficSettings
}

const text = (fix: string) => z.string({ error: `is not set; ${fix}` }).min(1, `is empty; ${fix}`)

const days = (usual: number) =>
  z.coerce.number('must be a number of days').int().min(1, 'must be a day at least').default(usual)

const whole = (usual: number, least: number) =>
  z.coerce
    .number('must be a number')
    .int('must be a whole number')
    .min(least, `must be ${least} at least`)
    .default(usual)

const environmentSchema = z.object({
  METER_PORT: z.coerce.number('must be a port').int().min(0).max(65535).default(8090),
  METER_HOST: z.string().default('0.0.0.0'),
  PARLEY_CLUSTER: text('set it to the name of the MeetingCluster'),
  PARLEY_NAMESPACE: text('set it to the namespace of the MeetingCluster'),
  PARLEY_REGION: text('set it to spec.region of the MeetingCluster'),
  METER_STORE: z.string().default('sqlite:/var/lib/parley/meter.db'),
  METER_STORE_FOLDER: z.string().optional(),
  REDIS_URL_FILE: text('point it to a file that holds redis://:password@host:port/0'),
  METER_TOKEN_FILE: text('point it to a file that holds the token of the report API'),
  METER_PRICES_PRESET: z.string().optional(),
  METER_PRICES_FILE: z.string().optional(),
  METER_KEEP_ALLOCATIONS_DAYS: days(35),
  METER_KEEP_HOURS_DAYS: days(397),
  METER_BUFFER_ALLOCATIONS: z.coerce
    .number('must be a number of allocations')
    .int()
    .min(1)
    .default(100_000),
  METER_REPORTS_DIR: z.string().optional(),
  METER_PODS_FILE: z.string().optional(),
  METER_REPORT_INTERVAL: z
    .string()
    .regex(/^[1-9]\d*[mhd]$/, 'is no duration; write one like 1h or 1d')
    .default('1h'),
  METRICS_ENABLED: z.enum(['true', 'false'], 'must be true or false').default('true'),
  METRICS_BUFFER_SIZE: whole(trafficBufferSize, 1),
  METRICS_BATCH_SIZE: whole(100, 1),
  METRICS_PROCESS_INTERVAL: whole(5000, 100),
  METRICS_PERSIST_INTERVAL: whole(60_000, 1000),
  METRICS_KEEP_HOURLY_DAYS: days(35),
  METRICS_KEEP_DAILY_DAYS: days(397),
  METRICS_BANDWIDTH_ALERT_MBPS: z.coerce.number('must be Mbit/s').min(0).default(0),
  REDIS_METRICS_TTL: whole(300, 60),
  BULL_REDIS_HOST: z.string().optional(),
  BULL_REDIS_PORT: whole(6379, 1),
})

/** Names of all variables that the meter reads. */
export const meterVariables = Object.keys(environmentSchema.shape)

/**
 * Reads the meter's configuration from the environment and the files that it names.
 * @throws {MeterConfigError} `METER_CONFIG`; the message names the variable and the fix
 */
export function meterConfigFromEnv(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): MeterConfig {
  const parsed = environmentSchema.safeParse(env)
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
    throw new MeterConfigError('METER_CONFIG', faults.join('; '))
  }
  const values = parsed.data
  const read = (name: 'REDIS_URL_FILE' | 'METER_TOKEN_FILE' | 'METER_PRICES_FILE') => {
    const path = values[name] ?? ''
    try {
      const content = readFile(path).trim()
      if (content) return content
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new MeterConfigError('METER_CONFIG', `${name}: cannot read ${path}: ${reason}`)
    }
    throw new MeterConfigError('METER_CONFIG', `${name}: ${path} is empty`)
  }
  return {
    port: values.METER_PORT,
    host: values.METER_HOST,
    cluster: values.PARLEY_CLUSTER,
    namespace: values.PARLEY_NAMESPACE,
    region: values.PARLEY_REGION,
    ...(values.METER_STORE_FOLDER
      ? databaseOf(values.METER_STORE_FOLDER, readFile)
      : { storeUrl: values.METER_STORE }),
    redisUrl: read('REDIS_URL_FILE'),
    token: read('METER_TOKEN_FILE'),
    prices: pricesOf(values, () => read('METER_PRICES_FILE')),
    flushIntervalMs: 2000,
    retention: {
      allocationDays: values.METER_KEEP_ALLOCATIONS_DAYS,
      hourDays: values.METER_KEEP_HOURS_DAYS,
    },
    bufferAllocations: values.METER_BUFFER_ALLOCATIONS,
    ...(values.METER_PODS_FILE && { podsFile: values.METER_PODS_FILE }),
    ...(values.METER_REPORTS_DIR && {
      reports: {
        folder: values.METER_REPORTS_DIR,
        intervalMs: reportIntervalMs(values.METER_REPORT_INTERVAL),
      },
    }),
    ...(values.METRICS_ENABLED === 'true' && { traffic: trafficSettings(values) }),
  }
}

function trafficSettings(values: z.infer<typeof environmentSchema>): TrafficSettings {
  return {
    batchSize: values.METRICS_BATCH_SIZE,
    processMs: values.METRICS_PROCESS_INTERVAL,
    persistMs: values.METRICS_PERSIST_INTERVAL,
    bufferSize: values.METRICS_BUFFER_SIZE,
    liveMs: values.REDIS_METRICS_TTL * 1000,
    kept: {
      hourlyMs: values.METRICS_KEEP_HOURLY_DAYS * dayMs,
      dailyMs: values.METRICS_KEEP_DAILY_DAYS * dayMs,
    },
    alertMbps: values.METRICS_BANDWIDTH_ALERT_MBPS,
    ...(values.BULL_REDIS_HOST && {
      queueRedis: { host: values.BULL_REDIS_HOST, port: values.BULL_REDIS_PORT },
    }),
  }
}

/** Whole hours, because traffic is known by hour. */
function reportIntervalMs(text: string): number {
  const unit = { m: 60_000, h: hourMs, d: 24 * hourMs }[text.at(-1) as 'm' | 'h' | 'd']
  return Math.max(1, Math.ceil((Number.parseInt(text, 10) * unit) / hourMs)) * hourMs
}

/** The store that a mounted Secret describes: its key url, or host, port, user, password, database. */
function databaseOf(
  folder: string,
  readFile: (path: string) => string,
): Pick<MeterConfig, 'storeUrl' | 'storeCa'> {
  const read = (key: string) => {
    try {
      // `kubectl create secret --from-file` keeps the line end of the file.
      return readFile(`${folder}/${key}`).replace(/\r?\n$/, '')
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return ''
      const reason = error instanceof Error ? error.message : String(error)
      throw new MeterConfigError('METER_CONFIG', `METER_STORE_FOLDER: ${reason}`)
    }
  }
  const ca = read('ca')
  const storeCa = ca ? { storeCa: ca } : {}
  const url = read('url')
  if (url) return { storeUrl: url, ...storeCa }
  const part = (key: string) => encodeURIComponent(read(key))
  const missing = ['host', 'user', 'password', 'database'].filter((key) => read(key) === '')
  if (missing.length > 0)
    throw new MeterConfigError(
      'METER_CONFIG',
      `METER_STORE_FOLDER: the Secret of the database lacks ${missing.join(', ')}; give it the key url, or host, port, user, password and database`,
    )
  const host = read('host')
  const address = `${host.includes(':') ? `[${host}]` : host}:${read('port') || '3306'}`
  return {
    storeUrl: `mysql://${part('user')}:${part('password')}@${address}/${part('database')}`,
    ...storeCa,
  }
}

function pricesOf(
  values: { METER_PRICES_PRESET?: string | undefined; METER_PRICES_FILE?: string | undefined },
  readPrices: () => string,
): Prices[] {
  const { METER_PRICES_PRESET: preset, METER_PRICES_FILE: file } = values
  if (Boolean(preset) === Boolean(file))
    throw new MeterConfigError(
      'METER_CONFIG',
      'set one of METER_PRICES_PRESET (as aws/eu-central-1) and METER_PRICES_FILE, not both',
    )
  try {
    return preset ? [presetPrices(preset)] : loadPriceLists(readPrices(), file)
  } catch (error) {
    if (error instanceof MeterConfigError) throw error
    const variable = preset ? 'METER_PRICES_PRESET' : 'METER_PRICES_FILE'
    const reason = error instanceof Error ? error.message : String(error)
    throw new MeterConfigError('METER_CONFIG', `${variable}: ${reason}`, { cause: error })
  }
}

import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { PricesError } from '../errors.ts'

/** A step of a marginal price: each gigabyte above the tier before and up to `upToGB` costs `perGB`. */
export type Tier = { upToGB: number; perGB: number }

/**
 * Which bytes a vendor charges.
 * - `egress`: all that leaves to the internet, to clients and to peers (clouds)
 * - `to-client`: what TURN sends to its clients (managed TURN of the Cloudflare kind)
 * - `sent-and-received`: both directions of the client leg (managed TURN of the Twilio kind)
 */
export type Meter = 'egress' | 'to-client' | 'sent-and-received'

export type Prices = {
  name: string
  currency: string
  /** Date of the figures. */
  asOf: string
  /** Where the figures are from. */
  source: string
  /** Bytes of the gigabyte that the vendor bills. */
  gigabyte: number
  meter: Meter
  egress: {
    internet: {
      /** Egress of the same account and month that is not in the report: it uses up the first tiers. */
      priorUsageGB: number
      /** In order, the last one without bound (`upToGB: Infinity`). */
      tiers: Tier[]
    }
    crossZone: { perGB: number }
    interRegion: { perGB: number }
    sameNode: { perGB: number }
  }
  nodes: { perHour: number; publicIPv4PerHour: number }
  /** Bytes of headers on the wire for each packet, beyond what coturn counts: 28 for IPv4 and UDP. */
  packetOverheadBytes: number
}

const overhead = 'must be a whole number from 0 to 200'
/** Beyond any price or volume there is; it keeps every product a number. */
const most = 1e12
const price = z
  .number()
  .nonnegative('must not be negative')
  .max(most, 'is beyond any price; check its unit')
const gigabytes = z
  .number()
  .nonnegative('must not be negative')
  .max(most, 'is beyond any volume; for no bound leave it out')
const perGB = z.strictObject({ perGB: price }).default({ perGB: 0 })

const pricesFileSchema = z.strictObject({
  name: z.string().min(1).optional(),
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be a currency code of three capitals, as USD'),
  asOf: z.iso.date('must be a date, as 2026-11-01'),
  source: z.string().default(''),
  gigabyte: z
    .union([z.literal(1e9), z.literal(2 ** 30), z.literal('1e9'), z.literal('2^30')], {
      error: 'must be 1e9 or 2^30',
    })
    .transform((value) => (value === 1e9 || value === '1e9' ? 1e9 : 2 ** 30)),
  meter: z.enum(['egress', 'to-client', 'sent-and-received']).default('egress'),
  egress: z.strictObject({
    internet: z.strictObject({
      priorUsageGB: gigabytes.default(0),
      tiers: z
        .array(
          z.strictObject({
            fromGB: gigabytes.optional(),
            upToGB: gigabytes.positive('must be above 0').optional(),
            perGB: price,
          }),
        )
        .min(1, 'needs at least one tier'),
    }),
    crossZone: perGB,
    interRegion: perGB,
    sameNode: perGB,
  }),
  nodes: z
    .strictObject({ perHour: price.default(0), publicIPv4PerHour: price.default(0) })
    .default({ perHour: 0, publicIPv4PerHour: 0 }),
  packetOverheadBytes: z.int(overhead).min(0, overhead).max(200, overhead).default(28),
})
type FileTier = z.infer<typeof pricesFileSchema>['egress']['internet']['tiers'][number]

/**
 * Reads a prices file (YAML, the shape in docs/relay-cost.md).
 * @param name what reports call these prices where the file has no `name`
 * @throws {PricesError} `PRICES_SYNTAX`, `PRICES_INVALID`, `PRICES_TIERS`; the message names the
 *   field or the tier, and the fix
 */
export function loadPrices(yamlText: string, name = 'own prices'): Prices {
  let document: unknown
  try {
    document = parseYaml(yamlText, { logLevel: 'error' })
  } catch (error) {
    // A YAMLParseError, or aliases that name no anchor or multiply without end.
    throw new PricesError('PRICES_SYNTAX', `${name}: not YAML: ${firstLineOf(error)}`)
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new PricesError(
      'PRICES_INVALID',
      `${name}: is no price list; it needs currency, asOf, gigabyte and egress, as docs/relay-cost.md shows`,
    )
  const file = pricesFileSchema.safeParse(document, { error: faultOf })
  if (!file.success) {
    const faults = file.error.issues.map((issue) => `${pathOf(issue.path)}: ${issue.message}`)
    throw new PricesError('PRICES_INVALID', `${name}: ${faults.join('; ')}`)
  }
  const { egress, ...rest } = file.data
  const internet = { ...egress.internet, tiers: checkTiers(egress.internet.tiers, name) }
  return { ...rest, name: rest.name ?? name, egress: { ...egress, internet } }
}

/** What zod says of a value of the wrong type or an unknown field, for people. */
function faultOf(issue: { code?: string; input?: unknown; expected?: string; keys?: string[] }) {
  if (issue.input === undefined) return 'is missing'
  if (issue.code === 'unrecognized_keys')
    return `unknown field ${issue.keys?.join(', ')}; remove it or correct its name`
  if (issue.code !== 'invalid_type') return undefined
  const kinds: Record<string, string> = {
    object: 'a block of fields',
    array: 'a list',
    string: 'text',
  }
  return `must be ${kinds[issue.expected ?? ''] ?? 'a number'}`
}

function firstLineOf(error: unknown): string {
  return (error as Error).message.split(/:?\n/, 1)[0] ?? ''
}

function pathOf(path: PropertyKey[]): string {
  const text = path
    .map((step) => (typeof step === 'number' ? ` tier ${step + 1} ` : `.${String(step)}`))
    .join('')
  return text.replace(/^\./, '').replace(/ \./g, ' ').trim() || 'the file'
}

function checkTiers(tiers: readonly FileTier[], name: string): Tier[] {
  const fault = (message: string) =>
    new PricesError('PRICES_TIERS', `${name}: egress.internet.tiers: ${message}`)
  let lowerGB = 0
  return tiers.map((tier, index) => {
    const label = `tier ${index + 1}`
    const last = index === tiers.length - 1
    if (tier.fromGB !== undefined && tier.fromGB > lowerGB)
      throw fault(
        `hole: nothing prices ${lowerGB} to ${tier.fromGB} GB before ${label}; start ${label} at ${lowerGB}`,
      )
    if (tier.fromGB !== undefined && tier.fromGB < lowerGB)
      throw fault(
        `${label} starts at ${tier.fromGB} GB, inside the tier before; start it at ${lowerGB}`,
      )
    if (!last && tier.upToGB === undefined)
      throw fault(
        `${label} has no upToGB, so no tier after it is ever reached; give it a bound or move it to the end`,
      )
    if (last && tier.upToGB !== undefined)
      throw fault(
        `hole: nothing prices what is above ${tier.upToGB} GB; leave upToGB out of the last tier (${label}) or add one after it`,
      )
    const upToGB = tier.upToGB ?? Number.POSITIVE_INFINITY
    if (upToGB <= lowerGB)
      throw fault(
        `disorder: ${label} ends at ${upToGB} GB, the tier before at ${lowerGB} GB; sort them by upToGB`,
      )
    lowerGB = upToGB
    return { upToGB, perGB: tier.perGB }
  })
}

/**
 * What `bytes` of internet egress cost on top of the prior usage, in the currency, unrounded.
 * Marginal: the price of (prior + bytes) less the price of prior.
 */
export function priceEgress(bytes: number, prices: Prices): number {
  const { priorUsageGB, tiers } = prices.egress.internet
  const fromGB = priorUsageGB
  const toGB = priorUsageGB + bytes / prices.gigabyte
  let cost = 0
  let lowerGB = 0
  for (const { upToGB, perGB } of tiers) {
    const gigabytes = Math.min(toGB, upToGB) - Math.max(fromGB, lowerGB)
    if (gigabytes > 0) cost += gigabytes * perGB
    lowerGB = upToGB
  }
  return cost
}

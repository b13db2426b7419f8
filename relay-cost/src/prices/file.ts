import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { hourMs } from '../allocation.ts'
import { PricesError } from '../errors.ts'
import { meters } from './meters.ts'
import {
  convertPrices,
  networkTiers,
  nodeVariants,
  type Prices,
  type Tier,
  usualDiscounts,
} from './prices.ts'

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

const date = z.iso.date('must be a date, as 2026-11-01')
const currency = z.string().regex(/^[A-Z]{3}$/, 'must be a currency code of three capitals, as USD')
const share = z
  .number()
  .min(0, 'must be from 0 to 1, as 0.4 for 40 %')
  .max(1, 'must be from 0 to 1, as 0.4 for 40 %')
const oneOf = (names: readonly string[]) => ({ error: `must be one of ${names.join(', ')}` })

/** A day (UTC) or an instant. Usage is kept by the hour, so a list can change only between two. */
const validity = z
  .union([z.iso.date(), z.iso.datetime()], {
    error: 'must be a day or an instant in UTC, as 2026-11-01 or 2026-11-01T12:00:00Z',
  })
  .transform((text) => Date.parse(text))
  .refine((at) => at % hourMs === 0, 'must be a full hour, as 2026-11-01T12:00:00Z')

const internetSchema = z.strictObject({
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
})

const pricesFileSchema = z.strictObject({
  name: z.string().min(1).optional(),
  currency: currency,
  asOf: date,
  source: z.string().default(''),
  approximate: z.boolean().default(false),
  region: z.string().min(1).optional(),
  validFrom: validity.optional(),
  validTo: validity.optional(),
  convert: z
    .strictObject({ to: currency, rate: price.positive('must be above 0'), asOf: date })
    .optional(),
  networkTier: z.enum(networkTiers, oneOf(networkTiers)).default('premium'),
  gigabyte: z
    .union([z.literal(1e9), z.literal(2 ** 30), z.literal('1e9'), z.literal('2^30')], {
      error: 'must be 1e9 or 2^30',
    })
    .transform((value) => (value === 1e9 || value === '1e9' ? 1e9 : 2 ** 30)),
  meter: z.enum(meters, oneOf(meters)).default('egress'),
  egress: z.strictObject({
    internet: internetSchema,
    crossZone: perGB,
    interRegion: perGB,
    sameNode: perGB,
  }),
  nodes: z
    .strictObject({
      type: z.string().default(''),
      perHour: price.default(0),
      publicIPv4PerHour: price.default(0),
      variant: z.enum(nodeVariants, oneOf(nodeVariants)).default('on-demand'),
      discounts: z
        .strictObject({
          reserved: share.default(usualDiscounts.reserved),
          spot: share.default(usualDiscounts.spot),
        })
        .prefault({}),
    })
    .prefault({}),
  flatRate: z.strictObject({ perRelayedUserHour: price }).default({ perRelayedUserHour: 0 }),
  packetOverheadBytes: z.int(overhead).min(0, overhead).max(200, overhead).default(28),
})
type FileTier = z.infer<typeof internetSchema>['tiers'][number]

/**
 * Reads a prices file with one price list (YAML, the shape in docs/relay-cost.md).
 * @param name what reports call these prices where the file has no `name`
 * @throws {PricesError} `PRICES_SYNTAX`, `PRICES_INVALID`, `PRICES_TIERS`; the message names the
 *   field or the tier, and the fix. `PRICES_AMBIGUOUS` where the file has several lists
 */
export function loadPrices(yamlText: string, name = 'own prices'): Prices {
  const [prices, second] = loadPriceLists(yamlText, name)
  if (!prices) throw notAList(name)
  if (second)
    throw new PricesError(
      'PRICES_AMBIGUOUS',
      `${name}: has several price lists, and one is needed here; keep one, or a file for each`,
    )
  return prices
}

/**
 * Reads a prices file with any number of price lists, one after the other, each begun by a line
 * `---`: prices of other regions (`region`), and prices that changed (`validFrom`).
 * @throws {PricesError} as {@link loadPrices}
 */
export function loadPriceLists(yamlText: string, name = 'own prices'): Prices[] {
  const documents = parseDocuments(yamlText, name)
  return documents.map((document, index) =>
    readList(document, documents.length > 1 ? `${name} (list ${index + 1})` : name),
  )
}

function parseDocuments(yamlText: string, name: string): unknown[] {
  try {
    // Contents may be null: a line `---` at the end of the file begins a list that is not there.
    const documents = [...parseAllDocuments(yamlText, { logLevel: 'error' })]
    const contents = documents.map((document) => {
      for (const error of document.errors) throw error
      return document.toJS() as unknown
    })
    const lists = contents.filter((content) => content !== null)
    return lists.length > 0 ? lists : [null]
  } catch (error) {
    // A YAMLParseError, or aliases that name no anchor or multiply without end.
    throw new PricesError('PRICES_SYNTAX', `${name}: not YAML: ${firstLineOf(error)}`)
  }
}

function notAList(name: string): PricesError {
  return new PricesError(
    'PRICES_INVALID',
    `${name}: is no price list; it needs currency, asOf, gigabyte and egress, as docs/relay-cost.md shows`,
  )
}

function readList(document: unknown, name: string): Prices {
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw notAList(name)
  const file = pricesFileSchema.safeParse(document, { error: faultOf })
  if (!file.success) {
    const faults = file.error.issues.map((issue) => `${pathOf(issue.path)}: ${issue.message}`)
    throw new PricesError('PRICES_INVALID', `${name}: ${faults.join('; ')}`)
  }
  const { egress, convert, validFrom, validTo, region, ...rest } = file.data
  if (validFrom !== undefined && validTo !== undefined && validTo <= validFrom)
    throw new PricesError('PRICES_INVALID', `${name}: validTo must be after validFrom`)
  if (rest.meter === 'flat-rate' && rest.flatRate.perRelayedUserHour === 0)
    throw new PricesError(
      'PRICES_INVALID',
      `${name}: meter flat-rate needs its price; add flatRate: { perRelayedUserHour: 0.05 }`,
    )
  const internet = { ...egress.internet, tiers: checkTiers(egress.internet.tiers, name) }
  const prices: Prices = {
    ...rest,
    name: rest.name ?? name,
    egress: { ...egress, internet },
    ...(region === undefined ? {} : { region }),
    ...(validFrom === undefined ? {} : { validFrom }),
    ...(validTo === undefined ? {} : { validTo }),
  }
  if (!convert) return prices
  if (convert.to === prices.currency)
    throw new PricesError(
      'PRICES_INVALID',
      `${name}: convert.to is ${convert.to}, the currency of the list itself; remove convert`,
    )
  return convertPrices(prices, { currency: convert.to, rate: convert.rate, asOf: convert.asOf })
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

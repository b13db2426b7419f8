import { z } from 'zod'
import { PricesError } from '../../errors.ts'
import type { NetworkTier, Prices, Tier } from '../prices.ts'

/** One value of a vendor's file, and the keys that lead to it: `['products', 'ABC']`. */
export type JsonEntry = { path: readonly (string | number)[]; value: unknown }

export type ImportRequest = {
  /** The vendor's name of the region, as `eu-central-1`. */
  region: string
  /** The vendor's name of the node whose price is wanted, as `c6i.large`. */
  node?: string
  /** Over the vendor's own network (default), or the cheaper way out where there is one. */
  networkTier?: NetworkTier
}

/** What a file came to: a price list, and what the reader should know of how it was made. */
export type Imported = { prices: Prices; notes: string[] }

/**
 * Takes the values of a vendor's price files one by one and keeps only what is of the region, so that
 * a file of any size can be read as a stream.
 */
export type PriceImporter = {
  /** JSONPaths of the values that are wanted. */
  readonly paths: readonly string[]
  add(entry: JsonEntry): void
  /** @throws {PricesError} `PRICES_IMPORT`: names what the files lack, and the file that has it */
  result(): Imported
}

export function importError(message: string): PricesError {
  return new PricesError('PRICES_IMPORT', message)
}

/** A step of a price as vendors write it: from this many gigabytes on. */
export type Step = { fromGB: number; perGB: number }

/**
 * Steps as tiers, in order and without hole.
 * @throws {PricesError} `PRICES_IMPORT` where the first step does not begin at 0, or two begin alike
 */
export function tiersOf(steps: readonly Step[], what: string): Tier[] {
  const sorted = steps.toSorted((a, b) => a.fromGB - b.fromGB)
  if (sorted[0]?.fromGB !== 0)
    throw importError(
      `${what}: the first tier, from 0 GB, is missing; the file seems to be cut short: fetch it again`,
    )
  return sorted.map(({ fromGB, perGB }, index) => {
    const upToGB = sorted[index + 1]?.fromGB ?? Number.POSITIVE_INFINITY
    if (upToGB === fromGB)
      throw importError(`${what}: two tiers begin at ${fromGB} GB; keep the file of one day only`)
    return { upToGB, perGB }
  })
}

/** The value that most have (the cheaper one among equals), and all there are, cheapest first. */
export function mostCommon<T>(
  values: readonly T[],
  priceOf: (value: T) => number,
): { chosen: T; others: T[] } | undefined {
  const groups = new Map<string, T[]>()
  for (const value of values) {
    const key = JSON.stringify(value)
    groups.set(key, [...(groups.get(key) ?? []), value])
  }
  const [first, ...rest] = [...groups.values()].sort(
    (a, b) => b.length - a.length || priceOf(a[0] as T) - priceOf(b[0] as T),
  )
  if (!first) return undefined
  return { chosen: first[0] as T, others: rest.map((group) => group[0] as T) }
}

/** A value that is of the shape, or undefined: files hold much besides what is looked for. */
export function ofShape<S extends z.ZodType>(schema: S, value: unknown): z.output<S> | undefined {
  const read = schema.safeParse(value)
  return read.success ? read.data : undefined
}

/** The day of an instant that a vendor wrote. */
export function dayOf(instant: string, what: string): string {
  const at = Date.parse(instant)
  if (Number.isNaN(at)) throw importError(`${what}: "${instant}" is no date; fetch the file again`)
  return new Date(at).toISOString().slice(0, 10)
}

export const decimalText = z.string().regex(/^\d{1,12}(\.\d{1,18})?$/)

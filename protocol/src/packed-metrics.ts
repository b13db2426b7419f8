import type { MetricsDelta } from './meeting-metrics.ts'

/** `meeting:metrics:reads`: from this version on a server reads packed deltas. */
export const packedMetricsVersion = 2

/** Of a delta: its number, which fields it has (the sum of their bits), and what they are, in this order. */
export type PackedMetrics = (number | null)[]

/** By their bits, the lowest first. What is new comes at the end: both sides have to know the same. */
const fields = [
  ...(['up', 'down', 'rtt', 'min', 'max', 'loss', 'jitter', 'links', 'relayed'] as const),
  ...(['tx', 'rx', 'back'] as const),
]
const bits = fields.map((field, index) => [field, 2 ** index] as const)

/** Names of fields are most of a delta: without them it is a third shorter. */
export function packMetrics({ n, ...delta }: MetricsDelta): PackedMetrics {
  const said = bits.filter(([field]) => delta[field] !== undefined)
  const mask = said.reduce((sum, [, bit]) => sum + bit, 0)
  return [n, mask, ...said.map(([field]) => delta[field] ?? null)]
}

/** @returns undefined where it is no packed delta; its values are still to be checked */
export function unpackMetrics(packed: readonly unknown[]): Record<string, unknown> | undefined {
  const [n, mask, ...values] = packed
  if (typeof mask !== 'number' || !Number.isInteger(mask)) return undefined
  if (mask < 0 || mask >= 2 ** fields.length) return undefined
  const said = bits.filter(([, bit]) => (mask & bit) !== 0)
  if (said.length !== values.length) return undefined
  return { n, ...Object.fromEntries(said.map(([field], index) => [field, values[index]])) }
}

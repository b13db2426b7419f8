/**
 * Money without rounding: a whole number of units so small that every price of at most 12 decimals
 * comes out exactly for every byte of both gigabytes and for every millisecond. One currency unit is
 * 9 · 2^30 · 5^9 · 10^12 of them: the least common multiple of 10^9 and 2^30 bytes and of the
 * milliseconds of an hour, times 12 decimals.
 */
export type ExactMoney = bigint

const decimals = 12
const bytesCommon = 2n ** 30n * 5n ** 9n
const exactPerPico = 9n * bytesCommon
export const exactPerUnit: ExactMoney = exactPerPico * 10n ** 12n
const hourMs = 3_600_000n

/** Money in reports: millionths of the currency. */
export const microsPerUnit = 1_000_000

/**
 * A decimal number as a whole number of 10^-12: `0.09` → `90_000_000_000n`. Reads the digits that
 * the number is written with, so 0.1 is a tenth. Further decimals are rounded, halves up.
 * @param value not negative and below 1e21, or its text
 */
export function toPico(value: number | string): bigint {
  const text = String(value).toLowerCase()
  const [mantissa = '', exponent = '0'] = text.split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  const shift = decimals + Number(exponent) - fraction.length
  const digits = BigInt(`${whole}${fraction}` || '0')
  if (shift >= 0) return digits * 10n ** BigInt(shift)
  const divisor = 10n ** BigInt(-shift)
  return (digits + divisor / 2n) / divisor
}

/** The number that 10^-12 parts stand for; the inverse of {@link toPico}. */
export function fromPico(pico: bigint): number {
  const text = pico.toString().padStart(decimals + 1, '0')
  return Number(`${text.slice(0, -decimals)}.${text.slice(-decimals)}`)
}

/** A price times a factor, to 12 decimals. */
export function scaled(price: number, factor: number): number {
  const one = 10n ** BigInt(decimals)
  return fromPico((toPico(price) * toPico(factor) + one / 2n) / one)
}

/** What `bytes` cost at a price for each gigabyte of `gigabyte` bytes (1e9 or 2^30). */
export function priceOfBytes(bytes: bigint, perGB: number, gigabyte: number): ExactMoney {
  return bytes * toPico(perGB) * (exactPerPico / BigInt(gigabyte))
}

/** What a span of time costs at a price for each hour. */
export function priceOfTime(milliseconds: bigint, perHour: number): ExactMoney {
  return milliseconds * toPico(perHour) * (exactPerPico / hourMs)
}

/** Rounded to millionths, halves up: the only rounding of a sum of money. */
export function toMicros(money: ExactMoney): number {
  const perMicro = exactPerUnit / BigInt(microsPerUnit)
  return Number((money + perMicro / 2n) / perMicro)
}

/** A number of the currency to millionths: for estimates. */
export function roundMoney(amount: number): number {
  return Math.round(amount * microsPerUnit) / microsPerUnit
}

/** As a number of the currency, rounded to millionths. */
export function toNumber(money: ExactMoney): number {
  return toMicros(money) / microsPerUnit
}

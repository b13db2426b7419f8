export function money(amount: number, currency: string, locale: string): string {
  const format = {
    style: 'currency',
    currency,
    currencyDisplay: 'narrowSymbol',
    maximumFractionDigits: amount < 10 ? 3 : 2,
  } as const
  return new Intl.NumberFormat(locale, { ...format, minimumFractionDigits: 2 }).format(amount)
}

export function percent(part: number, locale: string, digits = 0): string {
  const format = { style: 'percent', maximumFractionDigits: digits } as const
  return new Intl.NumberFormat(locale, format).format(part)
}

export function decimal(value: number, locale: string, digits = 1): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value)
}

/** `1.5 MB`, of 1000 bytes each. */
export function bytes(value: number, locale: string): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const
  const step = Math.min(
    units.length - 1,
    Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)),
  )
  return `${decimal(value / 1000 ** step, locale)} ${units[step]}`
}

/** Hours and minutes; with seconds where there are any. */
export function clock(at: number, locale: string): string {
  const timeStyle = at % 60_000 === 0 ? 'short' : 'medium'
  return new Intl.DateTimeFormat(locale, { timeStyle }).format(new Date(at))
}

export function time(at: number | string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'medium' }).format(new Date(at))
}

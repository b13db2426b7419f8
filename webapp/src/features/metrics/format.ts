/** `950 kbps`, `1.2 Mbps`: what people compare with what their provider promises. */
export function bitRate(exactKbps: number, locale: string): string {
  const kbps = Math.round(exactKbps)
  const mega = kbps >= 1000
  const value = mega ? kbps / 1000 : kbps
  const digits = mega && value < 10 ? 1 : 0
  const number = new Intl.NumberFormat(locale, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  return `${number.format(value)} ${mega ? 'Mbps' : 'kbps'}`
}

/** `0.4`, `12.0`: to a tenth. */
export function tenths(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  }).format(value)
}

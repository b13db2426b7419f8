const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** `1234567` → `1.23 MB`; decimal units, three figures. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${byteUnits[unit]}`
}

/** `3725` → `1h 02m`; `62` → `1m 02s`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds)
  const two = (value: number) => String(value).padStart(2, '0')
  if (whole < 60) return `${whole}s`
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${two(whole % 60)}s`
  return `${grouped(Math.floor(whole / 3600))}h ${two(Math.floor((whole % 3600) / 60))}m`
}

/**
 * `0.0012345` → `0.001235`, `1234.5` → `1,234.50`: two decimals from 100 on, four from 0.1 on, else six.
 * @param like the amount that the decimals are of, for amounts that stand below each other
 */
export function formatMoney(amount: number, like = amount): string {
  const digits = like === 0 || like >= 100 ? 2 : like >= 0.1 ? 4 : 6
  return grouped(amount, digits)
}

/** `1234567.891` → `1,234,567.89` */
export function grouped(amount: number, digits = 0): string {
  const format = formats[digits] ?? formatWith(digits)
  formats[digits] = format
  return format.format(amount)
}

/** By number of decimals: to make one takes longer than to use it. */
const formats: Intl.NumberFormat[] = []

function formatWith(digits: number): Intl.NumberFormat {
  return new Intl.NumberFormat('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
}

/** Text in lines of at most `width`, cut between words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line ? `${line} ${word}` : word
  }
  return [...lines, line]
}

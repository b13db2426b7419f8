import { type ReportDimension, reportDimensions } from '@parley/protocol'
import { ReportRequestError } from './errors.ts'

/** A span of time, epoch ms, `to` not included. */
export type Window = { from: number; to: number }

/** Ten years: more is a slip of the pen, and would keep a meter busy for long. */
const mostMs = 3660 * 86_400_000

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * Reads `tenant,room` into report dimensions.
 * @throws {ReportRequestError} `REPORT_BY`
 */
export function parseBy(text: string): ReportDimension[] {
  const names = text.split(',').map((name) => name.trim())
  return names.map((name, index) => {
    const dimension = reportDimensions.find((known) => known === name)
    if (!dimension)
      throw new ReportRequestError(
        'REPORT_BY',
        `cannot report by "${name}"; use some of ${reportDimensions.join(', ')}`,
      )
    if (names.indexOf(name) !== index)
      throw new ReportRequestError('REPORT_BY', `"${name}" stands twice in by; name it once`)
    return dimension
  })
}

/** A FOCUS file has charges of a day each at the most: its report is by day, asked for or not. */
export function dimensionsFor(
  format: string,
  by: readonly ReportDimension[],
): readonly ReportDimension[] {
  return format !== 'focus' || by.includes('day') || by.includes('hour') ? by : [...by, 'day']
}

/**
 * Reads the window of a report: `window` is a length that ends at `now` (`90m`, `24h`, `7d`),
 * `from` and `to` are instants (ISO 8601 or epoch ms). Nothing given is the last 24 hours.
 * @throws {ReportRequestError} `REPORT_WINDOW`
 */
export function parseWindow(
  request: { window?: string | undefined; from?: string | undefined; to?: string | undefined },
  now: number,
): Window {
  const { window, from, to } = request
  if (window !== undefined && (from !== undefined || to !== undefined))
    throw new ReportRequestError('REPORT_WINDOW', 'give either window, or from and to, not both')
  const end = to === undefined ? now : parseInstant(to, 'to')
  const start = from === undefined ? end - parseLength(window ?? '24h') : parseInstant(from, 'from')
  if (start >= end)
    throw new ReportRequestError(
      'REPORT_WINDOW',
      `from (${new Date(start).toISOString()}) must be before to (${new Date(end).toISOString()})`,
    )
  if (end - start > mostMs)
    throw new ReportRequestError(
      'REPORT_WINDOW',
      'a report is of ten years at the most; shorten it',
    )
  return { from: start, to: end }
}

function parseLength(text: string): number {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  const length = Number(count) * (unitMs[unit as keyof typeof unitMs] ?? Number.NaN)
  if (!(length > 0))
    throw new ReportRequestError(
      'REPORT_WINDOW',
      `window "${text}" is not a length; write it as 90m, 24h or 7d`,
    )
  return length
}

function parseInstant(text: string, name: string): number {
  const at = /^\d{10,14}$/.test(text) ? Number(text) : Date.parse(text)
  if (!Number.isFinite(at) || at < 0)
    throw new ReportRequestError(
      'REPORT_WINDOW',
      `${name} "${text}" is not an instant; write it as 2026-11-21T10:00:00Z`,
    )
  return at
}

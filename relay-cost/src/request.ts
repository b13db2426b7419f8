import { type ReportDimension, reportDimensions } from '@parley/protocol'
import { dayMs, hourMs } from './allocation.ts'
import { ReportRequestError } from './errors.ts'

/** A span of time, epoch ms, `to` not included. */
export type Window = { from: number; to: number }

/** Ten years: more is a slip of the pen, and would keep a meter busy for long. */
const mostMs = 3660 * dayMs

const unitMs = { m: 60_000, h: hourMs, d: dayMs } as const

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
 * `from` and `to` are instants: ISO 8601, UTC where it has no zone, or epoch ms of 13 digits. Nothing
 * given is the last 24 hours.
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

/** A day, or a day and a time; without a zone it is UTC, whatever the machine's own is. */
const isoPattern =
  /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|z|[+-]\d\d:?\d\d)?)?$/
/** Later is a slip of the pen, or microseconds. */
const latest = Date.UTC(2100, 0)

function parseInstant(text: string, name: string): number {
  const at = /^\d{13}$/.test(text) ? Number(text) : parseIso(text)
  if (at >= 0 && at < latest) return at
  const reason = /^\d{9,10}$/.test(text) ? 'is it in seconds? ' : ''
  throw new ReportRequestError(
    'REPORT_WINDOW',
    `${name} "${text}" is not an instant from 1970 to 2099; ${reason}write it as 2026-11-21T10:00:00Z`,
  )
}

/** Epoch ms; NaN where it is none. */
function parseIso(text: string): number {
  const [, day, time = '00:00', zone = 'Z'] = isoPattern.exec(text) ?? []
  const midnight = Date.parse(`${day}T00:00Z`)
  // February 31 would be taken as March 3.
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(`${day}T`))
    return Number.NaN
  return Date.parse(`${day}T${time}${zone.toUpperCase()}`)
}

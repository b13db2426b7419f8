import type { Meeting } from './boardViews.ts'

const columns = [
  'meeting',
  'participant',
  'upKbps',
  'downKbps',
  'rttMs',
  'lossPercent',
  'jitterMs',
  'quality',
  'mos',
  'connections',
  'relayed',
  'at',
] as const
type Row = Record<(typeof columns)[number], string | number | null>

/** A row for each participant, times in ISO 8601. */
export function exportRows(meetings: readonly Meeting[]): Row[] {
  return meetings.flatMap(({ id, users }) =>
    users.map(({ userId, metrics, quality, mos, at }) => ({
      meeting: id,
      participant: userId,
      upKbps: metrics.up,
      downKbps: metrics.down,
      rttMs: metrics.rtt,
      lossPercent: metrics.loss,
      jitterMs: metrics.jitter,
      quality,
      mos,
      connections: metrics.links,
      relayed: metrics.relayed,
      at: new Date(at).toISOString(),
    })),
  )
}

/** RFC 4180. What a spreadsheet would take for a formula is text (OWASP, CSV injection). */
export function csvOf(rows: readonly Row[]): string {
  const cell = (value: string | number | null) => {
    if (typeof value !== 'string') return value === null ? '' : String(value)
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
  }
  const lines = rows.map((row) => columns.map((column) => cell(row[column])).join(','))
  return `${[columns.join(','), ...lines].join('\r\n')}\r\n`
}

export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

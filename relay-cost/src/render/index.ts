import type { RelayCostReport } from '@parley/protocol'
import { renderCsv } from './csv.ts'
import { type FocusOptions, renderFocus } from './focus.ts'
import { renderTable, type TableOptions } from './table.ts'

export const reportFormats = ['table', 'json', 'csv', 'focus'] as const
export type ReportFormat = (typeof reportFormats)[number]

/** A report as text, the last line ended. `csv` and `focus` are RFC 4180 with a header line. */
export function renderReport(
  report: RelayCostReport,
  format: ReportFormat,
  options: TableOptions & FocusOptions = {},
): string {
  switch (format) {
    case 'table':
      return renderTable(report, options)
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`
    case 'csv':
      return renderCsv(report)
    case 'focus':
      return renderFocus(report, options)
  }
}

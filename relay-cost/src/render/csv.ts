import { type RelayCostReport, type ReportDimension, reportDimensions } from '@parley/protocol'

export type Cell = string | number

/** RFC 4180: fields with a comma, a quote or a line break are quoted. */
export function toCsv(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [header, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

function cell(value: Cell): string {
  const text = String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** The dimensions of a report's rows, in the order of their keys. */
export function dimensionsOf(report: RelayCostReport): ReportDimension[] {
  const used = Object.keys(report.rows[0]?.key ?? {})
  return used.filter((name): name is ReportDimension =>
    (reportDimensions as readonly string[]).includes(name),
  )
}

/** One line a row, bytes and money as plain numbers. No totals line: it would be summed twice. */
export function renderCsv(report: RelayCostReport): string {
  const dimensions = dimensionsOf(report)
  const header = [
    ...dimensions,
    'allocations',
    'relayedSeconds',
    'clientToTurnBytes',
    'turnToClientBytes',
    'turnToPeerBytes',
    'peerToTurnBytes',
    'billableBytes',
    'unattributedBytes',
    'currency',
    'egressCost',
    'nodesCost',
    'idleCost',
    'totalCost',
  ]
  const rows = report.rows.map((row) => [
    ...dimensions.map((dimension) => row.key[dimension] ?? ''),
    row.allocations,
    row.relayedSeconds,
    row.bytes.clientToTurn,
    row.bytes.turnToClient,
    row.bytes.turnToPeer,
    row.bytes.peerToTurn,
    row.bytes.billable,
    row.unattributedBytes,
    report.currency,
    ...[row.cost.egress, row.cost.nodes, row.cost.idle, row.cost.total].map((cost) =>
      cost.toFixed(6),
    ),
  ])
  return toCsv(header, rows)
}

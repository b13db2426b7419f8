import type { Measures, RelayCostReport, ReportRow } from '@parley/protocol'
import { adviceLines } from '../advice/render.ts'
import { formatBytes, formatMoney, formatSeconds, wrap } from '../format.ts'
import { dimensionsOf } from './csv.ts'

type Paint = (text: string) => string
/** Colours for a terminal; picocolors' object fits. Left out, the text is plain. */
export type Colour = { bold: Paint; dim: Paint; cyan: Paint; green: Paint; yellow: Paint }

export type TableOptions = {
  /** Columns of the terminal, default 100; from 80 on nothing wraps. */
  width?: number
  colour?: Colour
}

const plain: Colour = {
  bold: (text) => text,
  dim: (text) => text,
  cyan: (text) => text,
  green: (text) => text,
  yellow: (text) => text,
}

type Column = {
  head: string
  align: 'left' | 'right'
  cell: (row: ReportRow) => string
  total: (totals: Measures) => string
  /** Columns with the greatest number are left out first where the width does not do. */
  dispensable: number
}

const gap = '  '
const longestBar = 12

/** The report for people: a head, a line a room (or what it is by), totals, notes. */
export function renderTable(report: RelayCostReport, options: TableOptions = {}): string {
  const { width = 100, colour = plain } = options
  const columns = chooseColumns(report, width)
  const widths = columns.map((column) => widthOf(column, report))
  const keyColumns = dimensionsOf(report).length
  const line = (cells: string[]) =>
    cells
      .map((text, index) => {
        const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - textWidth(text)))
        return columns[index]?.align === 'right' ? space + text : text + space
      })
      .join(gap)

  const used = widths.reduce((sum, each) => sum + each + gap.length, 0)
  const barWidth = Math.min(longestBar, width - used)
  const most = Math.max(0, ...report.rows.map((row) => weightOf(row, report.totals)))
  const body = report.rows.map((row) => {
    const text = line(columns.map((column) => column.cell(row)))
    const bar =
      barWidth >= 3 ? bars(most > 0 ? weightOf(row, report.totals) / most : 0, barWidth) : ''
    return `${text}${gap}${colour.cyan(bar)}`.trimEnd()
  })
  const rule = colour.dim('─'.repeat(Math.min(width, used + Math.max(0, barWidth)) - gap.length))
  const totals = line(
    columns.map((column, index) => {
      if (index >= Math.max(1, keyColumns)) return column.total(report.totals)
      return index === 0 ? 'total' : ''
    }),
  )
  return `${[
    ...heading(report, colour),
    '',
    colour.dim(line(columns.map((column) => column.head)).trimEnd()),
    ...(body.length > 0 ? body : [colour.dim('nothing was relayed')]),
    rule,
    colour.bold(totals.trimEnd()),
    ...notes(report, width, colour),
    ...adviceLines(report.advice ?? [], width, colour),
  ].join('\n')}\n`
}

function heading(report: RelayCostReport, colour: Colour): string[] {
  const day = (instant: string) => instant.slice(0, 16).replace('T', ' ')
  return [
    `${colour.bold('Relay cost')}  ${day(report.window.from)} to ${day(report.window.to)} UTC`,
    colour.dim(`prices ${report.prices.name} as of ${report.prices.asOf}, in ${report.currency}`),
  ]
}

function notes(report: RelayCostReport, width: number, colour: Colour): string[] {
  if (report.notes.length === 0) return []
  return [
    '',
    ...report.notes.flatMap((note) =>
      wrap(note, width - 2).map(
        (text, index) => `${index === 0 ? colour.yellow('•') : ' '} ${colour.dim(text)}`,
      ),
    ),
  ]
}

function chooseColumns(report: RelayCostReport, width: number): Column[] {
  const longestKey = Math.max(12, Math.floor(width / 4))
  const keys: Column[] = dimensionsOf(report).map((dimension) => ({
    head: dimension,
    align: 'left',
    cell: (row) => shorten(row.key[dimension] ?? '', longestKey),
    total: () => '',
    dispensable: 0,
  }))
  const bytes = (head: string, leg: keyof Measures['bytes'], dispensable: number): Column => ({
    head,
    align: 'right',
    cell: (row) => formatBytes(row.bytes[leg]),
    total: (totals) => formatBytes(totals.bytes[leg]),
    dispensable,
  })
  const number = (head: string, text: (of: Measures) => string, dispensable: number): Column => ({
    head,
    align: 'right',
    cell: text,
    total: text,
    dispensable,
  })
  let columns: Column[] = [
    ...(keys.length > 0
      ? keys
      : [
          { head: '', align: 'left', cell: () => 'all', total: () => '', dispensable: 0 } as Column,
        ]),
    number('allocs', (of) => String(of.allocations), 3),
    number('relayed', (of) => formatSeconds(of.relayedSeconds), 2),
    bytes('client→turn', 'clientToTurn', 5),
    bytes('turn→client', 'turnToClient', 1),
    bytes('turn→peer', 'turnToPeer', 1),
    bytes('peer→turn', 'peerToTurn', 4),
    bytes('billable', 'billable', 0),
    number(report.currency, (of) => formatMoney(of.cost.total), 0),
  ]
  const needed = () =>
    columns.reduce((sum, column) => sum + widthOf(column, report) + gap.length, 0) + 3
  for (let least = 5; least > 0 && needed() > width; least -= 1)
    columns = columns.filter((column) => column.dispensable < least)
  return columns
}

function widthOf(column: Column, report: RelayCostReport): number {
  const texts = [column.head, column.total(report.totals), ...report.rows.map(column.cell)]
  return Math.max(...texts.map(textWidth), column.dispensable === 0 ? 5 : 0)
}

/** What the bar shows: cost, or bytes where nothing costs anything. */
function weightOf(row: ReportRow, totals: Measures): number {
  if (totals.cost.total > 0) return row.cost.total
  const { clientToTurn, turnToClient, turnToPeer, peerToTurn } = row.bytes
  return clientToTurn + turnToClient + turnToPeer + peerToTurn
}

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

function bars(share: number, width: number): string {
  const steps = Math.round(share * width * 8)
  return '█'.repeat(Math.floor(steps / 8)) + (eighths[steps % 8] ?? '')
}

function shorten(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}

/** All characters that reports are made of are one column wide. */
function textWidth(text: string): number {
  return [...text].length
}

import type { Measures, RelayCostReport, ReportRow } from '@parley/protocol'
import { adviceLines } from '../advice/render.ts'
import { formatBytes, formatMoney, formatSeconds, grouped, wrap } from '../format.ts'
import { dimensionsOf } from './csv.ts'

type Paint = (text: string) => string
/** Colours for a terminal; picocolors' object fits. Left out, the text is plain. */
export type Colour = { bold: Paint; dim: Paint; cyan: Paint; green: Paint; yellow: Paint }

export type TableOptions = {
  /** Columns of the terminal, default 100; below 60 (a phone) each row is two short lines. */
  width?: number
  /** Rows to show, the most expensive first; the others are summed up in one. Default: all. */
  top?: number
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
const narrowBelow = 60

/** The report for people: a head, a line a room (or what it is by), totals, notes. */
export function renderTable(whole: RelayCostReport, options: TableOptions = {}): string {
  const { width = 100, colour = plain, top = Number.POSITIVE_INFINITY } = options
  const report = { ...whole, rows: topRows(whole.rows, top) }
  const nothing = report.rows.length === 0 ? [colour.dim('nothing was relayed')] : []
  const body = width < narrowBelow ? narrowBody : wideBody
  return `${[
    ...heading(report, width, colour),
    '',
    ...body(report, width, colour, nothing),
    ...parts(report, colour),
    ...notes(report, width, colour),
    ...adviceLines(report.advice ?? [], width, colour),
  ].join('\n')}\n`
}

/** The first rows, and the sum of the others as one more. */
function topRows(rows: readonly ReportRow[], top: number): ReportRow[] {
  if (rows.length <= top) return [...rows]
  const others = rows.slice(top)
  const sum = (of: (row: ReportRow) => number) => others.reduce((all, row) => all + of(row), 0)
  const money = (kind: keyof Measures['cost']) =>
    others.reduce((all, row) => all + Math.round(row.cost[kind] * 1e6), 0) / 1e6
  const [first = {}] = rows.map(({ key }) => key)
  const names = Object.keys(first).map((name, index) => [
    name,
    index === 0 ? `(${others.length} others)` : '',
  ])
  return [
    ...rows.slice(0, top),
    {
      key: Object.fromEntries(names),
      allocations: sum((row) => row.allocations),
      relayedSeconds: sum((row) => row.relayedSeconds),
      bytes: {
        clientToTurn: sum(({ bytes }) => bytes.clientToTurn),
        turnToClient: sum(({ bytes }) => bytes.turnToClient),
        turnToPeer: sum(({ bytes }) => bytes.turnToPeer),
        peerToTurn: sum(({ bytes }) => bytes.peerToTurn),
        billable: sum(({ bytes }) => bytes.billable),
      },
      cost: {
        egress: money('egress'),
        nodes: money('nodes'),
        idle: money('idle'),
        total: money('total'),
      },
      unattributedBytes: sum((row) => row.unattributedBytes),
    },
  ]
}

function wideBody(
  report: RelayCostReport,
  width: number,
  colour: Colour,
  nothing: string[],
): string[] {
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
  const share = shareOf(report)
  const body = report.rows.map((row) => {
    const text = line(columns.map((column) => column.cell(row)))
    const bar = barWidth >= 3 ? bars(share(row), barWidth) : ''
    return `${text}${gap}${colour.cyan(bar)}`.trimEnd()
  })
  const rule = colour.dim('─'.repeat(Math.min(width, used + Math.max(0, barWidth)) - gap.length))
  const totals = line(
    columns.map((column, index) => {
      if (index >= Math.max(1, keyColumns)) return column.total(report.totals)
      return index === 0 ? 'total' : ''
    }),
  )
  return [
    colour.dim(line(columns.map((column) => column.head)).trimEnd()),
    ...body,
    ...nothing,
    rule,
    colour.bold(totals.trimEnd()),
  ]
}

/** Two lines a row: whose it is and its money; a bar and its bytes. */
function narrowBody(
  report: RelayCostReport,
  width: number,
  colour: Colour,
  nothing: string[],
): string[] {
  const dimensions = dimensionsOf(report)
  const ends = (left: string, right: string) => {
    const text = shorten(left, Math.max(1, width - textWidth(right) - 1))
    return text + ' '.repeat(Math.max(1, width - textWidth(text) - textWidth(right))) + right
  }
  const measures = (of: Measures) =>
    `${formatBytes(of.bytes.billable)} in ${formatSeconds(of.relayedSeconds)}`
  const share = shareOf(report)
  const body = report.rows.flatMap((row) => {
    const name = dimensions.map((dimension) => row.key[dimension] ?? '').filter(Boolean)
    const right = measures(row)
    const bar = bars(share(row), Math.max(0, Math.min(longestBar, width - textWidth(right) - 1)))
    const space = ' '.repeat(Math.max(0, width - textWidth(bar) - textWidth(right)))
    return [
      ends(name.join(' ') || 'all', formatMoney(row.cost.total, report.totals.cost.total)),
      `${colour.cyan(bar)}${space}${colour.dim(right)}`,
    ]
  })
  return [
    colour.dim(ends(dimensions.join(' '), report.currency)),
    ...body,
    ...nothing,
    colour.dim('─'.repeat(width)),
    colour.bold(ends('total', formatMoney(report.totals.cost.total))),
    ends('', measures(report.totals)),
  ]
}

/** What of the totals is nobody's: idle nodes, and bytes of no participant. */
function parts({ totals, currency }: RelayCostReport, colour: Colour): string[] {
  const lines: string[] = []
  const { idle, total } = totals.cost
  if (idle > 0)
    lines.push(`idle nodes ${formatMoney(idle)} ${currency}, ${percent(idle / total)} of it`)
  if (totals.unattributedBytes > 0)
    lines.push(`unattributed ${formatBytes(totals.unattributedBytes)}`)
  return lines.map((line) => colour.yellow(line))
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function heading(report: RelayCostReport, width: number, colour: Colour): string[] {
  const day = (instant: string) => instant.slice(0, 16).replace('T', ' ')
  const span = `${day(report.window.from)} to ${day(report.window.to)} UTC`
  const prices = `prices ${report.prices.name} as of ${report.prices.asOf}, in ${report.currency}`
  return [
    ...(width < narrowBelow
      ? [colour.bold('Relay cost'), ...wrap(span, width)]
      : [`${colour.bold('Relay cost')}  ${span}`]),
    ...wrap(prices, width).map((text) => colour.dim(text)),
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
    number('allocs', (of) => grouped(of.allocations), 3),
    number('relayed', (of) => formatSeconds(of.relayedSeconds), 2),
    bytes('client→turn', 'clientToTurn', 5),
    bytes('turn→client', 'turnToClient', 1),
    bytes('turn→peer', 'turnToPeer', 1),
    bytes('peer→turn', 'peerToTurn', 4),
    bytes('billable', 'billable', 0),
    number(report.currency, (of) => formatMoney(of.cost.total, report.totals.cost.total), 0),
  ]
  const needed = () =>
    columns.reduce((sum, column) => sum + widthOf(column, report) + gap.length, 0) + 3
  for (let least = 5; least > 0 && needed() > width; least -= 1)
    columns = columns.filter((column) => column.dispensable < least)
  return columns
}

function widthOf(column: Column, report: RelayCostReport): number {
  const texts = [column.head, column.total(report.totals), ...report.rows.map(column.cell)]
  return greatest(texts, textWidth, column.dispensable === 0 ? 5 : 0)
}

/** How long a row's bar is, of the longest. */
function shareOf({ rows, totals }: RelayCostReport): (row: ReportRow) => number {
  const most = greatest(rows, (row) => weightOf(row, totals))
  return (row) => (most > 0 ? weightOf(row, totals) / most : 0)
}

/** Of any number of items: a call takes only so many arguments. */
function greatest<T>(items: readonly T[], of: (item: T) => number, least = 0): number {
  return items.reduce((most, item) => Math.max(most, of(item)), least)
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

import { formatMoney, grouped } from '../format.ts'
import type { Alternative, WhatIf } from './what-if.ts'

/** A scenario's cost as a few lines for people, or as JSON. */
export function renderWhatIf(result: WhatIf, format: 'table' | 'json'): string {
  if (format === 'json') return `${JSON.stringify(result, null, 2)}\n`
  const { currency, perHour, perMonth, breakdown } = result
  const hours = breakdown.hoursPerMonth
  const lines: [string, string][] = [['relayed users', figure(breakdown.relayedUsers)]]
  if (breakdown.basis === 'flat-rate')
    lines.push([
      'basis',
      `flat rate ${breakdown.perRelayedUserHour} ${currency} per relayed user and hour`,
    ])
  else {
    const { topology, roomSize, billableBytesPerHour } = breakdown
    lines.push(
      ['meetings', `${topology === 'mesh' ? 'mesh' : 'SFU'} of ${roomSize}`],
      ['basis', `prices ${breakdown.prices}, meter ${breakdown.meter}`],
      ['billable', `${grouped(billableBytesPerHour / 1e9, 2)} GB an hour`],
    )
    if (breakdown.nodesPerMonth > 0)
      lines.push(
        ['egress', `${formatMoney(breakdown.egressPerMonth)} ${currency} a month`],
        ['nodes', `${formatMoney(breakdown.nodesPerMonth)} ${currency} a month`],
      )
  }
  lines.push(
    ['per hour', `${formatMoney(perHour)} ${currency}`],
    ['per month', `${formatMoney(perMonth)} ${currency}  (${hours} hours)`],
  )
  return [
    ...lines.map(([name, text]) => `${name.padEnd(13)}  ${text}`),
    ...side('mesh or SFU, egress alone', result.topologies),
    ...side('nodes and their addresses', result.nodeVariants),
    ...side('price lists', result.regions),
    '',
  ].join('\n')
}

/** Alternatives one below the other, each with how it differs from the first. */
function side(title: string, alternatives: readonly Alternative[] | undefined): string[] {
  if (!alternatives?.[0]) return []
  const [first] = alternatives
  const rows = alternatives.map((each) => {
    const comparable = each !== first && each.currency === first.currency && first.perMonth > 0
    const percent = Math.round((each.perMonth / first.perMonth - 1) * 100)
    return [
      each.name,
      `${formatMoney(each.perHour)} an hour`,
      `${formatMoney(each.perMonth)} ${each.currency} a month`,
      comparable ? `${percent > 0 ? '+' : percent < 0 ? '−' : '±'}${Math.abs(percent)} %` : '',
    ]
  })
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((row) => [...(row[column] ?? '')].length)),
  )
  const line = (row: string[]) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('   ')
      .trimEnd()
  return ['', title, ...rows.map((row) => `  ${line(row)}`)]
}

function figure(count: number): string {
  return (Math.round(count * 100) / 100).toLocaleString('en-US')
}

import type { RelayCostReport, ReportRow } from '@parley/protocol'
import { type Cell, dimensionsOf, toCsv } from './csv.ts'

export type FocusOptions = {
  /** Who sells the relaying, and to which account; as your cost tool knows them. */
  billingAccountId?: string
  billingAccountName?: string
}

const kinds = ['egress', 'nodes', 'idle'] as const

const kindText = {
  egress: { description: 'TURN relay egress to the internet', unit: 'Bytes' },
  nodes: { description: 'TURN relay nodes, share in use', unit: 'Seconds' },
  idle: { description: 'TURN relay nodes, idle share', unit: 'Seconds' },
} as const

/**
 * FOCUS 1.2 rows (https://focus.finops.org), the mandatory columns and `x_` columns of our own: one
 * row for each report row and kind of cost that is not 0.
 */
export function renderFocus(report: RelayCostReport, options: FocusOptions = {}): string {
  const dimensions = dimensionsOf(report)
  const header = [
    ...mandatory,
    ...dimensions.map((name) => `x_${name[0]?.toUpperCase()}${name.slice(1)}`),
  ]
  const rows = report.rows.flatMap((row) =>
    kinds
      .filter((kind) => row.cost[kind] !== 0)
      .map((kind) => [
        ...mandatoryCells(report, row, kind, options),
        ...dimensions.map((dimension) => row.key[dimension] ?? ''),
      ]),
  )
  return toCsv(header, rows)
}

const mandatory = [
  'BilledCost',
  'BillingAccountId',
  'BillingAccountName',
  'BillingCurrency',
  'BillingPeriodStart',
  'BillingPeriodEnd',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargePeriodStart',
  'ChargePeriodEnd',
  'ContractedCost',
  'EffectiveCost',
  'InvoiceIssuerName',
  'ListCost',
  'PricingQuantity',
  'PricingUnit',
  'ProviderName',
  'PublisherName',
  'ServiceCategory',
  'ServiceName',
]

function mandatoryCells(
  report: RelayCostReport,
  row: ReportRow,
  kind: (typeof kinds)[number],
  options: FocusOptions,
): Cell[] {
  const cost = row.cost[kind].toFixed(6)
  const provider = report.prices.name.split('/')[0] ?? report.prices.name
  const { description, unit } = kindText[kind]
  const [periodStart, periodEnd] = monthOf(report.window.from)
  return [
    cost,
    options.billingAccountId ?? 'parley',
    options.billingAccountName ?? 'Parley',
    report.currency,
    periodStart,
    periodEnd,
    'Usage',
    '',
    description,
    report.window.from,
    report.window.to,
    cost,
    cost,
    provider,
    cost,
    kind === 'egress' ? row.bytes.billable : row.relayedSeconds,
    unit,
    provider,
    provider,
    'Networking',
    'TURN relay',
  ]
}

function monthOf(instant: string): [start: string, end: string] {
  const date = new Date(instant)
  const month = (offset: number) =>
    new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset)).toISOString()
  return [month(0), month(1)]
}

import type { RelayCostReport, ReportRow } from '@parley/protocol'
import { dayMs, hourMs, hourOf } from '../allocation.ts'
import { ReportRequestError } from '../errors.ts'
import { monthOf, nextMonth } from '../span.ts'
import { type Cell, dimensionsOf, toCsv } from './csv.ts'

export type FocusOptions = {
  /** Who sells the relaying, and to which account; as your cost tool knows them. */
  billingAccountId?: string
  billingAccountName?: string
}

const kinds = ['egress', 'nodes', 'idle'] as const
type Kind = (typeof kinds)[number]

const descriptions: Record<Kind, string> = {
  egress: 'TURN relay egress',
  nodes: 'TURN relay nodes, share in use',
  idle: 'TURN relay nodes, idle share',
}

/**
 * A FOCUS 1.2 file (https://focus.finops.org): the mandatory columns and `x_` columns of our own, one
 * charge for each report row and kind of cost that is not 0. Rows are of one day (or hour) each, so
 * the report must be by `day` or `hour`.
 * @throws {ReportRequestError} `REPORT_FOCUS` where it is by neither
 */
export function renderFocus(report: RelayCostReport, options: FocusOptions = {}): string {
  const dimensions = dimensionsOf(report)
  if (report.rows.length > 0 && !dimensions.includes('day') && !dimensions.includes('hour'))
    throw new ReportRequestError(
      'REPORT_FOCUS',
      'a FOCUS file has charges of a day each; ask for the report by day as well (--by room,day)',
    )
  const header = [...mandatory, ...measures, ...dimensions.map(ownName)]
  const rows = report.rows.flatMap((row) =>
    kinds
      .filter((kind) => row.cost[kind] !== 0)
      .map((kind) => {
        const cells = mandatoryCells(report, row, kind, options)
        return [
          ...mandatory.map((name) => cells[name]),
          ...[row.allocations, row.relayedSeconds, row.bytes.billable, row.unattributedBytes],
          ...dimensions.map((dimension) => row.key[dimension] ?? ''),
        ]
      }),
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
] as const

/** Of the row, not of the charge: the same in each charge of a row. */
const measures = ['x_Allocations', 'x_RelayedSeconds', 'x_BillableBytes', 'x_UnattributedBytes']

function ownName(dimension: string): string {
  return `x_${dimension[0]?.toUpperCase()}${dimension.slice(1)}`
}

function mandatoryCells(
  report: RelayCostReport,
  row: ReportRow,
  kind: Kind,
  options: FocusOptions,
): Record<(typeof mandatory)[number], Cell> {
  const cost = row.cost[kind].toFixed(6)
  const provider = providerOf(report.prices.name)
  const { from, to } = periodOf(report, row)
  const { quantity, unit } = quantityOf(row, kind, (to - from) / hourMs)
  return {
    BilledCost: cost,
    BillingAccountId: options.billingAccountId ?? 'parley',
    BillingAccountName: options.billingAccountName ?? 'Parley',
    BillingCurrency: report.currency,
    BillingPeriodStart: instant(monthOf(from)),
    BillingPeriodEnd: instant(nextMonth(from)),
    ChargeCategory: 'Usage',
    // Null: not a correction of an earlier charge.
    ChargeClass: '',
    ChargeDescription: descriptions[kind],
    ChargePeriodStart: instant(from),
    ChargePeriodEnd: instant(to),
    ContractedCost: cost,
    EffectiveCost: cost,
    InvoiceIssuerName: provider,
    ListCost: cost,
    PricingQuantity: quantity,
    PricingUnit: unit,
    ProviderName: provider,
    PublisherName: provider,
    ServiceCategory: 'Networking',
    ServiceName: 'TURN relay',
  }
}

/** `aws` of the preset `aws/us-east-1`; of a file without a name, that of the file: FOCUS wants it not empty. */
function providerOf(prices: string): string {
  const parts = prices.split('/')
  const [first = ''] = parts
  return /^\.{0,2}$/.test(first) ? parts.at(-1) || 'parley' : first
}

/** The row's day or hour, as far as the report counts it. */
function periodOf(report: RelayCostReport, { key }: ReportRow): { from: number; to: number } {
  const from = Date.parse(key.hour ?? `${key.day}T00:00Z`)
  const to = from + (key.hour ? hourMs : dayMs)
  return {
    from: Math.max(from, hourOf(Date.parse(report.window.from))),
    to: Math.min(to, hourOf(Date.parse(report.window.to) + hourMs - 1)),
  }
}

/**
 * Egress in GB (1e9 bytes), whatever gigabyte the price list has; where none is charged, and for nodes,
 * the hours of relaying; idle nodes by the hours of the charge period.
 */
function quantityOf(
  row: ReportRow,
  kind: Kind,
  periodHours: number,
): { quantity: string; unit: string } {
  if (kind === 'egress' && row.bytes.billable > 0)
    return { quantity: (row.bytes.billable / 1e9).toFixed(9), unit: 'GB' }
  const hours = kind === 'idle' ? periodHours : row.relayedSeconds / 3600
  return { quantity: hours.toFixed(6), unit: 'Hours' }
}

/** As FOCUS writes instants: UTC, whole seconds. */
function instant(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z')
}

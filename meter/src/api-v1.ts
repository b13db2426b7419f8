import {
  bandwidthAlertsSchema,
  type RelayCostReport,
  type ReportDimension,
  type ReportRow,
  relayLoadSchema,
  relaySummarySchema,
  reportDimensions,
  trafficLiveSchema,
  trafficPageSchema,
  trafficSeriesSchema,
} from '@parley/protocol'
import {
  countedHours,
  parseBy,
  parseWindow,
  ReportRequestError,
  type Window,
} from '@parley/relay-cost'
import { z } from 'zod'
import { trafficQueries } from './traffic/api.ts'

/** How old an answer may be: those who turn pages, and boards that ask at once, share one report. */
const freshMs = 10_000
const mostKept = 8
const mostRows = 10_000

const instant = z.iso.datetime({ offset: true })
const spanFields = {
  window: z
    .string()
    .optional()
    .describe('The time up to now, as 30m, 24h or 7d; default 24h. Not beside from and to.'),
  from: z.string().optional().describe('ISO 8601'),
  to: z.string().optional().describe('ISO 8601; default: now'),
}
const whole = (text: string) => z.string().regex(/^\d{1,9}$/, text)
const pageFields = {
  limit: whole('must be a number of rows')
    .optional()
    .describe(`Rows at most; default 100, ${mostRows} at most.`),
  offset: whole('must be a number of rows')
    .optional()
    .describe('Rows to leave out before them; default 0.'),
}
const tenantField = {
  tenant: z
    .string()
    .max(16_384)
    .optional()
    .describe('Only what these tenants relayed, with commas in between; * or left out: all.'),
}

/** The queries of the flat API; what is not named here is refused. */
export const queries = {
  report: z.strictObject({
    ...spanFields,
    ...pageFields,
    by: z
      .string()
      .optional()
      .describe(`Any of ${reportDimensions.join(', ')}, with commas in between; default room.`),
    ...tenantField,
  }),
  rooms: z.strictObject({ ...spanFields, ...pageFields, ...tenantField }),
  series: z.strictObject({
    ...spanFields,
    step: z.enum(['hour', 'day']).optional().describe('Default: hour.'),
  }),
  none: z.strictObject({}),
}

const count = z.int().nonnegative()
const measures = {
  allocations: count,
  relayedSeconds: z.number(),
  clientToTurnBytes: count,
  turnToClientBytes: count,
  turnToPeerBytes: count,
  peerToTurnBytes: count,
  billableBytes: count,
  unattributedBytes: count,
  egressCost: z.number(),
  nodesCost: z.number(),
  idleCost: z.number(),
  totalCost: z.number(),
}
const keys = Object.fromEntries(
  reportDimensions.map((dimension) => [dimension, z.string().optional()]),
) as Record<ReportDimension, z.ZodOptional<z.ZodString>>

/** A row with nothing nested in it, as tables of Grafana want it. */
export const flatRowSchema = z.object({ ...keys, ...measures })
export const pageSchema = z.object({
  from: instant,
  to: instant,
  currency: z.string(),
  /** Rows in all, of which `rows` are those from `offset` on. */
  total: count,
  offset: count,
  limit: count,
  rows: z.array(flatRowSchema),
})
export const seriesSchema = z.object({
  from: instant,
  to: instant,
  currency: z.string(),
  rows: z.array(z.object({ time: instant, ...measures })),
})
export const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

export type FlatRow = z.infer<typeof flatRowSchema>
export type Page = z.infer<typeof pageSchema>
export type Series = z.infer<typeof seriesSchema>

/** The paths of the flat API, by which it is served and described. */
export const flatPaths = {
  '/api/v1/report': {
    summary: 'What relaying cost, in rows by the dimensions asked for, the most expensive first',
    query: queries.report,
    answer: pageSchema,
  },
  '/api/v1/rooms': {
    summary: 'What relaying cost by tenant and room, the most expensive first',
    query: queries.rooms,
    answer: pageSchema,
  },
  '/api/v1/series': {
    summary: 'What relaying cost over time, hour by hour or day by day',
    query: queries.series,
    answer: seriesSchema,
  },
  '/api/v1/summary': {
    summary: 'Open allocations, users, cost per hour, month to date',
    query: queries.none,
    answer: relaySummarySchema,
  },
  '/api/v1/load': {
    summary: 'What each TURN pod relays now',
    query: queries.none,
    answer: relayLoadSchema,
  },
  '/api/v1/traffic': {
    summary: 'What servers did, by endpoint or room, those that did most first',
    query: trafficQueries.page,
    answer: trafficPageSchema,
  },
  '/api/v1/traffic/series': {
    summary: 'What servers did, hour by hour or day by day',
    query: trafficQueries.series,
    answer: trafficSeriesSchema,
  },
  '/api/v1/traffic/live': {
    summary: 'What servers did in the last minutes',
    query: trafficQueries.live,
    answer: trafficLiveSchema,
  },
  '/api/v1/traffic/alerts': {
    summary: 'When servers carried more than the limit, the newest first',
    query: trafficQueries.alerts,
    answer: bandwidthAlertsSchema,
  },
} as const

type MakeReport = (window: Window, by: readonly ReportDimension[]) => Promise<RelayCostReport>

/** Pages of reports. The report of the same hours and dimensions is made once for a few seconds. */
export class ReportPages {
  readonly #make: MakeReport
  readonly #now: () => number
  readonly #kept = new Map<string, { at: number; report: Promise<RelayCostReport> }>()

  constructor(make: MakeReport, now: () => number) {
    this.#make = make
    this.#now = now
  }

  /** @throws {RelayCostError} `REPORT_WINDOW`, `REPORT_BY`, `REPORT_PAGE` */
  async page(query: z.infer<typeof queries.report>): Promise<Page> {
    const limit = query.limit === undefined ? 100 : Number(query.limit)
    const offset = Number(query.offset ?? 0)
    if (limit > mostRows)
      throw new ReportRequestError('REPORT_PAGE', `limit is ${mostRows} at most; ask for pages`)
    const by = parseBy(query.by ?? 'room')
    const tenants = tenantsOf(query.tenant)
    const report = await this.#report(
      query,
      tenants && !by.includes('tenant') ? [...by, 'tenant'] : by,
    )
    const flat = report.rows.map(flatRow)
    const rows = tenants ? ofTenants(flat, tenants, by) : flat
    return {
      ...headOf(report),
      ...{ total: rows.length, offset, limit },
      rows: rows.slice(offset, offset + limit),
    }
  }

  rooms(query: z.infer<typeof queries.rooms>): Promise<Page> {
    return this.page({ ...query, by: 'tenant,room' })
  }

  async series({ step = 'hour', ...query }: z.infer<typeof queries.series>): Promise<Series> {
    const report = await this.#report(query, [step])
    return {
      ...headOf(report),
      rows: report.rows
        .map((row) => ({ time: timeOf(row.key[step]), ...flatMeasures(row) }))
        .sort((a, b) => (a.time < b.time ? -1 : 1)),
    }
  }

  #report(
    span: { window?: string | undefined; from?: string | undefined; to?: string | undefined },
    by: readonly ReportDimension[],
  ): Promise<RelayCostReport> {
    const now = this.#now()
    const window = parseWindow(span as Parameters<typeof parseWindow>[0], now)
    const hours = countedHours(window)
    const key = `${hours.from} ${hours.to} ${by.join()}`
    const known = this.#kept.get(key)
    if (known && Math.abs(now - known.at) < freshMs) return known.report
    const report = this.#make(window, by)
    this.#kept.delete(key)
    this.#kept.set(key, { at: now, report })
    report.catch(() => this.#kept.delete(key))
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > mostKept && oldest !== undefined) this.#kept.delete(oldest)
    return report
  }
}

function headOf({ window, currency }: RelayCostReport) {
  return { from: window.from, to: window.to, currency }
}

/** Undefined: all of them. */
function tenantsOf(asked = '*'): Set<string> | undefined {
  const names = asked.split(',').map((name) => name.trim())
  return names.some((name) => name === '*') || asked === '' ? undefined : new Set(names)
}

/** Rows of these tenants, in one for each combination of the dimensions; those that cost most come first. */
function ofTenants(
  rows: readonly FlatRow[],
  tenants: ReadonlySet<string>,
  by: readonly ReportDimension[],
): FlatRow[] {
  const own = rows.filter(({ tenant }) => tenant !== undefined && tenants.has(tenant))
  if (by.includes('tenant')) return own
  const groups = Map.groupBy(own, (row) => by.map((dimension) => row[dimension]).join('\n'))
  return [...groups.values()]
    .map((group) => group.map(({ tenant: _, ...row }) => row).reduce(sumOf))
    .sort((a, b) => b.totalCost - a.totalCost || b.billableBytes - a.billableBytes)
}

function sumOf(a: FlatRow, b: FlatRow): FlatRow {
  const sum = { ...a }
  // Money has six decimals.
  for (const name of Object.keys(measures) as (keyof typeof measures)[])
    sum[name] = Number((a[name] + b[name]).toFixed(6))
  return sum
}

/** `2026-11-21` and `2026-11-21T10:00Z` as whole instants. */
function timeOf(key = ''): string {
  return new Date(key).toISOString()
}

export function flatRow(row: ReportRow): FlatRow {
  return { ...row.key, ...flatMeasures(row) }
}

function flatMeasures({ allocations, relayedSeconds, bytes, cost, unattributedBytes }: ReportRow) {
  return {
    allocations,
    relayedSeconds,
    clientToTurnBytes: bytes.clientToTurn,
    turnToClientBytes: bytes.turnToClient,
    turnToPeerBytes: bytes.turnToPeer,
    peerToTurnBytes: bytes.peerToTurn,
    billableBytes: bytes.billable,
    unattributedBytes,
    egressCost: cost.egress,
    nodesCost: cost.nodes,
    idleCost: cost.idle,
    totalCost: cost.total,
  }
}

import type { Measures, RelayCostReport, ReportDimension, ReportRow } from '@parley/protocol'
import { dayMs, hourMs } from './allocation.ts'
import { apportion } from './apportion.ts'
import { quantitiesOf } from './billable.ts'
import { RelayCostError } from './errors.ts'
import { formatBytes, formatMoney } from './format.ts'
import {
  noQuantities,
  priceInternet,
  priceNodes,
  priceQuantities,
  type Quantities,
} from './prices/cost.ts'
import { meterRules } from './prices/meters.ts'
import { microsPerUnit, toMicros } from './prices/money.ts'
import type { Prices } from './prices/prices.ts'
import type { Window } from './request.ts'
import { countedHours, monthOf, type PricedSums } from './span.ts'
import { addSums, noSums, type SumMeasures, sumFields } from './sums.ts'
import { relayedBytes } from './traffic.ts'
import type { CellSums } from './usage.ts'

/** Keys of rows that stand for nobody; brackets cannot stand in a tenant, room or participant id. */
export const unattributedKey = '(unattributed)'
export const idleKey = '(idle)'
const unknownKey = '(unknown)'

export type SumsRequest = {
  window: Window
  /** Default: room. */
  by?: readonly ReportDimension[]
  /**
   * What was used, span by span in order of time (`spansOf` cuts them). Of several regions with prices
   * of their own each has its spans.
   */
  spans: readonly PricedSums[]
  /**
   * What was used in the window's first month before the window begins: it uses up the month's tiers,
   * and stands in no row.
   */
  earlier?: readonly PricedSums[]
  /** Allocations that are open, of which not everything is in yet. */
  open?: number
  notes?: readonly string[]
}

/**
 * The report of summed usage. Traffic is known by UTC hour: every hour that the window touches counts
 * as a whole. Rows are sorted by cost, then by bytes (by time first where the first dimension is `day` or
 * `hour`), and sum to the totals exactly.
 *
 * Tiers begin with each calendar month, and go on from one span of a month to the next, and from what
 * the month had used before the window: the days of a month cost together what the month costs. Money is
 * rounded to millionths for each span and kind of cost, and divided over the rows by largest
 * remainder: internet egress in proportion to what is charged as such, and so on.
 * @throws {RelayCostError} `COUNTER_OVERFLOW` where a sum passes 2^53 bytes
 */
export function reportOf(request: SumsRequest): RelayCostReport {
  const { window, by = ['room'], spans } = request
  const rows = new Map<string, Sum>()
  const usedBefore = new Map<string, number>()
  for (const span of request.earlier ?? []) {
    const { internetBytes } = totalQuantities(groupRows(new Map(), span, []))
    usedBefore.set(monthKey(span), checked((usedBefore.get(monthKey(span)) ?? 0) + internetBytes))
  }
  let boundEgress = 0
  for (const span of spans) {
    const month = monthKey(span)
    const before = usedBefore.get(month) ?? 0
    const parts = groupRows(rows, span, by)
    const all = totalQuantities(parts)
    priceEgress(parts, all, span.prices, before)
    priceNodeTime(parts, span, rows, by)
    boundEgress += boundEgressOf(span, all, before)
    usedBefore.set(month, checked(before + all.internetBytes))
  }
  const sums = [...rows.values()].sort((a, b) => byTime(a, b, by) || byCostThenBytes(a, b))
  for (const [index, part] of apportionSeconds(sums).entries()) {
    const row = sums[index]
    if (row) row.relayedSeconds = part
  }
  const totals = totalOf(sums)
  return {
    window: { from: isoInstant(window.from), to: isoInstant(window.to) },
    currency: spans[0]?.prices.currency ?? '',
    prices: namesOf(spans),
    totals: toMeasures(totals),
    rows: sums.map((sum) => ({ key: sum.key, ...toMeasures(sum) })),
    notes: [...(request.notes ?? []), ...notesOn(request, totals, boundEgress)],
  }
}

/** Of several price lists all names, and the oldest date. */
function namesOf(spans: readonly PricedSums[]): RelayCostReport['prices'] {
  const names = new Set(spans.map(({ prices }) => prices.name))
  const dates = spans.map(({ prices }) => prices.asOf).sort()
  return { name: [...names].join(', '), asOf: dates[0] ?? '' }
}

/** Whose tiers a span goes through: those of its month and region. */
function monthKey({ from, prices }: PricedSums): string {
  return `${monthOf(from)} ${prices.region ?? ''}`
}

/** A report row while it is being made: whole numbers only, money in millionths. */
type Sum = SumMeasures & {
  key: ReportRow['key']
  /** The key as one string. */
  id: string
  relayedSeconds: number
  billable: number
  egress: number
  nodes: number
  idle: number
}

function emptySum(key: ReportRow['key'], id = ''): Sum {
  return { ...noSums(), key, id, relayedSeconds: 0, billable: 0, egress: 0, nodes: 0, idle: 0 }
}

/** What one row has of one span. */
type Part = { row: Sum; quantities: Quantities; sentBytes: number }

function groupRows(
  rows: Map<string, Sum>,
  { sums, prices }: PricedSums,
  by: readonly ReportDimension[],
): Part[] {
  const parts = new Map<Sum, Part>()
  for (const cell of sums) {
    const row = rowOf(rows, by, (name) => keyOf(cell, name))
    addSums(row, cell)
    const part = parts.get(row) ?? { row, quantities: noQuantities(), sentBytes: 0 }
    parts.set(row, part)
    const quantities = quantitiesOf(cell, prices)
    for (const kind of quantityKinds) part.quantities[kind] += quantities[kind]
    row.billable += quantities.internetBytes
    part.sentBytes += cell.turnToClientBytes + cell.turnToPeerBytes
  }
  // Of equal remainders the first gets the unit: the order must not be that of the sums.
  return [...parts.values()].sort((a, b) => (a.row.id < b.row.id ? -1 : 1))
}

function rowOf(
  rows: Map<string, Sum>,
  by: readonly ReportDimension[],
  textOf: (name: ReportDimension) => string,
): Sum {
  const values = by.map(textOf)
  const id = values.join('\n')
  const known = rows.get(id)
  if (known) return known
  const row = emptySum(Object.fromEntries(by.map((name, at) => [name, values[at] ?? ''])), id)
  rows.set(id, row)
  return row
}

function keyOf(sums: CellSums, dimension: ReportDimension): string {
  switch (dimension) {
    case 'tenant':
    case 'room':
    case 'participant':
      return sums[dimension] || unattributedKey
    case 'region':
    case 'zone':
    case 'transport':
      return sums[dimension] || unknownKey
    case 'reason':
      return sums.reason ?? 'unknown'
    case 'day':
      return dayText(sums.day ?? 0)
    case 'hour':
      return hourText(sums.hour ?? 0)
  }
}

function dayText(at: number): string {
  return isoInstant(at).slice(0, 10)
}

function hourText(at: number): string {
  return `${isoInstant(at).slice(0, 16)}Z`
}

const quantityKinds = Object.keys(noQuantities()) as (keyof Quantities)[]

function totalQuantities(parts: readonly Part[]): Quantities {
  const total = noQuantities()
  for (const { quantities } of parts)
    for (const kind of quantityKinds) total[kind] = checked(total[kind] + quantities[kind])
  return total
}

/** Gives each row its share of what the span's bytes (or relayed hours) cost, kind by kind. */
function priceEgress(
  parts: readonly Part[],
  all: Quantities,
  prices: Prices,
  before: number,
): void {
  for (const kind of quantityKinds) {
    const alone = { ...noQuantities(), [kind]: all[kind] }
    const money = toMicros(priceQuantities(alone, prices, before).total)
    const weights = parts.map(({ quantities }) => quantities[kind])
    for (const [index, share] of apportion(money, weights).entries()) {
      const part = parts[index]
      if (part) part.row.egress += share
    }
  }
}

/** Gives each row its share of the nodes in proportion to what it sent; what was idle has its own row. */
function priceNodeTime(
  parts: readonly Part[],
  span: PricedSums,
  rows: Map<string, Sum>,
  by: readonly ReportDimension[],
): void {
  const { nodes, prices } = span
  if (!nodes) return
  const all = toMicros(priceNodes(nodes.milliseconds, prices))
  const sent = parts.map(({ sentBytes }) => sentBytes)
  const capacityBytes = ((nodes.capacityMbps * 1e6) / 8000) * nodes.milliseconds
  const sentBytes = sent.reduce((sum, bytes) => checked(sum + bytes), 0)
  const share = capacityBytes > 0 ? Math.min(1, sentBytes / capacityBytes) : 0
  const used = sentBytes > 0 ? Math.round(all * share) : 0
  for (const [index, money] of apportion(used, sent).entries()) {
    const part = parts[index]
    if (part) part.row.nodes += money
  }
  for (const { key, money } of idleOf(all - used, parts, span, by))
    rowOf(rows, by, (name) => key[name] ?? '').idle += money
}

const bucketMs = { day: dayMs, hour: hourMs } as const

/** What was idle, in a row of its own; by day or hour, where it was idle most. */
function idleOf(
  idle: number,
  parts: readonly Part[],
  { from, to, nodes }: PricedSums,
  by: readonly ReportDimension[],
): { key: ReportRow['key']; money: number }[] {
  if (idle === 0 || !nodes) return []
  const time = by.includes('hour') ? 'hour' : by.includes('day') ? 'day' : undefined
  const nameless = Object.fromEntries(by.map((name) => [name, idleKey]))
  if (!time) return [{ key: nameless, money: idle }]
  const sent = new Map<string, number>()
  for (const { row, sentBytes } of parts) {
    const at = row.key[time] ?? ''
    sent.set(at, (sent.get(at) ?? 0) + sentBytes)
  }
  const capacityPerMs = (((nodes.capacityMbps * 1e6) / 8000) * nodes.milliseconds) / (to - from)
  const buckets: { key: ReportRow['key']; free: number }[] = []
  for (let start = from - (from % bucketMs[time]); start < to; start += bucketMs[time]) {
    const length = Math.min(to, start + bucketMs[time]) - Math.max(from, start)
    const at = { day: dayText(start), hour: hourText(start) }
    const key = Object.fromEntries(
      by.map((name) => [name, name === 'day' || name === 'hour' ? at[name] : idleKey]),
    )
    buckets.push({
      key,
      free: Math.max(0, Math.round(length * capacityPerMs - (sent.get(at[time]) ?? 0))),
    })
  }
  const shares = apportion(
    idle,
    buckets.map(({ free }) => free),
  )
  return buckets
    .map(({ key }, index) => ({ key, money: shares[index] ?? 0 }))
    .filter(({ money }) => money > 0)
}

/** What egress would cost more, in millionths, had all that only may have stayed inside left. */
function boundEgressOf({ sums, prices }: PricedSums, all: Quantities, before: number): number {
  if (!meterRules[prices.meter].toPeerOutside) return 0
  const bound = sums.reduce(
    (bytes, cell) => bytes + cell.boundBytes + cell.boundPackets * prices.packetOverheadBytes,
    0,
  )
  return toMicros(priceInternet(bound, prices, before + all.internetBytes))
}

/** Whole seconds for each row, which sum to the rounded total. */
function apportionSeconds(rows: readonly Sum[]): number[] {
  const milliseconds = rows.map((row) => row.milliseconds)
  return apportion(Math.round(milliseconds.reduce((a, b) => a + b, 0) / 1000), milliseconds)
}

function totalOf(rows: readonly Sum[]): Sum {
  const total = emptySum({})
  for (const row of rows) {
    addSums(total, row)
    for (const field of ['relayedSeconds', 'billable', 'egress', 'nodes', 'idle'] as const)
      total[field] = checked(total[field] + row[field])
  }
  for (const field of sumFields) checked(total[field])
  return total
}

function toMeasures(sum: Sum): Measures {
  return {
    allocations: sum.allocations,
    relayedSeconds: sum.relayedSeconds,
    bytes: {
      clientToTurn: sum.clientToTurnBytes,
      turnToClient: sum.turnToClientBytes,
      turnToPeer: sum.turnToPeerBytes,
      peerToTurn: sum.peerToTurnBytes,
      billable: sum.billable,
    },
    cost: {
      egress: sum.egress / microsPerUnit,
      nodes: sum.nodes / microsPerUnit,
      idle: sum.idle / microsPerUnit,
      total: (sum.egress + sum.nodes + sum.idle) / microsPerUnit,
    },
    unattributedBytes: sum.unattributedBytes,
  }
}

/** Rows of a report that is by day or hour above all stand in order of time. */
function byTime(a: Sum, b: Sum, [first]: readonly ReportDimension[]): number {
  if (first !== 'day' && first !== 'hour') return 0
  const [one = '', other = ''] = [a.key[first], b.key[first]]
  return one < other ? -1 : one > other ? 1 : 0
}

function byCostThenBytes(a: Sum, b: Sum): number {
  const cost = (sum: Sum) => sum.egress + sum.nodes + sum.idle
  return cost(b) - cost(a) || relayedBytes(b) - relayedBytes(a) || (a.id < b.id ? -1 : 1)
}

/** @param boundEgress millionths that egress would cost more at most, had nothing stayed inside that only may have */
function notesOn(request: SumsRequest, totals: Sum, boundEgress: number): string[] {
  const notes: string[] = []
  const counted = countedHours(request.window)
  const { currency = '' } = request.spans.at(-1)?.prices ?? {}
  if (counted.from !== request.window.from || counted.to !== request.window.to)
    notes.push(
      `Counted in whole UTC hours: ${isoInstant(counted.from).slice(0, 16)}Z to ${isoInstant(counted.to).slice(0, 16)}Z.`,
    )
  notes.push(...priceNotes(request.spans))
  const { open = 0 } = request
  if (open > 0)
    notes.push(
      `${open} ${open === 1 ? 'allocation is' : 'allocations are'} still open: coturn reports each 4,096 packets and at the end, so the latest of ${open === 1 ? 'its' : 'their'} traffic is not in yet.`,
    )
  const unseen = totals.unseenSentBytes + totals.unseenReceivedBytes
  const unknownNames = totals.unattributedBytes - unseen
  if (unknownNames > 0)
    notes.push(
      `${formatBytes(unknownNames)} relayed under usernames that Parley did not mint; see rows ${unattributedKey}.`,
    )
  if (unseen > 0)
    notes.push(
      `${formatBytes(totals.unseenSentBytes)} sent and ${formatBytes(totals.unseenReceivedBytes)} received that the nodes counted and no allocation did; they are in unattributedBytes and in no leg. What was sent is charged as egress, in rows ${unattributedKey}.`,
    )
  if (totals.recoveredBytes > 0)
    notes.push(
      `${formatBytes(totals.recoveredBytes)} are known from the totals alone, which coturn says when an allocation ends: what it published meanwhile was lost. They are counted in the hour of the end.`,
    )
  const known =
    totals.insideBytes + totals.crossZoneBytes + totals.interRegionBytes - totals.boundBytes
  if (known > 0)
    notes.push(
      `${formatBytes(known)} of turn→peer went to pods of ours, as clients and the SFU’s rooms show; not charged as internet egress.`,
    )
  if (totals.boundBytes > 0 && boundEgress > 0)
    notes.push(
      `${formatBytes(totals.boundBytes)} of turn→peer are taken as sent from one relayed participant to another and not charged as egress: the most that it can have been. Had none of it stayed inside, egress would be ${formatMoney(boundEgress / microsPerUnit)} ${currency} more at most.`,
    )
  if (!request.spans.some(({ nodes }) => nodes))
    notes.push('Node hours are not known here: the cost is egress alone.')
  notes.push(...otherNodes(request.spans))
  return notes
}

/** Which nodes are not of the type that the price list prices. */
function otherNodes(spans: readonly PricedSums[]): string[] {
  const priced = new Map<string, Set<string>>()
  for (const { nodes, prices } of spans)
    for (const type of nodes?.instanceTypes ?? [])
      if (prices.nodes.type && prices.nodes.type !== type)
        priced.set(prices.nodes.type, (priced.get(prices.nodes.type) ?? new Set()).add(type))
  return [...priced].map(
    ([type, others]) =>
      `Nodes of type ${[...others].sort().join(', ')} are priced as ${type}, which is what the price list has; give a list with their price.`,
  )
}

/** Which prices hold when, where there are several. */
function priceNotes(spans: readonly PricedSums[]): string[] {
  const names = new Set(spans.map(({ prices }) => prices.name))
  const times = new Set(spans.map(({ from, to }) => `${from} ${to}`))
  // Several regions, each with its prices for all of the time: nothing changed.
  if (names.size < 2 || times.size < 2) return []
  return [...names].map((name) => {
    const own = spans.filter(({ prices }) => prices.name === name)
    const from = isoInstant(own[0]?.from ?? 0).slice(0, 16)
    const to = isoInstant(own.at(-1)?.to ?? 0).slice(0, 16)
    return `Prices ${name} (as of ${own[0]?.prices.asOf}) hold from ${from}Z to ${to}Z.`
  })
}

function checked(sum: number): number {
  if (Number.isSafeInteger(sum)) return sum
  throw new RelayCostError(
    'COUNTER_OVERFLOW',
    'more than 2^53 bytes in one sum; ask for a shorter window',
  )
}

function isoInstant(at: number): string {
  return new Date(at).toISOString()
}

import {
  type Measures,
  parseTurnUsername,
  type RelayCostReport,
  type RelayIdentity,
  type ReportDimension,
  type ReportRow,
} from '@parley/protocol'
import {
  type AllocationRecord,
  endOf,
  hourMs,
  hourOf,
  isOpen,
  joinAllocations,
  trafficByHour,
} from './allocation.ts'
import { apportion } from './apportion.ts'
import { billableBytes } from './billable.ts'
import { RelayCostError } from './errors.ts'
import { formatBytes, formatMoney } from './format.ts'
import { priceEgress } from './prices/cost.ts'
import type { Prices } from './prices/prices.ts'
import type { Replay } from './replay.ts'
import type { Window } from './request.ts'
import { addTraffic, noTraffic, relayedBytes, type Traffic } from './traffic.ts'

/** Keys of rows that stand for nobody; brackets cannot stand in a tenant, room or participant id. */
export const unattributedKey = '(unattributed)'
export const idleKey = '(idle)'
const unknownKey = '(unknown)'

/** Money is rounded to millionths of the currency; rows sum to totals in those exactly. */
export const moneyUnitsPerCurrency = 1_000_000

export type ReportRequest = {
  /** In any order, repeats and views of several meters allowed: they are joined first. */
  allocations: Iterable<AllocationRecord>
  window: Window
  prices: Prices
  /** Default: room. */
  by?: readonly ReportDimension[]
  /** Region of the cluster whose allocations these are. */
  region?: string
  /** Epoch ms up to which the allocations are known; default the window's end. */
  asOf?: number
  /** Node hours in the window, and what a node relays at most (Mbit/s sent). Not given: nodes cost 0. */
  nodes?: { nodeHours: number; capacityMbps: number }
  /** Said in the report before its own notes. */
  notes?: readonly string[]
}

/**
 * Prices what was relayed in a window. Traffic is known by UTC hour: every hour that the window
 * touches counts as a whole. Rows are sorted by cost, then by bytes, and sum to the totals exactly.
 * @throws {RelayCostError} `COUNTER_OVERFLOW` where a sum passes 2^53 bytes
 */
export function buildReport(request: ReportRequest): RelayCostReport {
  const { window, prices, by = ['room'], region = unknownKey } = request
  const asOf = request.asOf ?? window.to
  const counted = { from: hourOf(window.from), to: hourOf(window.to + hourMs - 1) }
  const allocations = joinAllocations(request.allocations)

  const usages = allocations.flatMap((record) => usageOf(record, counted, asOf))
  const insideBytes = bill(usages, prices, asOf)
  const rows = sumRows(usages, by, region)
  const idle = price(rows, prices, request.nodes, by)
  if (idle) rows.push(idle)
  rows.sort(byCostThenBytes)

  return {
    window: { from: isoInstant(window.from), to: isoInstant(window.to) },
    currency: prices.currency,
    prices: { name: prices.name, asOf: prices.asOf },
    totals: sumMeasures(rows),
    rows: rows.map(toRow),
    notes: [
      ...(request.notes ?? []),
      ...notesOn({ request, allocations, usages, counted, insideBytes, asOf }),
    ],
  }
}

/** The report of a recorded stream, over the stream's own time unless a window is given. */
export function replayReport(
  replay: Replay,
  request: Omit<ReportRequest, 'allocations' | 'window'> & { window?: Window },
): RelayCostReport {
  const notes = replay.rejected
    .slice(0, 20)
    .map(({ line, reason }) => `line ${line} not counted: ${reason}`)
  if (replay.rejected.length > notes.length)
    notes.push(`${replay.rejected.length - notes.length} more lines not counted`)
  return buildReport({
    window: { from: replay.from, to: replay.to + 1 },
    ...request,
    allocations: replay.allocations,
    notes: [...notes, ...(request.notes ?? [])],
  })
}

/** What one allocation did in one UTC hour. */
type Usage = {
  record: AllocationRecord
  identity: RelayIdentity | undefined
  hour: number
  /** The first hour of the allocation in the window: it is counted there, once. */
  first: boolean
  milliseconds: number
  traffic: Traffic
  billable: number
}

function usageOf(record: AllocationRecord, counted: Window, asOf: number): Usage[] {
  const traffic = new Map(trafficByHour(record).map((each) => [each.hour, each.traffic]))
  const opened = record.openedAt
  const ended = endOf(record, asOf)
  const hours = new Set(traffic.keys())
  const lastHour = Math.min(hourOf(ended), counted.to - hourMs)
  for (let hour = Math.max(hourOf(opened), counted.from); hour <= lastHour; hour += hourMs)
    hours.add(hour)
  const identity = parseTurnUsername(record.username)?.identity
  return [...hours]
    .filter((hour) => hour >= counted.from && hour < counted.to)
    .sort((a, b) => a - b)
    .map((hour, index) => ({
      record,
      identity,
      hour,
      first: index === 0,
      milliseconds: Math.max(0, Math.min(ended, hour + hourMs) - Math.max(opened, hour)),
      traffic: traffic.get(hour) ?? noTraffic(),
      billable: 0,
    }))
}

/** Fills in what each usage is charged for; the answer is what stayed inside, all together. */
function bill(usages: readonly Usage[], prices: Prices, asOf: number): number {
  let insideBytes = 0
  for (const sitting of sittingsOf(usages, asOf)) {
    const parts = sitting.map(({ identity, record, traffic }) => ({
      participant: identity?.participant ?? record.username,
      traffic,
    }))
    for (const [index, billable] of billableBytes(parts, prices).entries()) {
      const usage = sitting[index]
      if (usage) usage.billable = billable.bytes
      insideBytes += billable.insideBytes
    }
  }
  return insideBytes
}

/** Usages of one room whose allocations overlap in time, one after the other (transitively). */
function sittingsOf(usages: readonly Usage[], asOf: number): Usage[][] {
  const byRoom = Map.groupBy(usages, ({ identity }) =>
    identity ? `${identity.tenant}.${identity.room}` : unattributedKey,
  )
  const sittings: Usage[][] = []
  for (const inRoom of byRoom.values()) {
    let current: Usage[] | undefined
    let until = 0
    for (const usage of inRoom.toSorted((a, b) => a.record.openedAt - b.record.openedAt)) {
      if (!current || usage.record.openedAt > until) {
        current = []
        sittings.push(current)
      }
      current.push(usage)
      until = Math.max(until, endOf(usage.record, asOf))
    }
  }
  return sittings
}

/** A report row while it is being made: whole numbers only. */
type Sum = {
  key: ReportRow['key']
  allocations: number
  milliseconds: number
  relayedSeconds: number
  traffic: Traffic
  billable: number
  unattributedBytes: number
  /** Money in millionths. */
  egress: number
  nodes: number
  idle: number
}

function sumRows(usages: readonly Usage[], by: readonly ReportDimension[], region: string): Sum[] {
  const sums = new Map<string, Sum>()
  for (const usage of usages) {
    const key = Object.fromEntries(
      by.map((dimension) => [dimension, keyOf(usage, dimension, region)]),
    )
    const id = JSON.stringify(key)
    const sum = sums.get(id) ?? emptySum(key)
    sums.set(id, sum)
    sum.allocations += usage.first ? 1 : 0
    sum.milliseconds += usage.milliseconds
    sum.traffic = addTraffic(sum.traffic, usage.traffic)
    sum.billable += usage.billable
    if (!usage.identity) sum.unattributedBytes += relayedBytes(usage.traffic)
  }
  const rows = [...sums.values()]
  const milliseconds = rows.map((row) => row.milliseconds)
  const seconds = Math.round(milliseconds.reduce((a, b) => a + b, 0) / 1000)
  for (const [index, part] of apportion(seconds, milliseconds).entries()) {
    const row = rows[index]
    if (row) row.relayedSeconds = part
  }
  return rows
}

function keyOf(usage: Usage, dimension: ReportDimension, region: string): string {
  switch (dimension) {
    case 'tenant':
    case 'room':
    case 'participant':
      return usage.identity?.[dimension] ?? unattributedKey
    case 'region':
      return region
    case 'zone':
      return unknownKey
    case 'transport':
      return usage.record.transport || unknownKey
    case 'reason':
      return unknownKey
    case 'day':
      return new Date(usage.hour).toISOString().slice(0, 10)
    case 'hour':
      return `${new Date(usage.hour).toISOString().slice(0, 16)}Z`
  }
}

/** Fills in the rows' money; the answer is the row of idle node cost, where there is any. */
function price(
  rows: readonly Sum[],
  prices: Prices,
  nodes: ReportRequest['nodes'],
  by: readonly ReportDimension[],
): Sum | undefined {
  const billable = rows.map((row) => row.billable)
  const egress = toMoneyUnits(priceEgress(billable.reduce(checkedSum, 0), prices))
  for (const [index, part] of apportion(egress, billable).entries()) {
    const row = rows[index]
    if (row) row.egress = part
  }
  if (!nodes) return undefined

  const sent = rows.map(({ traffic }) => traffic.turnToClientBytes + traffic.turnToPeerBytes)
  const { perHour, publicIPv4PerHour } = prices.nodes
  const all = toMoneyUnits(nodes.nodeHours * (perHour + publicIPv4PerHour))
  const capacityBytes = ((nodes.capacityMbps * 1e6) / 8) * 3600 * nodes.nodeHours
  const share = capacityBytes > 0 ? Math.min(1, sent.reduce(checkedSum, 0) / capacityBytes) : 0
  const used = Math.round(all * share)
  for (const [index, part] of apportion(used, sent).entries()) {
    const row = rows[index]
    if (row) row.nodes = part
  }
  if (all === used) return undefined
  const key = Object.fromEntries(by.map((dimension) => [dimension, idleKey]))
  return { ...emptySum(key), idle: all - used }
}

function emptySum(key: ReportRow['key']): Sum {
  return {
    key,
    allocations: 0,
    milliseconds: 0,
    relayedSeconds: 0,
    traffic: noTraffic(),
    billable: 0,
    unattributedBytes: 0,
    egress: 0,
    nodes: 0,
    idle: 0,
  }
}

function sumMeasures(rows: readonly Sum[]): Measures {
  const total = emptySum({})
  for (const row of rows) {
    total.allocations += row.allocations
    total.relayedSeconds += row.relayedSeconds
    total.traffic = addTraffic(total.traffic, row.traffic)
    total.billable = checkedSum(total.billable, row.billable)
    total.unattributedBytes = checkedSum(total.unattributedBytes, row.unattributedBytes)
    total.egress += row.egress
    total.nodes += row.nodes
    total.idle += row.idle
  }
  const { key: _, ...measures } = toRow(total)
  return measures
}

function toRow(sum: Sum): ReportRow {
  const { traffic } = sum
  checkedSum(0, relayedBytes(traffic))
  return {
    key: sum.key,
    allocations: sum.allocations,
    relayedSeconds: sum.relayedSeconds,
    bytes: {
      clientToTurn: traffic.clientToTurnBytes,
      turnToClient: traffic.turnToClientBytes,
      turnToPeer: traffic.turnToPeerBytes,
      peerToTurn: traffic.peerToTurnBytes,
      billable: sum.billable,
    },
    cost: {
      egress: fromMoneyUnits(sum.egress),
      nodes: fromMoneyUnits(sum.nodes),
      idle: fromMoneyUnits(sum.idle),
      total: fromMoneyUnits(sum.egress + sum.nodes + sum.idle),
    },
    unattributedBytes: sum.unattributedBytes,
  }
}

function byCostThenBytes(a: Sum, b: Sum): number {
  const cost = (sum: Sum) => sum.egress + sum.nodes + sum.idle
  return (
    cost(b) - cost(a) ||
    relayedBytes(b.traffic) - relayedBytes(a.traffic) ||
    (JSON.stringify(a.key) < JSON.stringify(b.key) ? -1 : 1)
  )
}

function notesOn(facts: {
  request: ReportRequest
  allocations: readonly AllocationRecord[]
  usages: readonly Usage[]
  counted: Window
  insideBytes: number
  asOf: number
}): string[] {
  const { request, allocations, usages, counted, insideBytes, asOf } = facts
  const notes: string[] = []
  if (counted.from !== request.window.from || counted.to !== request.window.to)
    notes.push(
      `Counted in whole UTC hours: ${isoInstant(counted.from).slice(0, 16)}Z to ${isoInstant(counted.to).slice(0, 16)}Z.`,
    )
  const open = allocations.filter((record) => isOpen(record, asOf)).length
  if (open > 0)
    notes.push(
      `${open} ${open === 1 ? 'allocation is' : 'allocations are'} still open: coturn reports each 4,096 packets and at the end, so the latest of ${open === 1 ? 'its' : 'their'} traffic is not in yet.`,
    )
  const unattributed = usages.filter(({ identity }) => !identity)
  if (unattributed.length > 0)
    notes.push(
      `${formatBytes(unattributed.reduce((sum, { traffic }) => sum + relayedBytes(traffic), 0))} relayed under usernames that Parley did not mint; see rows ${unattributedKey}.`,
    )
  if (insideBytes > 0) {
    const { prices } = request
    const charged = usages.reduce((sum, { billable }) => sum + billable, 0)
    const most = priceEgress(charged + insideBytes, prices) - priceEgress(charged, prices)
    notes.push(
      `${formatBytes(insideBytes)} of turn→peer are taken as sent from one relayed participant to another and not charged as egress: the most that it can have been. Had none of it stayed inside, egress would be ${formatMoney(most)} ${prices.currency} more.`,
    )
  }
  if (!request.nodes) notes.push('Node hours are not known here: the cost is egress alone.')
  return notes
}

function toMoneyUnits(money: number): number {
  return Math.round(money * moneyUnitsPerCurrency)
}

function fromMoneyUnits(units: number): number {
  return units / moneyUnitsPerCurrency
}

function checkedSum(a: number, b: number): number {
  const sum = a + b
  if (Number.isSafeInteger(sum)) return sum
  throw new RelayCostError(
    'COUNTER_OVERFLOW',
    'more than 2^53 bytes in one sum; ask for a shorter window',
  )
}

function isoInstant(at: number): string {
  return new Date(at).toISOString()
}

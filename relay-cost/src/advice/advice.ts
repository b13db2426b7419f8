import type { Advice, RelayCostReport, ReportRow } from '@parley/protocol'
import { quantitiesOf } from '../billable.ts'
import { formatBytes, formatMoney } from '../format.ts'
import { noQuantities, priceQuantities, type Quantities } from '../prices/cost.ts'
import { meterRules } from '../prices/meters.ts'
import { type ExactMoney, roundMoney, toNumber } from '../prices/money.ts'
import type { Prices } from '../prices/prices.ts'
import { monthOf, type PricedSums } from '../span.ts'
import type { RoomUse } from './room-use.ts'

export type AdviceRequest = {
  /** By tenant and room, by region, or by tenant: advice is given on what its rows tell apart. */
  report: RelayCostReport
  /** The same report of the period before, of the same length. */
  previous?: RelayCostReport
  /** Prices of the report (where they change: the last), and lists that its regions could have instead. */
  prices: Prices
  alternatives?: readonly Prices[]
  /** Meshes, as far as pages reported of them. */
  rooms?: readonly RoomUse[]
  /** What the regions used, cut as `spansOf` does: sums by region, of which there may be several of one. */
  usage?: readonly PricedSums[]
  /** What they had used of the first month before the window: tiers go on from there. */
  earlier?: readonly PricedSums[]
  threshold?: Partial<Threshold>
}

/** Below this nothing is said. */
export type Threshold = {
  /** Amount in the report's currency. */
  amount: number
  /** Share of what the subject costs (of a tenant: cost before). */
  share: number
  /** Of each kind the greatest amounts, so many. */
  count: number
}

const usualThreshold: Threshold = { amount: 1, share: 0.1, count: 5 }

/**
 * What an SFU sends at most for one camera and microphone in a tile of 640×360: livekit-client's
 * VideoPresets.h360 and audio.
 */
export const sfuStreamKbps = 450 + 40

/**
 * What could cost less and what has changed, the greatest amount first; each with its arithmetic, in
 * the report's currency and of its window. Amounts are estimates at the report's mean price of a
 * gigabyte, not offers.
 */
export function adviseOn(request: AdviceRequest): Advice[] {
  const threshold = { ...usualThreshold, ...request.threshold }
  const kinds = [
    toSfu(request, threshold),
    cheaperRegions(request, threshold),
    nearerTurn(request, threshold),
    movedTenants(request, threshold),
  ]
  return kinds.flatMap((found) =>
    found
      .sort((a, b) => b.amount - a.amount || (a.advice.subject < b.advice.subject ? -1 : 1))
      .slice(0, threshold.count)
      .map(({ advice }) => advice),
  )
}

type Found = { amount: number; advice: Advice }

/**
 * Rooms whose mesh relaying costs more than an SFU would: it sends every stream once to everyone,
 * relayed or not, but a smaller one. How much a stream had is what TURN sent to its relayed
 * participants by the second: in a mesh an allocation serves one link.
 */
function toSfu({ report, prices, rooms = [] }: AdviceRequest, threshold: Threshold): Found[] {
  if (!meterRules[prices.meter].toPeerOutside) return []
  const perByte = meanPrice(report)
  const byRoom = groupBy(report.rows, ({ key }) => `${key.tenant ?? ''}/${key.room}`)
  return rooms.flatMap(({ tenant, room, streamSeconds }) => {
    const rows = [...(byRoom.get(`${tenant}/${room}`) ?? []), ...(byRoom.get(`/${room}`) ?? [])]
    const now = sum(rows, ({ cost }) => cost.egress)
    const seconds = sum(rows, ({ relayedSeconds }) => relayedSeconds)
    const toClient = sum(rows, ({ bytes }) => bytes.turnToClient)
    if (seconds === 0 || now < threshold.amount) return []
    const meshKbps = (toClient * 8) / seconds / 1000
    const kbps = Math.min(meshKbps, sfuStreamKbps)
    const bytes = (streamSeconds * kbps * 1000) / 8
    const then = bytes * perByte
    const saves = now - then
    if (!isEnough(saves, now, threshold)) return []
    const subject = `${tenant}/${room}`
    return {
      amount: saves,
      advice: {
        kind: 'mesh-to-sfu' as const,
        ...{ subject, saves: roundMoney(saves) },
        text: `${subject} would cost ${money(saves, report)} less on the SFU: lower mesh.maxParticipants`,
        arithmetic: `mesh ${money(now, report)}; SFU ${hours(streamSeconds)} h of streams × ${Math.round(kbps)} kbit/s${kbps < meshKbps ? ` (mesh: ${Math.round(meshKbps)})` : ''} = ${formatBytes(bytes)} × ${perGB(perByte, report)} = ${money(then, report)}`,
      },
    }
  })
}

/**
 * Regions whose traffic another price list of the same continent would price lower: the same quantities,
 * of each region by itself and month by month, by both lists.
 */
function cheaperRegions(request: AdviceRequest, threshold: Threshold): Found[] {
  const { report, prices, alternatives = [] } = request
  return regionsOf(request).flatMap((region) => {
    const now = costOf(region, request)
    const priced = alternatives
      .filter(
        (list) =>
          list.currency === report.currency &&
          list.name !== prices.name &&
          list.meter === prices.meter &&
          isNear(regionOf(list), region),
      )
      .map((list) => ({ list, cost: costOf(region, request, list).cost }))
      .sort((a, b) => a.cost - b.cost)
    const best = priced[0]
    if (!best || !isEnough(now.cost - best.cost, now.cost, threshold)) return []
    const saves = now.cost - best.cost
    const { crossZoneBytes, interRegionBytes } = crossingsOf(region, request)
    const crossing = crossZoneBytes + interRegionBytes
    const bytes = `${formatBytes(now.internetBytes)} billable${crossing > 0 ? ` and ${formatBytes(crossing)} between zones and regions` : ''}`
    return {
      amount: saves,
      advice: {
        kind: 'cheaper-region' as const,
        ...{ subject: region, saves: roundMoney(saves) },
        text: `TURN of ${region} would cost ${money(saves, report)} less at ${best.list.name}; look at the delay first`,
        arithmetic: `${bytes}: ${money(now.cost, report)} now, ${money(best.cost, report)} by the prices of ${best.list.name}`,
      },
    }
  })
}

/** Regions whose TURN and SFU pods, or TURN pods among themselves, are far from each other. */
function nearerTurn(request: AdviceRequest, threshold: Threshold): Found[] {
  const { report, prices } = request
  const { egress, gigabyte, meter } = prices
  return regionsOf(request).flatMap((region) => {
    const { crossZoneBytes, interRegionBytes } = crossingsOf(region, request)
    const times = meterRules[meter].crossZone
    const zones = (crossZoneBytes / gigabyte) * egress.crossZone.perGB * times
    const regions = (interRegionBytes / gigabyte) * egress.interRegion.perGB
    const saves = zones + regions
    const rows = report.rows.filter(({ key }) => key.region === region)
    const cost = rows.length > 0 ? sum(rows, (row) => row.cost.egress) : report.totals.cost.egress
    if (!isEnough(saves, cost, threshold)) return []
    const parts = [
      zones > 0 &&
        `${formatBytes(crossZoneBytes)} between zones × ${egress.crossZone.perGB}${times === 2 ? ' × 2, out and in' : ''} = ${money(zones, report)}`,
      regions > 0 &&
        `${formatBytes(interRegionBytes)} between regions × ${egress.interRegion.perGB} = ${money(regions, report)}`,
    ].filter(Boolean)
    return {
      amount: saves,
      advice: {
        kind: 'nearer-turn' as const,
        ...{ subject: region, saves: roundMoney(saves) },
        text: `TURN of ${region} sends to pods of ours elsewhere for ${money(saves, report)}: run TURN where they are`,
        arithmetic: parts.join('; '),
      },
    }
  })
}

/** Tenants whose cost moved most against the period before. */
function movedTenants({ report, previous }: AdviceRequest, threshold: Threshold): Found[] {
  if (!previous || previous.currency !== report.currency) return []
  const now = costByTenant(report)
  const before = costByTenant(previous)
  return [...new Set([...now.keys(), ...before.keys()])].flatMap((tenant) => {
    const [is, was] = [now.get(tenant) ?? 0, before.get(tenant) ?? 0]
    const moved = is - was
    if (!isEnough(Math.abs(moved), was, threshold)) return []
    const sign = moved > 0 ? '+' : '−'
    const percent = was > 0 ? ` (${sign}${Math.round(Math.abs(moved / was) * 100)} %)` : ''
    return {
      amount: Math.abs(moved),
      advice: {
        kind: 'tenant-moved' as const,
        subject: tenant,
        text: `${tenant} cost ${money(Math.abs(moved), report)} ${moved > 0 ? 'more' : 'less'} than in the period before`,
        arithmetic: `${money(is, report)} now − ${money(was, report)} before = ${sign}${money(Math.abs(moved), report)}${percent}`,
      },
    }
  })
}

function costByTenant({ rows }: RelayCostReport): Map<string, number> {
  const tenants = groupBy(rows, ({ key }) => (key.tenant?.startsWith('(') ? undefined : key.tenant))
  return new Map([...tenants].map(([tenant, of]) => [tenant, sum(of, ({ cost }) => cost.total)]))
}

function isEnough(amount: number, of: number, threshold: Threshold): boolean {
  return amount >= threshold.amount && amount >= of * threshold.share
}

/** Egress money of a byte, on average over the report. */
function meanPrice({ totals }: RelayCostReport): number {
  return totals.bytes.billable > 0 ? totals.cost.egress / totals.bytes.billable : 0
}

type RegionsUsage = Pick<AdviceRequest, 'usage' | 'earlier'>

/** The regions that are known by name. */
function regionsOf({ usage = [] }: RegionsUsage): string[] {
  const names = usage.flatMap(({ sums }) => sums.map(({ region }) => region ?? ''))
  return [...new Set(names)].filter((name) => name !== '')
}

/** Bytes to and from other zones and regions of ours. */
function crossingsOf(region: string, { usage = [] }: RegionsUsage) {
  const sums = usage.flatMap((span) => span.sums.filter((each) => each.region === region))
  return {
    crossZoneBytes: sum(sums, (each) => each.crossZoneBytes + each.crossZoneInBytes),
    interRegionBytes: sum(sums, (each) => each.interRegionBytes + each.interRegionInBytes),
  }
}

/** What a region's traffic costs by a list (by those that it has, where none is given). */
function costOf(region: string, { usage = [], earlier = [] }: RegionsUsage, list?: Prices) {
  const quantitiesIn = ({ sums, prices }: PricedSums) =>
    sums
      .filter((each) => each.region === region)
      .map((each) => quantitiesOf(each, list ?? prices))
      .reduce(addQuantities, noQuantities())
  const used = new Map<number, number>()
  let [cost, internetBytes]: [ExactMoney, number] = [0n, 0]
  for (const [index, span] of [...earlier, ...usage].entries()) {
    const month = monthOf(span.from)
    const before = used.get(month) ?? 0
    const quantities = quantitiesIn(span)
    used.set(month, before + quantities.internetBytes)
    if (index < earlier.length) continue
    cost += priceQuantities(quantities, list ?? span.prices, before).total
    internetBytes += quantities.internetBytes
  }
  return { cost: toNumber(cost), internetBytes }
}

function addQuantities(a: Quantities, b: Quantities): Quantities {
  return {
    internetBytes: a.internetBytes + b.internetBytes,
    crossZoneBytes: a.crossZoneBytes + b.crossZoneBytes,
    interRegionBytes: a.interRegionBytes + b.interRegionBytes,
    sameNodeBytes: a.sameNodeBytes + b.sameNodeBytes,
    relayedMilliseconds: a.relayedMilliseconds + b.relayedMilliseconds,
  }
}

function regionOf(list: Prices): string {
  return list.region ?? list.name.split('/')[1] ?? list.name
}

/** Whether two regions are of one continent, by the first part of their names. */
function isNear(a: string, b: string): boolean {
  const continent = (region: string) => /^[a-z]+/.exec(region)?.[0]
  return a !== b && continent(a) !== undefined && continent(a) === continent(b)
}

function groupBy(
  rows: readonly ReportRow[],
  keyOf: (row: ReportRow) => string | undefined,
): Map<string, ReportRow[]> {
  const groups = new Map<string, ReportRow[]>()
  for (const row of rows) {
    const key = keyOf(row)
    if (key === undefined || key === '' || key.startsWith('(')) continue
    groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return groups
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((all, item) => all + of(item), 0)
}

function money(amount: number, { currency }: RelayCostReport): string {
  return `${formatMoney(amount)} ${currency}`
}

function perGB(perByte: number, { currency }: RelayCostReport): string {
  return `${formatMoney(roundMoney(perByte * 1e9))} ${currency}/GB`
}

function hours(seconds: number): string {
  return (seconds / 3600).toFixed(1)
}

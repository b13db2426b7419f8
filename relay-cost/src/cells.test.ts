import { describe, expect, it } from '@jest/globals'
import { type ReportDimension, reportDimensions } from '@parley/protocol'
import fc from 'fast-check'
import { type AllocationRecord, hourOf } from './allocation.ts'
import { addCell, cellsOf } from './cells.ts'
import { presetPrices } from './prices/presets.ts'
import { reportOf } from './report.ts'
import { countedHours, spansOf } from './span.ts'
import { sumCells } from './sums.ts'
import { buildReport } from './testing/build-report.ts'
import { hour, record, start } from './testing/stream.ts'
import { noTraffic } from './traffic.ts'
import type { UsageCell } from './usage.ts'

const day = 24 * hour
const prices = presetPrices('aws/eu-central-1')
const records = fc.array(record, { maxLength: 10 })
const zoneOf = (realm: string) => (realm.startsWith('pod-a') ? 'a' : 'b')
const asOf = start + 60 * hour

/** Cells of hours as cells of their days, as a store rolls them up. */
function byDay(cells: readonly UsageCell[]): UsageCell[] {
  const days = new Map<string, UsageCell>()
  for (const cell of cells) {
    const first = cell.hour - (cell.hour % day)
    addCell(days, {
      ...cell,
      hour: first,
      carried: cell.hour === first ? cell.carried : 0,
    })
  }
  return [...days.values()]
}

function reportFrom(
  cells: readonly UsageCell[],
  by: readonly ReportDimension[],
  from: number,
  to: number,
) {
  const window = { from, to }
  const spans = spansOf(window, () => ({ prices, until: Number.POSITIVE_INFINITY }))
  return reportOf({
    window,
    by,
    spans: spans.map((span) => ({
      ...span,
      sums: sumCells(
        cells.filter((cell) => cell.hour >= span.from && cell.hour < span.to),
        by,
        countedHours(window).from,
      ),
    })),
  })
}

describe('usage cells', () => {
  it('REQ-K5: kept by hour or rolled up to days, they come to the report of the allocations', () => {
    const midnight = start - (start % day)
    const noHour = reportDimensions.filter((name) => name !== 'hour')
    fc.assert(
      fc.property(records, fc.subarray([...noHour]), fc.nat(1), (all, by, later) => {
        const [from, to] = [midnight + later * day, midnight + 3 * day]
        const request = { region: 'eu', zoneOf, asOf }
        const cells = cellsOf(all, request)
        const { notes: _, ...expected } = buildReport({
          ...{ ...request, allocations: all, window: { from, to }, prices, by },
        })
        expect(reportFrom(cells, by, from, to)).toMatchObject(expected)
        expect(reportFrom(byDay(cells), by, from, to)).toMatchObject(expected)
      }),
    )
  })

  it('REQ-K5: an hour’s cells need no allocation but those of the hour', () => {
    fc.assert(
      fc.property(records, fc.nat(35), (all, index) => {
        const window = { from: start + index * hour, to: start + (index + 1) * hour }
        const whole = cellsOf(all, { region: 'eu', asOf })
        expect(cellsOf(all, { region: 'eu', asOf, window })).toEqual(
          whole.filter((cell) => cell.hour === window.from),
        )
      }),
    )
  })

  it('REQ-K5: the bytes of all dimensions together are those of the allocations', () => {
    fc.assert(
      fc.property(records, fc.subarray([...reportDimensions]), (all, by) => {
        const [from, to] = [start - day, start + 3 * day]
        const ask = (dimensions: readonly ReportDimension[]) =>
          buildReport({ allocations: all, window: { from, to }, prices, by: dimensions, zoneOf })
            .totals
        expect(ask(by)).toEqual(ask([]))
      }),
    )
  })

  const usual: AllocationRecord = {
    ...{ realm: 'pod-a.demo', id: '1', remote: 'c:1', transport: 'udp' },
    username: '4000000000:acme.r1.p-1',
    ...{ openedAt: start, lastSeenAt: start, aliveAt: start, expiresAt: start, closedAt: start },
    hours: new Map(),
  }
  const open = (
    from: number,
    to: number,
    over: Partial<AllocationRecord> = {},
  ): AllocationRecord => ({
    ...usual,
    ...{ openedAt: from, lastSeenAt: to, aliveAt: from, expiresAt: to, closedAt: to },
    ...over,
  })
  const sum = (
    cells: readonly UsageCell[],
    field: 'allocations' | 'milliseconds' | 'userMilliseconds',
  ) => cells.reduce((all, cell) => all + cell[field], 0)

  it('REQ-K5: an allocation of more than a day over the end of a month is one, in all of its hours', () => {
    const from = Date.UTC(2026, 10, 30, 10, 30)
    const to = Date.UTC(2026, 11, 2, 1, 15)
    const hours = new Map(
      [from, from + day, to - hour].map((at, index) => [
        hourOf(at),
        { ...noTraffic(), turnToClientBytes: (index + 1) * 1e9 },
      ]),
    )
    const cells = cellsOf([open(from, to, { hours })], { region: 'eu', asOf: to })
    expect(cells).toHaveLength(40)
    expect([sum(cells, 'allocations'), sum(cells, 'milliseconds')]).toEqual([1, to - from])
    const month = (at: number, end: number) =>
      buildReport({
        allocations: [open(from, to, { hours })],
        window: { from: at, to: end },
        prices,
      }).totals
    const november = month(Date.UTC(2026, 10), Date.UTC(2026, 11))
    const december = month(Date.UTC(2026, 11), Date.UTC(2027, 0))
    expect(november).toMatchObject({ allocations: 1, bytes: { turnToClient: 1e9 } })
    expect(december).toMatchObject({ allocations: 1, bytes: { turnToClient: 2e9 } })
    // Each month begins with its own tiers: both together cost what a report over both does.
    const both = month(Date.UTC(2026, 10), Date.UTC(2027, 0))
    expect(both.cost.total).toBeCloseTo(november.cost.total + december.cost.total, 5)
    expect(both.allocations).toBe(1)
  })

  it('REQ-K5: a participant with several allocations is relayed once at a time', () => {
    const hours = new Map([[start, { ...noTraffic(), turnToPeerBytes: 10 }]])
    const minute = 60_000
    const cells = cellsOf(
      [
        open(start, start + 20 * minute, { hours }),
        open(start + 10 * minute, start + 30 * minute, { id: '2', transport: 'tcp', hours }),
        open(start, start + 50 * minute, { id: '3' }),
      ],
      { region: 'eu', asOf },
    )
    expect(sum(cells, 'milliseconds')).toBe(90 * minute)
    expect(sum(cells, 'userMilliseconds')).toBe(30 * minute)
  })

  it('REQ-K5: a clock that steps moves bytes to another hour and loses none', () => {
    const mark = (bytes: number) => ({ ...noTraffic(), turnToClientBytes: bytes })
    // Told at 23:59, then, the clock set back, at 22:01.
    const hours = new Map([
      [start + hour, mark(100)],
      [start, mark(150)],
    ])
    const cells = cellsOf([open(start, start + 2 * hour, { hours })], { region: 'eu', asOf })
    expect(cells.map((cell) => cell.turnToClientBytes)).toEqual([150, 0, 0])
  })
})

import { describe, expect, it } from '@jest/globals'
import { type RelayCostReport, relayCostReportSchema, reportDimensions } from '@parley/protocol'
import fc from 'fast-check'
import { presetPrices } from '../prices/presets.ts'
import { dimensionsFor } from '../request.ts'
import { buildReport } from '../testing/build-report.ts'
import { focusFaults, readCsv } from '../testing/focus-rules.ts'
import { jsonLines, replayed, replayedReport } from '../testing/replayed.ts'
import { hour, lives, start } from '../testing/stream.ts'
import { renderReport } from './index.ts'

const prices = presetPrices('aws/eu-central-1')

const dimensionsIn = (report: RelayCostReport) => Object.keys(report.rows[0]?.key ?? {}).length

const reports = fc
  .tuple(lives, fc.subarray(['tenant', 'room', 'participant', 'day'] as const))
  .map(([all, by]) =>
    replayedReport(replayed(jsonLines(all)), {
      prices,
      by,
    }),
  )

describe('rendering a report', () => {
  const anyWidth = fc.oneof(fc.integer({ min: 80, max: 160 }), fc.integer({ min: 36, max: 59 }))

  it('no line of the table is wider than the terminal, from 80 columns on and on a phone', () => {
    fc.assert(
      fc.property(reports, anyWidth, (report, width) => {
        const lines = renderReport(report, 'table', { width }).split('\n')
        for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width)
        expect(lines.filter((line) => line.startsWith('total'))).toHaveLength(1)
      }),
    )
  })

  it('shows the most expensive rows, and the others as one that makes up the total', () => {
    fc.assert(
      fc.property(reports, fc.integer({ min: 1, max: 5 }), (report, top) => {
        const lines = renderReport(report, 'table', { top }).split('\n')
        const others = lines.filter((line) => /^\(\d+ others\)/.test(line))
        const isShort = report.rows.length <= top || dimensionsIn(report) === 0
        expect(others).toHaveLength(isShort ? 0 : 1)
        if (!isShort) expect(others[0]).toContain(`(${report.rows.length - top} others)`)
      }),
    )
  })

  it('REQ-K5: a table has as many rows as the report, also more than a call takes arguments', () => {
    const count = 200_000
    const { totals, ...report } = buildReport({
      ...{ allocations: [], window: { from: start, to: start + hour }, prices },
    })
    const rows = Array.from({ length: count }, (_, n) => ({
      key: { participant: `p-${n}` },
      ...totals,
    }))
    for (const width of [40, 100]) {
      const table = renderReport({ ...report, totals, rows }, 'table', { width })
      expect(table).toContain(`p-${count - 1}`)
    }
  })

  it('REQ-K5: idle nodes and unattributed bytes are said under the total', () => {
    const [life] = fc.sample(
      lives.filter((all) => all.some(({ deltas }) => deltas.length > 0)),
      1,
    )
    const unknown = life?.map((each) => ({ ...each, username: 'mallory' })) ?? []
    const nodes = { nodeHours: 10, capacityMbps: 1e6 }
    const report = replayedReport(replayed(jsonLines(unknown)), { prices, nodes })
    for (const width of [40, 100]) {
      const table = renderReport(report, 'table', { width })
      expect(table).toMatch(/^idle nodes [\d.]+ USD, [\d.]+ % of it$/m)
      expect(table).toMatch(/^unattributed [\d.]+ [kMG]?B$/m)
    }
  })

  it.each([
    ['aws/us-east-1', 'aws'],
    ['/etc/parley/mine.yaml', 'mine.yaml'],
    ['./mine.yaml', 'mine.yaml'],
    ['../mine.yaml', 'mine.yaml'],
    ['/', 'parley'],
  ])('REQ-K5: the provider of the prices %s is %s in FOCUS', (name, provider) => {
    const [all = []] = fc.sample(
      lives.filter((some) => some.some(({ deltas }) => deltas.length > 0)),
      1,
    )
    const report = replayedReport(replayed(jsonLines(all)), {
      prices: { ...prices, name },
      by: ['day'],
      nodes: { nodeHours: 10, capacityMbps: 1e6 },
    })
    const file = renderReport(report, 'focus')
    expect(focusFaults(file)).toEqual([])
    const [header = [], row = []] = readCsv(file)
    for (const column of ['ProviderName', 'PublisherName', 'InvoiceIssuerName'])
      expect(row[header.indexOf(column)]).toBe(provider)
  })

  it('colour adds nothing but colour', () => {
    const mark = (text: string) => `<${text}>`
    const colour = { bold: mark, dim: mark, cyan: mark, green: mark, yellow: mark }
    fc.assert(
      fc.property(reports, (report) => {
        const plain = renderReport(report, 'table')
        const coloured = renderReport(report, 'table', { colour })
        const bare = (text: string) => text.replaceAll(/[<> ]/g, '')
        expect(bare(coloured)).toBe(bare(plain))
      }),
    )
  })

  it('the JSON is the report', () => {
    fc.assert(
      fc.property(reports, (report) => {
        expect(relayCostReportSchema.parse(JSON.parse(renderReport(report, 'json')))).toEqual(
          report,
        )
      }),
    )
  })

  it('csv has a line a row', () => {
    fc.assert(
      fc.property(reports, (report) => {
        const csv = renderReport(report, 'csv').trimEnd().split('\r\n')
        expect(csv).toHaveLength(report.rows.length + 1)
      }),
    )
  })

  const focusReports = fc
    .tuple(
      lives,
      fc.subarray([...reportDimensions]),
      fc.option(
        fc.record({ nodeHours: fc.nat(1000), capacityMbps: fc.integer({ min: 1, max: 9 }) }),
      ),
    )
    .map(([all, by, nodes]) =>
      replayedReport(replayed(jsonLines(all)), {
        prices,
        by: dimensionsFor('focus', by),
        ...(nodes && { nodes }),
      }),
    )

  it('REQ-K5: a FOCUS file keeps the rules of FOCUS 1.2, and its charges sum to the report’s cost', () => {
    fc.assert(
      fc.property(focusReports, (report) => {
        const file = renderReport(report, 'focus')
        expect(focusFaults(file)).toEqual([])
        const [header = [], ...rows] = readCsv(file)
        const at = header.indexOf('BilledCost')
        const billed = rows.reduce((sum, row) => sum + Math.round(Number(row[at]) * 1e6), 0)
        expect(billed).toBe(Math.round(report.totals.cost.total * 1e6))
      }),
    )
  })

  it('REQ-K5: a FOCUS charge is of one day, within its month', () => {
    const november = Date.UTC(2026, 10, 30, 22)
    const report = buildReport({
      allocations: [],
      window: { from: november, to: november + 4 * hour },
      ...{ prices, by: ['day'], nodes: { nodeHours: 4, capacityMbps: 100 } },
    })
    const [header = [], ...rows] = readCsv(renderReport(report, 'focus'))
    const periods = rows.map((row) =>
      ['ChargePeriodStart', 'ChargePeriodEnd', 'BillingPeriodEnd'].map(
        (name) => row[header.indexOf(name)],
      ),
    )
    expect(periods.sort()).toEqual([
      ['2026-11-30T22:00:00Z', '2026-12-01T00:00:00Z', '2026-12-01T00:00:00Z'],
      ['2026-12-01T00:00:00Z', '2026-12-01T02:00:00Z', '2027-01-01T00:00:00Z'],
    ])
    expect(focusFaults(renderReport(report, 'focus'))).toEqual([])
  })

  it('REQ-K5: the rules find what is wrong with a FOCUS file', () => {
    const good = 'BilledCost,ChargeCategory,x_Room\r\nmuch,Rent,"a ""b"", c"\r\n'
    const faults = focusFaults(good)
    expect(faults).toContain('column ServiceName is missing')
    expect(faults).toContain('row 1: BilledCost much is no decimal')
    expect(faults).toContain('row 1: ChargeCategory Rent is not a value of FOCUS')
    expect(readCsv(good)[1]?.[2]).toBe('a "b", c')
    expect(focusFaults('Room,x_A\r\n')).toContain(
      'column Room is neither of FOCUS nor an own one (x_)',
    )
  })

  it('REQ-K5: a FOCUS file of a report that is not by day is refused, with the fix', () => {
    const report = buildReport({
      allocations: [],
      window: { from: start, to: start + hour },
      ...{ prices, by: ['room'], nodes: { nodeHours: 1, capacityMbps: 100 } },
    })
    expect(() => renderReport(report, 'focus')).toThrow('--by room,day')
  })
})

import { describe, expect, it } from '@jest/globals'
import { relayCostReportSchema } from '@parley/protocol'
import fc from 'fast-check'
import { presetPrices } from '../prices/presets.ts'
import { replayEvents } from '../replay.ts'
import { replayReport } from '../report.ts'
import { lives, publish } from '../testing/stream.ts'
import { renderReport } from './index.ts'

const prices = presetPrices('aws/eu-central-1')

const reports = fc
  .tuple(lives, fc.subarray(['tenant', 'room', 'participant', 'day'] as const))
  .map(([all, by]) =>
    replayReport(replayEvents(all.flatMap(publish).map((line) => JSON.stringify(line))), {
      prices,
      by,
    }),
  )

describe('rendering a report', () => {
  it('no line of the table is wider than the terminal, from 80 columns on', () => {
    fc.assert(
      fc.property(reports, fc.integer({ min: 80, max: 160 }), (report, width) => {
        const lines = renderReport(report, 'table', { width }).split('\n')
        for (const line of lines) expect([...line].length).toBeLessThanOrEqual(width)
        expect(lines.filter((line) => line.startsWith('total'))).toHaveLength(1)
      }),
    )
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

  it('csv has a line a row, focus every mandatory column and a line a cost', () => {
    fc.assert(
      fc.property(reports, (report) => {
        const csv = renderReport(report, 'csv').trimEnd().split('\r\n')
        expect(csv).toHaveLength(report.rows.length + 1)
        const [header = '', ...rows] = renderReport(report, 'focus').trimEnd().split('\r\n')
        for (const column of ['BilledCost', 'ChargePeriodStart', 'PricingQuantity', 'ServiceName'])
          expect(header.split(',')).toContain(column)
        const billed = rows.reduce(
          (sum, row) => sum + Math.round(Number(row.split(',')[0]) * 1e6),
          0,
        )
        expect(billed).toBe(Math.round(report.totals.cost.total * 1e6))
      }),
    )
  })
})

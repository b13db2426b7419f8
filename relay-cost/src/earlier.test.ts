import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { dayMs } from './allocation.ts'
import { presetPrices } from './prices/presets.ts'
import type { Prices } from './prices/prices.ts'
import { reportOf } from './report.ts'
import { noSums } from './sums.ts'

const month = Date.UTC(2026, 10, 1)
const preset = presetPrices('aws/us-east-1')
const prices: Prices = {
  ...preset,
  gigabyte: 1e9,
  egress: {
    ...preset.egress,
    internet: {
      priorUsageGB: 1,
      tiers: [
        { upToGB: 10, perGB: 0 },
        { upToGB: 100, perGB: 0.1 },
        { upToGB: Number.POSITIVE_INFINITY, perGB: 0.05 },
      ],
    },
  },
}

const span = (firstDay: number, days: readonly number[]) => {
  const bytes = days.reduce((sum, megabytes) => sum + megabytes * 1e6, 0)
  return {
    from: month + firstDay * dayMs,
    to: month + (firstDay + days.length) * dayMs,
    prices,
    sums: [{ ...noSums(), transport: 'udp' as const, room: 'r', turnToClientBytes: bytes }],
  }
}

describe('the month so far', () => {
  it('REQ-K5: the days of a month cost together what the month costs', () => {
    const daysOf = fc.array(fc.nat(20_000), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(daysOf, (days) => {
        const egress = (from: number, to: number) =>
          reportOf({
            window: { from: month + from * dayMs, to: month + to * dayMs },
            spans: [span(from, days.slice(from, to))],
            earlier: from > 0 ? [span(0, days.slice(0, from))] : [],
          }).totals.cost.egress
        const whole = egress(0, days.length)
        const sum = days.reduce((all, _, day) => all + egress(day, day + 1), 0)
        // Each report is rounded to millionths by itself.
        expect(Math.abs(whole - sum)).toBeLessThanOrEqual(days.length * 1e-6)
      }),
    )
  })

  it('REQ-K5: what came before stands in no row', () => {
    const spans = [span(1, [3000])]
    const report = reportOf({
      window: { from: month + dayMs, to: month + 2 * dayMs },
      ...{ spans, earlier: [span(0, [50_000])] },
    })
    expect(report.totals.bytes.billable).toBe(3e9)
    expect(report.rows).toHaveLength(1)
    expect(report.totals.cost.egress).toBe(0.3)
    const alone = reportOf({ window: { from: month, to: month + dayMs }, spans: [span(0, [3000])] })
    expect(alone.totals.cost.egress).toBe(0)
  })
})

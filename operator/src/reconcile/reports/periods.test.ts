import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { DAYS_KEPT, INTERVALS_KEPT, periodsAt, SETTLE_MS } from './periods.ts'

const hour = 3_600_000
const noon = Date.UTC(2026, 10, 21, 12)
const names = (...args: Parameters<typeof periodsAt>) => periodsAt(...args).map((p) => p.suffix)

describe('the periods of reports', () => {
  it('REQ-K5: are the last 24 hours, the last 31 days and the present one', () => {
    const periods = periodsAt(noon + SETTLE_MS, 0, 3600)
    expect(periods).toHaveLength(INTERVALS_KEPT + DAYS_KEPT + 1)
    expect(periods[0]).toEqual({
      suffix: '20261121-1d',
      from: noon - 12 * hour,
      to: noon + 12 * hour,
      dueAt: noon + SETTLE_MS,
    })
    expect(periods.map(({ suffix }) => suffix)).toEqual(
      expect.arrayContaining(['20261121t11-1h', '20261120t12-1h', '20261120-1d', '20261021-1d']),
    )
    expect(names(noon + SETTLE_MS, 0, 3600)).not.toContain('20261121t12-1h')
  })

  it('REQ-K5: wait until the meter knows all of the period', () => {
    expect(names(noon + SETTLE_MS - 1, noon - hour, 3600)).not.toContain('20261121t11-1h')
    expect(names(noon + SETTLE_MS, noon - hour, 3600)).toContain('20261121t11-1h')
    // At midnight nothing of the day is over.
    expect(names(noon + 12 * hour + SETTLE_MS, noon + 12 * hour, 3600)).toEqual([])
  })

  it('REQ-K5: are whole hours, and only days where the interval is one', () => {
    expect(names(noon + SETTLE_MS, noon - hour, 600)).toEqual(['20261121-1d', '20261121t11-1h'])
    expect(names(noon + SETTLE_MS, noon - 7 * hour, 6 * 3600)).toEqual([
      '20261121-1d',
      '20261121t06-6h',
      '20261121t00-6h',
    ])
    expect(names(noon + SETTLE_MS, noon - 30 * hour, 86_400)).toEqual(['20261120-1d'])
  })

  it('REQ-K5: have names of their own, are bounded, and of nothing that is still to come', () => {
    const instant = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2060, 0) })
    fc.assert(
      fc.property(instant, fc.integer({ min: 1, max: 40 * 86_400 }), (now, seconds) => {
        const periods = periodsAt(now, 0, seconds)
        expect(periods.length).toBeLessThanOrEqual(INTERVALS_KEPT + DAYS_KEPT + 1)
        expect(new Set(periods.map(({ suffix }) => suffix)).size).toBe(periods.length)
        for (const { suffix, from, to, dueAt } of periods) {
          expect(suffix).toMatch(/^\d{8}(t\d\d)?-\d+[hd]$/)
          expect(from).toBeLessThan(to)
          expect(from % hour).toBe(0)
          expect(dueAt).toBeLessThanOrEqual(now)
        }
      }),
    )
  })
})

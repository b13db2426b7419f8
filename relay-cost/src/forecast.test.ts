import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { forecastMonthEnd } from './forecast.ts'

const day = 86_400_000
const daysOf = (costs: readonly number[]) =>
  costs.map((cost, index) => ({ from: index * day, to: (index + 1) * day, cost }))

const money = fc.double({ min: 0, max: 1e6, noNaN: true })
const costs = fc.array(money, { maxLength: 7 })
const remaining = fc.integer({ min: 0, max: 31 * day })

describe('the forecast of a month', () => {
  it('REQ-K5: goes on at the pace of the last days, the latest counting most', () => {
    expect(forecastMonthEnd(100, 10 * day, daysOf([5, 5, 5, 5, 5, 5, 5]))).toBeCloseTo(150, 9)
    // (1·0 + 2·0 + … + 7·28) / (1 + … + 7) = 7 a day
    expect(forecastMonthEnd(100, 10 * day, daysOf([0, 0, 0, 0, 0, 0, 28]))).toBeCloseTo(170, 9)
    expect(forecastMonthEnd(100, 10 * day, daysOf([28, 0, 0, 0, 0, 0, 0]))).toBeCloseTo(110, 9)
  })

  it('REQ-K5: is what the month has cost at its end, and where nothing is known of its days', () => {
    fc.assert(
      fc.property(money, remaining, costs, (monthToDate, left, days) => {
        expect(forecastMonthEnd(monthToDate, 0, daysOf(days))).toBe(monthToDate)
        expect(forecastMonthEnd(monthToDate, -1, daysOf(days))).toBe(monthToDate)
        expect(forecastMonthEnd(monthToDate, left, [])).toBe(monthToDate)
      }),
    )
  })

  it('REQ-K5: is no less than the month has cost, and never less for more cost or more time', () => {
    fc.assert(
      fc.property(
        money,
        remaining,
        costs,
        money,
        fc.nat(6),
        (monthToDate, left, days, more, at) => {
          const forecast = forecastMonthEnd(monthToDate, left, daysOf(days))
          expect(forecast).toBeGreaterThanOrEqual(monthToDate)
          const dearer = days.map((cost, index) => (index === at ? cost + more : cost))
          expect(forecastMonthEnd(monthToDate, left, daysOf(dearer))).toBeGreaterThanOrEqual(
            forecast,
          )
          expect(forecastMonthEnd(monthToDate + more, left, daysOf(days))).toBeGreaterThanOrEqual(
            forecast,
          )
          expect(forecastMonthEnd(monthToDate, left + day, daysOf(days))).toBeGreaterThanOrEqual(
            forecast,
          )
        },
      ),
    )
  })
})

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { trendOf } from './AdminBoard.ts'
import { heatOf } from './heat.ts'

const point = fc
  .tuple(fc.nat(1e6), fc.array(fc.nat(50), { minLength: 3, maxLength: 3 }))
  .map(([at, latency]) => ({ ...trendOf([], at), latency }))

describe('REQ-A2: the map of round trips', () => {
  it('has at most 60 columns, each row in each, and the highest there was', () => {
    fc.assert(
      fc.property(fc.array(point, { maxLength: 400 }), (trend) => {
        const { times, cells, range } = heatOf(trend, ({ latency }) => latency)
        expect(times.length).toBeLessThanOrEqual(60)
        expect(times[0]).toBe(trend[0]?.at)
        expect(cells).toHaveLength(3 * times.length)
        expect(range.high).toBe(Math.max(0, ...trend.flatMap(({ latency }) => latency)))
        for (const [column, row] of cells) {
          expect(column).toBeLessThan(times.length)
          expect(row).toBeLessThan(3)
        }
      }),
      { numRuns: 200 },
    )
  })
})

import { describe, expect, it } from '@jest/globals'
import { type Figure, median, meetsFloor, percentile } from './bench.ts'

describe('a figure of a bench', () => {
  const figure = (value: number, floor: Figure['floor'], ratio?: number): Figure => ({
    ...{ name: 'one', value, unit: 'ms' },
    ...(floor && { floor }),
    ...(ratio === undefined ? {} : { ratio }),
  })

  it('meets its floor where it is as good or better', () => {
    expect(meetsFloor(figure(5, { atMost: 5 }))).toBe(true)
    expect(meetsFloor(figure(5.1, { atMost: 5 }))).toBe(false)
    expect(meetsFloor(figure(5, { atLeast: 5 }))).toBe(true)
    expect(meetsFloor(figure(4.9, { atLeast: 5 }))).toBe(false)
    expect(meetsFloor(figure(9, { ratioAtLeast: 0.9 }, 0.9))).toBe(true)
    expect(meetsFloor(figure(9, { ratioAtLeast: 0.9 }))).toBe(false)
    expect(meetsFloor(figure(Number.NaN, undefined))).toBe(true)
  })

  it('of nothing measured meets none', () => {
    expect(meetsFloor(figure(Math.max(...[]), { atMost: 6 }))).toBe(false)
    expect(meetsFloor(figure(Math.min(...[]), { atLeast: 6 }))).toBe(false)
    expect(meetsFloor(figure(median([]), { atMost: 6 }))).toBe(false)
  })

  it('of values one of which is none is none, wherever that one stands', () => {
    expect(percentile([3, 1, 2], 0.95)).toBe(3)
    expect(percentile([3, 1, 2], 0.5)).toBe(2)
    for (const values of [
      [Number.NaN, 1, 2],
      [1, Number.NaN, 2],
      [1, 2, Number.NaN],
    ])
      expect(percentile(values, 0.5)).toBeNaN()
  })
})

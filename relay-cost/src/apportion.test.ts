import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { apportion } from './apportion.ts'

describe('apportion', () => {
  it('gives what is left over to the largest remainders', () => {
    expect(apportion(10, [1, 1, 1])).toEqual([4, 3, 3])
    expect(apportion(10, [6, 3, 2])).toEqual([5, 3, 2])
    expect(apportion(5, [0, 0])).toEqual([3, 2])
    expect(apportion(0, [1, 2])).toEqual([0, 0])
    expect(apportion(7, [])).toEqual([])
  })

  it('conserves the whole and keeps each part within one unit of its share', () => {
    const amount = fc.maxSafeNat()
    fc.assert(
      fc.property(amount, fc.array(amount, { minLength: 1, maxLength: 20 }), (total, weights) => {
        const parts = apportion(total, weights)
        expect(parts.reduce((sum, part) => sum + BigInt(part), 0n)).toBe(BigInt(total))
        const sum = weights.reduce((all, weight) => all + BigInt(weight), 0n)
        if (sum === 0n) return
        for (const [index, part] of parts.entries()) {
          const floor = (BigInt(total) * BigInt(weights[index] ?? 0)) / sum
          expect([floor, floor + 1n]).toContain(BigInt(part))
        }
      }),
    )
  })
})

import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { tileGrid } from './tileGrid.ts'

describe('tileGrid', () => {
  it.each([
    ['three on a desktop', 3, 1248, 670, 2],
    ['three on a phone', 3, 374, 712, 1],
    ['eight on a desktop', 8, 1248, 670, 3],
    ['two on a phone held sideways', 2, 800, 260, 2],
  ] as const)('%s', (_, count, width, height, columns) => {
    expect(tileGrid(count, width, height, 12).columns).toBe(columns)
  })

  it('lets one person fill a phone', () => {
    expect(tileGrid(1, 374, 712, 8)).toEqual({ columns: 1, tileWidth: 374, tileHeight: 712 })
  })

  it('REQ-W3: never overflows its stage', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 200, max: 4000 }),
        fc.integer({ min: 200, max: 3000 }),
        (count, width, height) => {
          const { columns, tileWidth, tileHeight } = tileGrid(count, width, height, 8)
          const rows = Math.ceil(count / columns)
          expect(tileWidth).toBeGreaterThan(0)
          expect(columns * tileWidth + (columns - 1) * 8).toBeLessThanOrEqual(width + 1e-6)
          expect(rows * tileHeight + (rows - 1) * 8).toBeLessThanOrEqual(height + 1e-6)
        },
      ),
    )
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { focusFaults } from '../testing/focus-rules.ts'
import { exampleMonth } from './month.ts'

const file = (name: string) =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')

describe('the example month', () => {
  it('REQ-K5: its FOCUS file keeps the rules, and all files are small', () => {
    expect(focusFaults(file('examples/month-focus.csv'))).toEqual([])
    for (const name of ['examples/month.md', 'examples/month-focus.csv', 'images/month.svg'])
      expect(file(name).length).toBeLessThan(300_000)
  })

  it('REQ-K5: has three regions, 40 tenants, and advice with its arithmetic', () => {
    const month = exampleMonth(Date.UTC(2026, 9), 1)
    const tenants = new Set(
      month.flatMap(({ allocations }) =>
        allocations.map(({ username }) => username.split(':')[1]?.split('.')[0]),
      ),
    )
    expect([month.length, tenants.size]).toEqual([3, 40])
    expect(file('examples/month.md')).toMatch(/less on the SFU.*\n +\(mesh /)
  })
})

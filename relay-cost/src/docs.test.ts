import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { loadPrices } from './prices/file.ts'
import { renderReport } from './render/index.ts'
import { replayEvents } from './replay.ts'
import { replayReport } from './report.ts'

const page = readFileSync(new URL('../../docs/relay-cost.md', import.meta.url), 'utf8')
const block = (label: string) => {
  const text = new RegExp(`\`\`\`${label}\n([\\s\\S]*?)\`\`\``).exec(page)?.[1]
  if (text === undefined) throw new Error(`docs/relay-cost.md has no block "${label}"`)
  return text
}

describe('docs/relay-cost.md', () => {
  const prices = loadPrices(block('yaml prices'))
  const replay = replayEvents(block('jsonl events').split('\n'))
  const report = replayReport(replay, { prices, by: ['room', 'participant'] })

  it('REQ-K5: the worked example comes out as its arithmetic says', () => {
    expect(replay.rejected).toEqual([])
    expect(report.totals.bytes.billable).toBe(51_580_000_000)
    expect(report.totals.cost.total).toBe(3.329)
    const ofDee = report.rows.find(({ key }) => key.participant === 'p-dee')
    expect(ofDee?.bytes.billable).toBe(10_300_000_000)
    expect(ofDee?.cost.egress).toBeCloseTo((3.329 * 10.3) / 51.58, 5)
  })

  it('the table that it shows is the table that is printed', () => {
    expect(renderReport(report, 'table', { width: 100 })).toBe(block('text report'))
  })
})

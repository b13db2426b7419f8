import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { loadPrices } from './prices/file.ts'
import { renderReport } from './render/index.ts'
import { ReplayStream } from './replay-stream.ts'
import { inOrder } from './testing/replayed.ts'

const page = readFileSync(new URL('../../docs/relay-cost.md', import.meta.url), 'utf8')
const block = (label: string) => {
  const text = new RegExp(`\`\`\`${label}\n([\\s\\S]*?)\`\`\``).exec(page)?.[1]
  if (text === undefined) throw new Error(`docs/relay-cost.md has no block "${label}"`)
  return text
}

describe('docs/relay-cost.md', () => {
  const prices = loadPrices(block('yaml prices'))
  const lines = block('jsonl events').trim().split('\n')
  const stream = new ReplayStream({ prices: [prices], by: ['room', 'participant'] })
  for (const event of inOrder(lines)) stream.push(event)
  const report = stream.report()

  it('REQ-K5: the worked example comes out as its arithmetic says', () => {
    expect(stream.accepted).toBe(lines.length)
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

import { expect, it } from '@jest/globals'
import { EarlySignals } from './EarlySignals.ts'

it('REQ-W5: signals of people whom nothing names do not fill the page; the last ones are kept in order', () => {
  const early = new EarlySignals()
  for (let nth = 0; nth < 10_000; nth++)
    early.keep(nth % 2 ? 'a' : 'b', { candidate: { candidate: String(nth) } } as never)
  const lines = early.take('a').map(({ signal }) => 'candidate' in signal && signal.candidate)
  expect(lines).toHaveLength(250)
  expect(lines[0]).toEqual({ candidate: '9501' })
  expect(lines.at(-1)).toEqual({ candidate: '9999' })
  expect(early.take()).toHaveLength(250)
  expect(early.take()).toEqual([])
})

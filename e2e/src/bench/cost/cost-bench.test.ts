import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, jest } from '@jest/globals'
import { costBench } from './cost-bench.ts'

jest.setTimeout(60_000)

it('REQ-K5: a run that finds the store of an earlier one has the same figures', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-cost-bench-'))
  try {
    const run = () =>
      costBench.run({
        ...{ sizes: [1], repeat: 1, parts: ['report'], folder },
        ...{ say: () => {}, signal: new AbortController().signal },
      })
    const [first, second] = [await run(), await run()]
    const namesOf = (figures: typeof first) => figures.map(({ name }) => name)
    expect(namesOf(first)).toEqual(['report by room, 0.001 M allocations', 'allocations rolled up'])
    expect(namesOf(second)).toEqual(namesOf(first))
    // The store was made once.
    expect(second.at(-1)).toEqual(first.at(-1))
    expect(first.at(-1)?.value).toBeGreaterThan(0)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, jest } from '@jest/globals'
import { killSweep } from './traffic/sweep.ts'

jest.setTimeout(240_000)

/** The same for 60 s: `npm run bench -- http-monitor --part sweep`. */
describe('what is counted of HTTP', () => {
  it('REQ-H4: server, worker and Redis are killed; each answered request is in the store once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-sweep-'))
    try {
      const { answered, cut, counted, kills } = await killSweep({
        ...{ folder, rounds: 1, betweenMs: 700, people: 4, pauseMs: 10, say: () => {} },
      })
      expect(kills).toBe(3)
      expect(answered).toBeGreaterThan(10)
      expect(counted.hours).toBeGreaterThanOrEqual(answered)
      expect(counted.hours).toBeLessThanOrEqual(answered + cut)
      // A kill cuts off one request of each who asks, at most.
      expect(cut).toBeLessThanOrEqual(4)
      expect(counted.days).toBe(counted.hours)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

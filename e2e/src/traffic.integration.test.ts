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
      expect(kills).toBe(4)
      expect(answered).toBeGreaterThan(10)
      expect(counted.hours).toBeGreaterThanOrEqual(answered)
      expect(counted.hours).toBeLessThanOrEqual(answered + cut)
      // Of each who asks, the kill of the server cuts off one request, and perhaps one that came just then.
      expect(cut).toBeLessThanOrEqual(12)
      expect(counted.days).toBeGreaterThanOrEqual(counted.hours)
      expect(counted.days).toBeLessThanOrEqual(answered + cut)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

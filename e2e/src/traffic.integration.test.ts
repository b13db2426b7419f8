import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { eventually, startMariadb } from '../../meter/src/testing/servers.ts'
import { startCounting } from './traffic/outage.ts'
import { killSweep } from './traffic/sweep.ts'

jest.setTimeout(240_000)

describe('what is counted of HTTP', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-traffic-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  /** The same for 60 s: `npm run bench -- http-monitor --part sweep`. */
  it('REQ-H4: server, worker and Redis are killed; each answered request is in the store once', async () => {
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
  })

  it('REQ-H4: MariaDB, then Redis, is away for several flushes; each answered request is in MariaDB once', async () => {
    let database = await startMariadb(folder)
    const counting = await startCounting(folder, { meter: { METER_STORE: database.url } }).catch(
      async (error) => {
        await database.stop('SIGKILL')
        throw error
      },
    )
    try {
      await database.stop('SIGKILL')
      const answeredBefore = counting.answered()
      await eventually(async () => expect(await counting.waiting()).toBeGreaterThanOrEqual(6))
      expect(counting.answered()).toBeGreaterThan(answeredBefore)
      database = await startMariadb(folder, database.port)
      await counting.caughtUp()

      await counting.redis.kill()
      await eventually(async () => expect(await counting.unsent()).toBeGreaterThanOrEqual(8))
      await counting.redis.start()
      await counting.caughtUp()

      const { answered, cut, dropped, counted } = await counting.outcome()
      expect({ cut, dropped, counted }).toEqual({ cut: 0, dropped: 0, counted: answered })
    } finally {
      await counting.close()
      await database.stop('SIGKILL')
    }
  })

  it('REQ-H4: Redis is away past the bound; each answered request is in the store once, or said to be dropped', async () => {
    const counting = await startCounting(folder, { signaling: { METRICS_BUFFER_SIZE: '6' } })
    try {
      await counting.redis.kill()
      await eventually(async () => expect(await counting.dropped()).toBeGreaterThan(0))
      expect(await counting.unsent()).toBe(6)
      await counting.redis.start()

      const { answered, cut, dropped, counted } = await counting.outcome()
      expect({ cut, counted }).toEqual({ cut: 0, counted: answered - dropped })
    } finally {
      await counting.close()
    }
  })
})

import { randomUUID } from 'node:crypto'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { type TrafficBatch, trafficKeys } from '@parley/protocol'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { ConfigError } from '../config.ts'
import { httpStatus } from '../errors.ts'
import type { HttpCounts } from './http-monitor.ts'
import { type Push, TrafficOutbox } from './outbox.ts'
import { noWriteAhead, readWriteAhead, writeAheadIn } from './write-ahead.ts'

/** How long a batch is filled, and how often batches are sent. */
const sealMs = 1000

export type TrafficConfig = {
  /** Batches that a server keeps, and the list in Redis holds, at most. */
  bufferSize: number
  /** Folder for what a killed server has not sent; left out: that much, a second of traffic, is lost. */
  folder?: string
}

export type Traffic = HttpCounts & {
  outbox: TrafficOutbox
  /** Sends what is there, while Redis answers. */
  close(): Promise<void>
}

/** What the server answers where it fails. */
const failures = [...new Set(Object.values(httpStatus))].filter((status) => status >= 500)

/** Adds batches to the list up to its bound: ARGV is the bound and the batches. */
const pushScript = `
  local stored = redis.call('GET', KEYS[2]) or '0'
  local room = tonumber(ARGV[1]) - redis.call('LLEN', KEYS[1])
  local taken = math.max(0, math.min(room, #ARGV - 1))
  for i = 2, taken + 1 do redis.call('RPUSH', KEYS[1], ARGV[i]) end
  return {taken, stored}`

/**
 * Starts to count what this server does.
 * @param redis fails at once while Redis is away
 * @throws {ConfigError} when the folder cannot be written to
 */
export function openTraffic(
  config: TrafficConfig,
  { redis, cluster, clock, log }: { redis: Redis; cluster: string; clock: Clock; log: Logger },
): Traffic {
  const { bufferSize, folder } = config
  if (folder !== undefined) requireFolder(folder)
  let isFailing = false
  const outbox = new TrafficOutbox({
    source: randomUUID(),
    writeAhead:
      folder === undefined
        ? noWriteAhead
        : writeAheadIn(folder, (error) => {
            if (!isFailing) log.warn({ problem: error.message }, 'traffic not written ahead')
            isFailing = true
          }),
    push: pushTo(redis, cluster, bufferSize),
    now: clock.now,
    bufferSize,
    left: folder === undefined ? [] : readWriteAhead(folder),
  })
  redis.on('close', () => outbox.resend())

  let isAway = false
  const ship = () =>
    outbox.ship().then(
      () => {
        if (isAway) log.info({}, 'traffic is sent again')
        isAway = false
      },
      (error: Error) => {
        if (!isAway) log.warn({ problem: error.message }, 'traffic not sent; kept for later')
        isAway = true
      },
    )
  let isClosed = false
  let cancel = () => {}
  const beat = () => {
    cancel = clock.after(sealMs, async () => {
      outbox.seal()
      await ship()
      if (!isClosed) beat()
    })
  }
  beat()
  return {
    record: (sample) => outbox.record(sample),
    expect: (method, route) => outbox.expect(method, route, failures),
    outbox,
    async close() {
      isClosed = true
      cancel()
      outbox.seal()
      // Under way may be one that began before the last were sealed.
      await ship()
      await ship()
      outbox.close()
    },
  }
}

function requireFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK)
  } catch (cause) {
    throw new ConfigError(
      `METRICS_FOLDER: ${(cause as Error).message}; name a folder that this server may write, or unset it`,
      { cause },
    )
  }
}

function pushTo(redis: Redis, cluster: string, bufferSize: number): Push {
  const keys = trafficKeys(cluster)
  return async (source: string, batches: readonly TrafficBatch[]) => {
    const answer = (await redis.eval(
      pushScript,
      2,
      keys.buffer,
      keys.stored(source),
      bufferSize,
      ...batches.map((batch) => JSON.stringify(batch)),
    )) as [number, string]
    return { taken: Number(answer[0]), stored: Number(answer[1]) }
  }
}

import { trafficKeys } from '@parley/protocol'
import { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { TrafficBook } from '../store/store.ts'
import { TrafficApi } from './api.ts'
import { trafficQueue } from './queue.ts'
import { TrafficRollup } from './rollup.ts'
import type { TrafficRetention } from './tables.ts'

export type TrafficSettings = {
  /** Batches that are taken at a time, and how often. */
  batchSize: number
  processMs: number
  /** How often they are stored. */
  persistMs: number
  /** Batches that wait for the store at most. */
  bufferSize: number
  /** How much of the last minutes is shown. */
  liveMs: number
  kept: TrafficRetention
  /** Mbit/s over which an alert opens; 0: never. */
  alertMbps: number
  /** Where BullMQ's queue is, if not in the Redis of the buffer. */
  queueRedis?: { host: string; port: number }
}

export type Traffic = {
  api: TrafficApi
  totals: TrafficRollup['totals']
  /** Batches in Redis that wait to be taken, and to be stored; undefined while Redis is away. */
  lengths(): Promise<{ buffer: number; pending: number } | undefined>
  close(): Promise<void>
}

/** Starts to roll up what servers of the cluster did. What fails is said in the log, and done again. */
export async function openTraffic(
  settings: TrafficSettings,
  options: {
    redisUrl: string
    cluster: string
    book: () => Promise<TrafficBook>
    now: () => number
    logger: Logger
  },
): Promise<Traffic> {
  const { redisUrl, cluster, book, now, logger } = options
  const { kept, liveMs, batchSize, bufferSize, alertMbps } = settings
  const redis = new Redis(redisUrl, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: 5000,
    retryStrategy: (attempt) => Math.min(100 * 2 ** Math.min(attempt, 6), 5000),
  })
  // Said by the feed of statsdb, which is on the same Redis.
  redis.on('error', () => {})
  const queue = trafficQueue(redis, cluster)
  const rollup = new TrafficRollup({
    ...{ queue, book, now, batchSize, bufferSize, liveMs, kept, alertMbps },
  })

  let said = ''
  const say = (error: Error) => {
    if (error.message !== said) logger.warn({ reason: error.message }, 'traffic not rolled up')
    said = error.message
  }
  const step = (work: () => Promise<void>) => async () => {
    await work()
    if (said !== '') logger.info({}, 'traffic is rolled up again')
    said = ''
  }
  // BullMQ takes memory and time to load, which who does not count need not have.
  const { startTrafficWorker } = await import('./worker.ts')
  const worker = startTrafficWorker({
    redisUrl: settings.queueRedis ? at(redisUrl, settings.queueRedis) : redisUrl,
    prefix: trafficKeys(cluster).queue,
    jobs: {
      process: { everyMs: settings.processMs, work: step(() => rollup.process()) },
      persist: {
        everyMs: settings.persistMs,
        work: step(async () => {
          await rollup.persist()
          await rollup.forget()
        }),
      },
    },
    onError: say,
  })
  return {
    api: new TrafficApi({ queue, book, now, liveMs }),
    totals: rollup.totals,
    lengths: () => queue.lengths().catch(() => undefined),
    async close() {
      await worker.close()
      // What the servers have sent by now; the rest waits in Redis.
      await rollup
        .process()
        .then(() => rollup.persist())
        .catch(say)
      redis.disconnect()
    },
  }
}

/** The same user and database on another server. */
function at(redisUrl: string, { host, port }: { host: string; port: number }): string {
  const url = new URL(redisUrl)
  url.hostname = host
  url.port = String(port)
  return url.href
}

import { setTimeout as sleep } from 'node:timers/promises'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'

export type TrafficWorkerOptions = {
  redisUrl: string
  /** Prefix of the queue's keys. */
  prefix: string
  /** The work, by name, and how often (ms). It may reject: it is done again the next time. */
  jobs: Readonly<Record<string, { everyMs: number; work: () => Promise<void> }>>
  onError: (error: Error) => void
}

const name = 'traffic'
const closeMs = 5000

/**
 * Does jobs again and again, one at a time over all meters of the cluster, by a BullMQ queue: whichever worker is free takes
 * the next. Redis may be away at the start and later, and may forget: the schedule is then written anew.
 */
export function startTrafficWorker(options: TrafficWorkerOptions): { close(): Promise<void> } {
  const { redisUrl, prefix, jobs, onError } = options
  const open = () => {
    const connection = new Redis(redisUrl, {
      maxRetriesPerRequest: null,
      retryStrategy: (attempt) => Math.min(100 * 2 ** Math.min(attempt, 6), 5000),
    })
    connection.on('error', onError)
    return connection
  }
  const [ofQueue, ofWorker] = [open(), open()]
  const queue = new Queue(name, { connection: ofQueue, prefix, skipVersionCheck: true })
  const worker = new Worker(
    name,
    async (job) => {
      await jobs[job.name]?.work()
    },
    {
      connection: ofWorker,
      prefix,
      skipVersionCheck: true,
      concurrency: 1,
      // A job of a meter that was killed is another's after this.
      lockDuration: 10_000,
      stalledInterval: 5000,
      removeOnComplete: { count: 1 },
      removeOnFail: { count: 10 },
    },
  )
  queue.on('error', onError)
  worker.on('error', onError)
  worker.on('failed', (_job, error) => onError(error))
  const schedule = async () => {
    for (const [job, { everyMs }] of Object.entries(jobs))
      await queue.upsertJobScheduler(job, { every: everyMs }, { name: job })
  }
  ofQueue.on('ready', () => void schedule().catch(onError))
  return {
    async close() {
      // What is under way ends first; a Redis that is away does not hold the process up.
      const ended = worker.close(ofWorker.status !== 'ready').then(() => queue.close())
      await Promise.race([ended.catch(onError), sleep(closeMs, undefined, { ref: false })])
      ofQueue.disconnect()
      ofWorker.disconnect()
    },
  }
}

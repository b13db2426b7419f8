import { setTimeout as sleep } from 'node:timers/promises'
import { type LinkRecord, linkRecordSchema, linkReportStream } from '@parley/protocol'
import { Redis } from 'ioredis'
import type { Logger } from 'pino'

/** Entries of the stream that are read, and stored, at a time. */
const batch = 500
/** How long one question to Redis waits for news. */
const blockMs = 5000
const retryMs = 1000

type LinkFeed = { close(): Promise<void> }

/**
 * The stream to which signaling writes what pages report of their links. It is read from its beginning
 * (it is bounded, and to store a report twice changes nothing), and goes on only when what was read is
 * stored: a store or a Redis that is away for a while loses nothing that the stream still holds.
 * What cannot be stored or read says so in the log once, and never stops the meter from counting.
 *
 * @param onReports stores them; may reject
 */
export function followLinkReports(options: {
  redisUrl: string
  cluster: string
  onReports: (records: readonly LinkRecord[]) => Promise<void>
  logger: Logger
}): LinkFeed {
  const { redisUrl, cluster, onReports, logger } = options
  const stop = new AbortController()
  const stopped = Promise.withResolvers<null>()
  const stream = linkReportStream(cluster)
  let last = '0-0'
  let said = ''
  const redis = new Redis(redisUrl, {
    // Streams are read as the arrays of RESP2.
    protocol: 2,
    maxRetriesPerRequest: null,
    retryStrategy: (attempt: number) => Math.min(100 * 2 ** Math.min(attempt, 6), 5000),
  })
  // Said by the feed of statsdb, which is on the same Redis.
  redis.on('error', () => {})
  // A Redis that lost its data may number its entries anew.
  redis.on('close', () => {
    last = '0-0'
  })

  const readOnce = async () => {
    // ioredis never answers a command that waits for a Redis that is away when it is disconnected.
    const answer = await Promise.race([
      redis.xread('COUNT', batch, 'BLOCK', blockMs, 'STREAMS', stream, last),
      stopped.promise,
    ])
    for (const { id, records, rejected } of entriesOf(answer)) {
      if (rejected > 0) logger.warn({ entries: rejected }, 'link reports not understood')
      if (records.length > 0) await onReports(records)
      last = id
    }
    said = ''
  }
  const run = async () => {
    while (!stop.signal.aborted) {
      try {
        await readOnce()
      } catch (error) {
        if (stop.signal.aborted) return
        const { message } = error as Error
        if (said !== message) logger.warn({ reason: message }, 'link reports not taken in')
        said = message
        await sleep(retryMs, undefined, { signal: stop.signal }).catch(() => {})
      }
    }
  }
  const ended = run()

  return {
    async close() {
      stop.abort()
      stopped.resolve(null)
      redis.disconnect()
      await ended
    },
  }
}

type Batch = { id: string; records: LinkRecord[]; rejected: number }

/** What Redis answered: null when there was no news in time. */
export function entriesOf(answer: unknown): Batch[] {
  if (!Array.isArray(answer)) return []
  return answer.flatMap(([, entries]: [string, [string, string[]][]]) => {
    const id = entries.at(-1)?.[0]
    if (id === undefined) return []
    const records = entries.flatMap(([, fields]) => recordIn(fields) ?? [])
    return [{ id, records, rejected: entries.length - records.length }]
  })
}

function recordIn(fields: readonly string[]): LinkRecord | undefined {
  const at = fields.indexOf('record')
  if (at < 0) return undefined
  try {
    return linkRecordSchema.safeParse(JSON.parse(fields[at + 1] ?? '')).data
  } catch {
    return undefined
  }
}

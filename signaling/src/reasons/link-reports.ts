import { type LinkRecord, type LinkReport, linkReportStream } from '@parley/protocol'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { RateLimit } from '../rate-limit.ts'
import { rateLimit } from '../rate-limit.ts'
import type { RoomKey } from '../rooms/room-store.ts'

/** Where reports of links go, for the meter to read. */
export type LinkReports = {
  /**
   * Passes on what a participant said of a link of its own. Does not wait: nobody's call depends on it.
   * @throws {SignalingError} `rate-limited`
   */
  take(from: RoomKey & { participant: string }, report: LinkReport): Promise<void>
}

/** The stream holds so many at least; a meter that is away for longer misses the oldest. */
const streamMax = 10_000
/** A page reports a link once or twice; a full mesh of them may fail and come back at once. */
const reportsPerSecond = 2
const burst = 120

/**
 * Reports go to a Redis stream of the cluster, with whose they are by the seat and the server's clock.
 *
 * @param redis a connection that fails at once when Redis is away; left out, nobody reads reports and
 *   they are taken and dropped
 */
export function linkReports(options: {
  redis: Pick<Redis, 'xadd'> | undefined
  cluster: string
  /** Epoch ms. */
  now: () => number
  log: Logger
  limit?: RateLimit
  /** Told of each report that is taken. */
  onReport?: (from: RoomKey & { participant: string }, report: LinkReport) => void
}): LinkReports {
  const { redis, cluster, now, log, limit = rateLimit(reportsPerSecond, burst) } = options
  const stream = linkReportStream(cluster)
  let failing = false
  return {
    async take(from, report) {
      await limit.take(`${from.tenant}.${from.room}.${from.participant}`)
      options.onReport?.(from, report)
      const record = JSON.stringify(recordOf(from, report, now()))
      redis?.xadd(stream, 'MAXLEN', '~', streamMax, '*', 'record', record).then(
        () => {
          failing = false
        },
        (error: Error) => {
          if (!failing) log.warn({ problem: error.message }, 'link reports not passed on')
          failing = true
        },
      )
    },
  }
}

/** A page's own clock is not asked: it says how long ago the link began. */
export function recordOf(
  { tenant, room, participant }: RoomKey & { participant: string },
  { ageMs, ...report }: LinkReport,
  at: number,
): LinkRecord {
  return { tenant, room, participant, startedAt: Math.max(0, at - ageMs), at, report }
}

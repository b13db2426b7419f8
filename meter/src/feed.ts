import { parseStatsdb, type StatsdbEvent } from '@parley/relay-cost'
import { Redis } from 'ioredis'
import type { Logger } from 'pino'

/** An event that says that an allocation lives, and whose it is. */
export type AllocationStatus = Extract<StatsdbEvent, { remote: string }>

export type Feed = {
  /** Why the meter is not subscribed right now; undefined while it is. */
  trouble(): string | undefined
  /** Since when (epoch ms) it has been subscribed without a break; undefined while it is not. */
  heardSince(): number | undefined
  /** How often it was subscribed and then was not. */
  gaps(): number
  close(): Promise<void>
}

/**
 * coturn's statsdb as a stream of events, of one cluster's realms (`<pod>.<cluster>`).
 *
 * Redis forgets what nobody is subscribed to. So after each (re)connection the status keys, which
 * coturn also SETs, are read: allocations that were opened meanwhile are known, and what was missed
 * of their traffic comes in with their totals when they close.
 */
export function followStatsdb(options: {
  redisUrl: string
  cluster: string
  now: () => number
  onEvent: (event: StatsdbEvent) => void
  /** Called for each status key that lies in Redis, after each (re)connection. */
  onStatusFound: (status: AllocationStatus) => void
  /** Called after that: from then on coturn is heard. */
  onSubscribed: () => void
  logger: Logger
}): Feed {
  const { redisUrl, cluster, now, onEvent, onStatusFound, onSubscribed, logger } = options
  const connection = {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    retryStrategy: (attempt: number) => Math.min(100 * 2 ** Math.min(attempt, 6), 5000),
  }
  const subscriber = new Redis(redisUrl, { ...connection, autoResubscribe: false })
  const reader = new Redis(redisUrl, connection)
  let subscribed = false
  let closing = false
  let gaps = 0
  let heardSince: number | undefined

  const read = (channel: string, message: string): StatsdbEvent | undefined => {
    const event = parseStatsdb({ t: now(), channel, message })
    if ('rejected' in event) {
      logger.warn({ reason: event.rejected }, 'statsdb message not counted')
      return undefined
    }
    return event.allocation.realm.endsWith(`.${cluster}`) ? event : undefined
  }

  const catchUp = async () => {
    for await (const keys of reader.scanStream({ match: 'turn/realm/*/status', count: 1000 })) {
      const names = keys as string[]
      if (names.length === 0) continue
      const values = await reader.mget(names)
      for (const [index, name] of names.entries()) {
        const value = values[index]
        const event = value ? read(name, value) : undefined
        if (event && 'remote' in event) onStatusFound(event)
      }
    }
  }

  subscriber.on('pmessage', (_pattern, channel, message) => {
    const event = read(channel, message)
    if (event) onEvent(event)
  })
  subscriber.on('ready', async () => {
    try {
      await subscriber.psubscribe('turn/realm/*')
      const since = now()
      await catchUp()
      subscribed = subscriber.status === 'ready'
      if (subscribed) {
        heardSince = since
        onSubscribed()
      }
      lastError = ''
      logger.info('subscribed to statsdb')
    } catch (error) {
      if (closing) return
      logger.error({ err: error }, 'cannot subscribe to statsdb')
      subscriber.disconnect(true)
    }
  })
  subscriber.on('close', () => {
    if (subscribed) {
      gaps += 1
      logger.warn('statsdb connection lost')
    }
    subscribed = false
    heardSince = undefined
  })
  let lastError = ''
  for (const client of [subscriber, reader])
    client.on('error', (error: Error) => {
      const reason = error.message || (error as { code?: string }).code || error.name
      if (reason !== lastError) logger.warn({ reason }, 'redis is not reachable')
      lastError = reason
    })
  for (const client of [subscriber, reader]) client.connect().catch(() => {})

  return {
    trouble: () =>
      subscribed ? undefined : `not subscribed to statsdb${lastError && `: ${lastError}`}`,
    heardSince: () => heardSince,
    gaps: () => gaps,
    async close() {
      closing = true
      subscribed = false
      subscriber.disconnect()
      reader.disconnect()
    },
  }
}

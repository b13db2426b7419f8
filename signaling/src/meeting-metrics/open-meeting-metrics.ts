import { randomUUID } from 'node:crypto'
import type { WebrtcSample } from '@parley/protocol'
import type { Redis } from 'ioredis'
import type { Registry } from 'prom-client'
import type { Sample } from '../traffic/rows.ts'
import { createClientMetrics } from './client-metrics.ts'
import { noFeed, redisFeed } from './feed.ts'
import { type LastHour, memoryLastHour, redisLastHour } from './last-hour.ts'
import { redisLiveStore } from './live-store.ts'
import {
  type MeetingMetricsDeps,
  type MeetingMetricsGateway,
  serveMeetingMetrics,
} from './serve-meeting-metrics.ts'

export type MeetingMetricsConfig = {
  /** How often a page reads its connections, and after how long it says that nothing has changed, ms. */
  statsMs: number
  emitMs: number
  /** Of one participant admins hear at most once in so many ms. */
  throttleMs: number
  /** What nothing was heard of for so many ms is forgotten. */
  ttlMs: number
  /** Live states that wait at most, while Redis is away. */
  bufferSize: number
  /** Sustained rate of one socket. */
  eventsPerSecond: number
}

/**
 * Serves `/meeting-metrics`, with its live state in Redis where there is one, else in this process.
 *
 * @param redis fails at once while Redis is away
 * @param record takes a minute of a participant for the history; left out: there is none
 */
export function openMeetingMetrics(
  config: MeetingMetricsConfig,
  deps: Pick<MeetingMetricsDeps, 'io' | 'rooms' | 'admit' | 'adminEnabled' | 'clock' | 'log'> & {
    redis: Redis | undefined
    cluster: string
    registry: Registry
    record: ((sample: Sample) => void) | undefined
  },
): MeetingMetricsGateway & { lastHour: LastHour } {
  const { redis, cluster, registry, record, ...rest } = deps
  const { throttleMs, ttlMs, bufferSize, eventsPerSecond } = config
  const metrics = createClientMetrics(registry)
  const { now } = rest.clock
  const onFault = ({ message }: Error) =>
    rest.log.error({ problem: message }, 'redis refuses figures of calls')
  const lastHour = redis
    ? redisLastHour({ redis, cluster, now, onDropped: metrics.dropped, onFault })
    : memoryLastHour(now)
  const gateway = serveMeetingMetrics({
    ...{ ...rest, metrics, throttleMs, ttlMs, eventsPerSecond, lastHour },
    store:
      redis &&
      redisLiveStore({
        ...{ redis, cluster, ttlMs, bufferSize, now: rest.clock.now },
        onDropped: () => metrics.dropped('state'),
        onFault,
      }),
    feed: (onMessage) =>
      redis
        ? redisFeed({
            ...{ redis, cluster, self: randomUUID(), onMessage },
            onDropped: () => metrics.dropped('update'),
          })
        : noFeed,
    history: (samples) => {
      for (const sample of samples) record?.(trafficSample(sample))
    },
  })
  return { ...gateway, lastHour }
}

/** A participant's minute as the history counts it: bytes are those that the participant received and sent. */
export function trafficSample(sample: WebrtcSample): Sample {
  const { tenant, room, quality, rttMs, relayedMs, bytesReceived, bytesSent } = sample
  return {
    protocol: 'webrtc',
    name: `${tenant}/${room}`,
    method: relayedMs > 0 ? 'relay' : 'direct',
    status: quality,
    micros: rttMs ? rttMs.avg * 1000 : Number.NaN,
    bytesIn: bytesReceived,
    bytesOut: bytesSent,
  }
}

import type { LiveUpdate, MeetingAlert } from '@parley/protocol'
import type { Redis } from 'ioredis'

export type FeedMessage = { tenant: string } & (
  | { updates: LiveUpdate[] }
  | { alerts: MeetingAlert[] }
)

/** What admins are told, whichever replica they are on. */
export type Feed = {
  /** Tells the other replicas. What they miss while Redis is away is not told again. */
  publish(message: FeedMessage): void
  /**
   * Resolves when what the others tell is heard from now on; where Redis does not answer in the time that is given to any
   * question, it is heard once it does. Never rejects.
   */
  listen(): Promise<void>
  close(): void
}

export const noFeed: Feed = { publish() {}, async listen() {}, close() {} }

/**
 * Redis' pub/sub: what nobody listens to costs next to nothing, and nothing of it is kept.
 *
 * @param onDropped a message could not be passed on
 */
export function redisFeed(options: {
  redis: Redis
  cluster: string
  /** Of this process. */
  self: string
  onMessage(message: FeedMessage): void
  onDropped(): void
}): Feed {
  const { redis, cluster, self, onMessage, onDropped } = options
  const channel = `parley:${cluster}:meeting-metrics:feed`
  let ears: Redis | undefined
  let listening: Promise<void> | undefined

  async function listen(): Promise<void> {
    // It waits for Redis and subscribes again by itself, unlike the connection that it is a copy of.
    ears = redis.duplicate({
      enableOfflineQueue: true,
      maxRetriesPerRequest: null,
      autoResendUnfulfilledCommands: true,
    })
    ears.on('error', () => {})
    ears.on('message', (_channel: string, text: string) => {
      const { from, ...message } = JSON.parse(text) as FeedMessage & { from: string }
      if (from !== self) onMessage(message as FeedMessage)
    })
    await ears.subscribe(channel).catch(() => {})
  }

  return {
    publish: (message) =>
      void redis.publish(channel, JSON.stringify({ from: self, ...message })).catch(onDropped),
    listen() {
      listening ??= listen()
      return listening
    },
    close() {
      ears?.disconnect()
    },
  }
}

import { readFileSync } from 'node:fs'
import { createAdapter } from '@socket.io/redis-streams-adapter'
import { Redis, type RedisOptions } from 'ioredis'
import type { Logger } from 'pino'
import type { ServerOptions } from 'socket.io'
import type { Clock } from '../clock.ts'
import { ConfigError, type SignalingConfig } from '../config.ts'
import { memoryRoomStore } from './memory-room-store.ts'
import { redisRoomStore } from './redis-room-store.ts'
import type { RoomStore } from './room-store.ts'

export type OpenRooms = {
  store: RoomStore
  /** Fails at once while Redis is away. Left out: rooms live in this process. */
  redis?: Redis
  /** Carries broadcasts to other replicas; without it there is only this one. */
  adapter?: ServerOptions['adapter']
  /** Runs `task` whenever the store is connected, the first time and after each outage. */
  onConnected(task: () => void): void
  /** Ends the adapter's connections, once Socket.IO is closed. */
  release(): void
}

/**
 * Rooms in Redis where its address is given, else in this process. Does not wait for Redis: until
 * it is there the store answers `unavailable`.
 *
 * @throws when the file with the address cannot be read
 */
export function openRooms(config: SignalingConfig, clock: Clock, log: Logger): OpenRooms {
  // As long as the token that it is about.
  const markMs = config.joinTtlSeconds * 1000
  if (config.redisUrlFile === undefined)
    return {
      store: memoryRoomStore(clock.now, { markMs, leaseMs: config.leaseMs }),
      onConnected() {},
      release() {},
    }

  const url = readRedisUrl(config.redisUrlFile)
  const redis = new Redis(url, { ...always, ...failAtOnce })
  logTransitions(redis, log)
  const prefix = `parley:${config.cluster}`
  const store = redisRoomStore(redis, { prefix, leaseMs: config.leaseMs, markMs, now: clock.now })
  const { adapter, connected, release } = openBus(url, prefix)
  return {
    store: { ...store, ready: async () => connected() && (await store.ready()) },
    redis,
    adapter,
    onConnected: (task) => void redis.on('ready', task),
    release,
  }
}

const always = {
  // The adapter reads streams as the arrays of RESP2.
  replyMapping: 'legacy',
  connectTimeout: 2000,
  // How long a closed connection may keep the process.
  disconnectTimeout: 200,
  retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 6), 1000),
} satisfies RedisOptions

/** For questions that somebody waits for: an error now is better than an answer later. */
const failAtOnce = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  commandTimeout: 2000,
} satisfies RedisOptions

/**
 * The connections of the streams adapter. It polls again as soon as a read fails, which without
 * ioredis' offline queue would spin; and it leaves promises to themselves, which end rejected when
 * a connection is closed before Redis was there.
 */
function openBus(url: string, prefix: string) {
  const options = { ...always, maxRetriesPerRequest: null }
  const connections: Redis[] = []
  const open = (): Redis => {
    const connection = new Redis(url, options)
    connection.on('error', () => {})
    tolerate(connection, 'subscribe')
    tolerate(connection, 'publish')
    Object.assign(connection, { duplicate: open })
    connections.push(connection)
    return connection
  }
  const adapter = createAdapter(open(), {
    streamName: `${prefix}:events`,
    channelPrefix: prefix,
    // Replicas read as fast as it is written; this is what one may miss, and what Redis must hold.
    maxLen: 1000,
    onlyPlaintext: true,
  })
  return {
    adapter,
    connected: () => connections.every(({ status }) => status === 'ready'),
    release() {
      for (const connection of connections) connection.disconnect()
    },
  }
}

function tolerate(connection: Redis, method: 'subscribe' | 'publish') {
  const original = connection[method].bind(connection) as (...args: unknown[]) => Promise<unknown>
  const tolerant = (...args: unknown[]) => {
    const reply = original(...args)
    reply.catch(() => {})
    return reply
  }
  Object.assign(connection, { [method]: tolerant })
}

function logTransitions(redis: Redis, log: Logger) {
  let up: boolean | undefined
  redis.on('ready', () => {
    up = true
    log.info({}, 'redis connected')
  })
  redis.on('error', (error: Error) => {
    if (up !== false) log.warn({ problem: error.message }, 'redis not reachable')
    up = false
  })
}

function readRedisUrl(path: string): string {
  const address = 'a redis:// or rediss:// address'
  let url: string
  try {
    url = readFileSync(path, 'utf8').trim()
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new ConfigError(
      `REDIS_URL_FILE: cannot read ${path} (${why}); write ${address} to it, or unset it`,
      { cause },
    )
  }
  if (!/^rediss?:\/\//.test(url))
    throw new ConfigError(`REDIS_URL_FILE: ${path} holds no address; write ${address} to it`)
  return url
}

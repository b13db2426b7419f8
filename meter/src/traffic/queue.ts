import { trafficKeys } from '@parley/protocol'
import type { Redis } from 'ioredis'

/** The lists and hashes in Redis between servers and the store. Every call rejects while Redis is away. */
export type TrafficQueue = {
  /** Moves entries from the buffer to those that wait for the store, in one step, and gives them. */
  take(entries: number): Promise<string[]>
  /** The first of those that wait for the store. */
  pending(entries: number): Promise<string[]>
  /** Removes them, if they are still the first. */
  drop(entries: readonly string[]): Promise<void>
  lengths(): Promise<{ buffer: number; pending: number }>
  /** Says to a source that its batches are stored, up to this one. */
  confirm(last: ReadonlyMap<string, number>): Promise<void>
  /** Adds to the fields of minutes, which go after the time. */
  addLive(minutes: ReadonlyMap<number, ReadonlyMap<string, number>>, ttlMs: number): Promise<void>
  live(minutes: readonly number[]): Promise<Map<number, Record<string, string>>>
}

/** A server that says nothing for longer begins anew. */
const confirmedMs = 14 * 86_400_000

const takeScript = `
  local taken = redis.call('LRANGE', KEYS[1], 0, ARGV[1] - 1)
  if #taken == 0 then return taken end
  for i = 1, #taken do redis.call('RPUSH', KEYS[2], taken[i]) end
  redis.call('LTRIM', KEYS[1], #taken, -1)
  return taken`

const dropScript = `
  if redis.call('LINDEX', KEYS[1], 0) ~= ARGV[1] then return 0 end
  if redis.call('LINDEX', KEYS[1], ARGV[3] - 1) ~= ARGV[2] then return 0 end
  redis.call('LTRIM', KEYS[1], ARGV[3], -1)
  return 1`

export function trafficQueue(redis: Redis, cluster: string): TrafficQueue {
  const keys = trafficKeys(cluster)
  return {
    take: async (entries) =>
      (await redis.eval(takeScript, 2, keys.buffer, keys.pending, entries)) as string[],
    pending: (entries) => redis.lrange(keys.pending, 0, entries - 1),
    async drop(entries) {
      const [first] = entries
      const last = entries.at(-1)
      if (first === undefined || last === undefined) return
      await redis.eval(dropScript, 1, keys.pending, first, last, entries.length)
    },
    async lengths() {
      const [buffer, pending] = await Promise.all([
        redis.llen(keys.buffer),
        redis.llen(keys.pending),
      ])
      return { buffer, pending }
    },
    async confirm(last) {
      await Promise.all(
        [...last].map(([source, seq]) => redis.set(keys.stored(source), seq, 'PX', confirmedMs)),
      )
    },
    async addLive(minutes, ttlMs) {
      const pipeline = redis.pipeline()
      for (const [minute, fields] of minutes) {
        const key = keys.live(minute)
        for (const [field, by] of fields) pipeline.hincrby(key, field, by)
        pipeline.pexpire(key, ttlMs)
      }
      for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error
    },
    async live(minutes) {
      const hashes = await Promise.all(minutes.map((minute) => redis.hgetall(keys.live(minute))))
      return new Map(minutes.map((minute, index) => [minute, hashes[index] ?? {}]))
    },
  }
}

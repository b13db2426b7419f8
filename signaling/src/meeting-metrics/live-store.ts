import type { Redis } from 'ioredis'
import { isFault } from '../redis-fault.ts'
import type { LiveState } from './live-meetings.ts'
import { type UserKey, userName } from './live-meetings.ts'

/** The live state that replicas share; without it each meeting is known where its pages report. */
export type LiveStore = {
  /** This replica has the participant's page now. @returns what was known of them, if anything */
  claim(key: UserKey): Promise<LiveState | undefined>
  /** Another replica has it. False while that cannot be said. */
  taken(key: UserKey): Promise<boolean>
  /** To be written with the next {@link LiveStore.flush}; undefined: gone. */
  put(key: UserKey, state: LiveState | undefined): void
  /** Writes what is waiting. Never rejects. */
  flush(): Promise<void>
  /** Rejects while Redis is away. */
  states(tenant: string): Promise<LiveState[]>
  /** Those of whom no replica has said anything for too long: each is returned to one caller. */
  expired(): Promise<UserKey[]>
  /** Participants of whom something is to be written. */
  waiting(): number
}

/**
 * Who has a participant's page is said by an epoch, which each claim raises: what an older replica still has to
 * write is refused, so no update is lost to one that came before it.
 *
 * KEYS: 1 the participant's hash (REQ-G1), 2 the sorted set of all by when they expire (epoch ms)
 */
const scripts = {
  /** → epoch, state */
  claim: `
local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return {epoch, redis.call('HGET', KEYS[1], 'state') or ''}`,
  /** epoch (0: none yet), state, ms to live, epoch ms of its end, member → epoch, 0: refused */
  put: `
local epoch = tonumber(ARGV[1])
local now = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0')
if epoch == 0 then epoch = now + 1 elseif epoch < now then return 0 end
redis.call('HSET', KEYS[1], 'epoch', epoch, 'state', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[5])
return epoch`,
  /** epoch, member → 1: removed */
  remove: `
local now = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0')
if tonumber(ARGV[1]) < now then return 0 end
redis.call('DEL', KEYS[1])
return redis.call('ZREM', KEYS[2], ARGV[2])`,
} as const

type Command = (...args: (string | number)[]) => Promise<unknown>
type Scripted = Redis & Record<`metrics_${keyof typeof scripts}`, Command>

export type RedisLiveStoreOptions = {
  /** Fails at once while Redis is away. */
  redis: Redis
  cluster: string
  ttlMs: number
  /**
   * States that wait at most, while Redis is away: of more participants what is new is dropped. Never that somebody is
   * gone, which nothing would say again; of those wait no more than Redis has been told of.
   */
  bufferSize: number
  now(): number
  onDropped(): void
  /** Of a flush the first thing that Redis refuses although it is there. What was refused is tried again. */
  onFault(error: Error): void
}

/** Together in a round trip. */
const batch = 500

/** What is to be written of somebody; undefined: they are gone. */
type Waiting = { key: UserKey; state: LiveState | undefined }

export function redisLiveStore(options: RedisLiveStoreOptions): LiveStore {
  const { ttlMs, bufferSize, now, onDropped, onFault, cluster } = options
  const redis = options.redis as Scripted
  for (const [name, lua] of Object.entries(scripts))
    redis.defineCommand(`metrics_${name}`, { numberOfKeys: name === 'claim' ? 1 : 2, lua })
  const all = `parley:${cluster}:meeting-metrics`
  const hash = ({ tenant, room, participant }: UserKey) =>
    `parley:${cluster}:meeting:${tenant}.${room}:user:${participant}:metrics`
  /** A later state of the same participant takes the place of one that waits. */
  const waiting = new Map<string, Waiting>()
  /** Those that are gone, which is to be written, too; nobody is in both. */
  const gone = new Map<string, Waiting>()
  /** Those of whom something is being written. */
  const underWay = new Set<string>()
  const epochs = new Map<string, number>()
  let flushing = false

  async function write(name: string, { key, state }: Waiting) {
    const epoch = epochs.get(name) ?? 0
    if (!state) {
      await redis.metrics_remove(hash(key), all, epoch, name)
      if (!waiting.has(name)) epochs.delete(name)
      return
    }
    const json = JSON.stringify(state)
    const held = await redis.metrics_put(hash(key), all, epoch, json, ttlMs, now() + ttlMs, name)
    // Refused: another replica has them now, and this one will hear that their socket is gone.
    if (Number(held) > 0) epochs.set(name, Number(held))
  }

  return {
    async claim(key) {
      const answer = (await redis.metrics_claim(hash(key), ttlMs)) as [number, string]
      epochs.set(userName(key), Number(answer[0]))
      return parse(answer[1])
    },
    async taken(key) {
      const epoch = await redis.hget(hash(key), 'epoch').catch(() => null)
      return Number(epoch ?? 0) > (epochs.get(userName(key)) ?? 0)
    },
    put(key, state) {
      const name = userName(key)
      if (!state) {
        waiting.delete(name)
        // Of whom Redis knows nothing there is nothing to remove.
        if (epochs.has(name) || underWay.has(name)) gone.set(name, { key, state })
        return
      }
      gone.delete(name)
      if (waiting.size >= bufferSize && !waiting.has(name)) return onDropped()
      waiting.set(name, { key, state })
    },
    async flush() {
      if (flushing) return
      flushing = true
      const taken = [...gone, ...waiting].slice(0, 10 * batch)
      for (const [name] of taken) {
        gone.delete(name)
        waiting.delete(name)
        underWay.add(name)
      }
      const written = await Promise.allSettled(taken.map(([name, one]) => write(name, one)))
      flushing = false
      underWay.clear()
      written.forEach(({ status }, index) => {
        const [name, one] = taken[index] ?? []
        if (status === 'fulfilled' || !name || !one || waiting.has(name) || gone.has(name)) return
        if (!one.state) gone.set(name, one)
        else if (waiting.size >= bufferSize) onDropped()
        else waiting.set(name, one)
      })
      const fault = written.map((one) => one.status === 'rejected' && one.reason).find(isFault)
      if (fault) onFault(fault)
    },
    async states(tenant) {
      const members = await redis.zrangebyscore(all, now(), '+inf')
      const keys = members.flatMap((member) => userKey(member) ?? []).filter(byTenant(tenant))
      const states: LiveState[] = []
      for (let from = 0; from < keys.length; from += batch) {
        const some = keys.slice(from, from + batch).map((key) => redis.hget(hash(key), 'state'))
        for (const json of await Promise.all(some)) states.push(...[parse(json)].filter(isState))
      }
      return states
    },
    async expired() {
      const members = await redis.zrangebyscore(all, '-inf', `(${now()}`, 'LIMIT', 0, batch)
      const removed = await Promise.all(members.map((member) => redis.zrem(all, member)))
      return members.flatMap((member, index) =>
        removed[index] === 1 ? (userKey(member) ?? []) : [],
      )
    },
    waiting: () => waiting.size + gone.size,
  }
}

const byTenant = (tenant: string) => (key: UserKey) => key.tenant === tenant
const isState = (state: LiveState | undefined): state is LiveState => state !== undefined

function userKey(name: string): UserKey | undefined {
  const match = /^([^.]+)\.([^/]+)\/(.+)$/.exec(name)
  return match
    ? { tenant: match[1] ?? '', room: match[2] ?? '', participant: match[3] ?? '' }
    : undefined
}

/** Only signaling writes it. */
function parse(json: string | null | undefined): LiveState | undefined {
  return json ? (JSON.parse(json) as LiveState) : undefined
}

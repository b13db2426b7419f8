import {
  type MediaState,
  mediaStateSchema,
  type Participant,
  participantSchema,
  roleSchema,
} from '@parley/protocol'
import type { Redis } from 'ioredis'
import { SignalingError } from '../errors.ts'
import { isFault } from '../redis-fault.ts'
import { doorScripts } from './door-scripts.ts'
import { recordingScripts } from './recording-scripts.ts'
import { chatScripts, redisChat } from './redis-chat.ts'
import { redisDoor } from './redis-door.ts'
import { readRecording, redisRecordings } from './redis-recordings.ts'
import type { RoomDoor } from './room-door.ts'
import { type RoomKey, type RoomStore, roomName } from './room-store.ts'
import { scripts as roomScripts, spent } from './scripts.ts'

const scripts = { ...roomScripts, ...chatScripts }
const everyScript = { ...scripts, ...doorScripts, ...recordingScripts }
type ScriptName = keyof typeof everyScript
type Argument = string | number

// What a newer replica keeps besides is none of ours: while a release is rolled out both are in one room.
const personSchema = participantSchema
  .omit({ media: true, handAt: true })
  .extend({ role: roleSchema.default('guest') })
  .strip()
const mediaSchema = mediaStateSchema.strip()

/**
 * Rooms that several replicas share.
 *
 * After an outage every lease may have run out while nobody could renew it, and nobody could come back. So
 * expired seats are left alone for the length of one lease after a reconnection. A process that has just begun
 * does not know whether there was an outage: for as long it removes only those whose socket is known to be lost.
 *
 * @param redis a connection that fails at once when Redis is away, rather than queueing
 * @param options.prefix of every key, so that clusters can share a Redis
 * @param options.markMs how long the door remembers somebody
 * @param options.untoldMs after which who has left is named once more, where nobody was told
 * @param options.now epoch milliseconds of this process, for that settling time only
 */
export function redisRoomStore(
  redis: Redis,
  {
    prefix,
    leaseMs,
    markMs,
    untoldMs = 5000,
    now,
  }: {
    prefix: string
    leaseMs: number
    markMs: number
    untoldMs?: number
    now: () => number
  },
): RoomStore {
  let reachable = false
  let settledAt = 0
  let meanwhile: 'lost' | 'none' = 'lost'
  redis.on('close', () => {
    reachable = false
  })
  for (const [name, lua] of Object.entries(everyScript))
    redis.defineCommand(command(name as ScriptName), { numberOfKeys: 6, lua })

  async function ask<T>(task: () => Promise<T>): Promise<T> {
    try {
      const reply = await task()
      if (!reachable) {
        meanwhile = settledAt === 0 ? 'lost' : 'none'
        settledAt = now() + leaseMs
      }
      reachable = true
      return reply
    } catch (cause) {
      if (isFault(cause)) throw cause
      reachable = false
      throw new SignalingError('unavailable', 'rooms cannot be reached; try again shortly', {
        cause,
      })
    }
  }

  function run<T>(name: ScriptName, key: RoomKey, ...args: Argument[]): Promise<T> {
    const commands = redis as unknown as Record<string, (...args: Argument[]) => Promise<T>>
    return ask(async () =>
      (commands[command(name)] as (...a: Argument[]) => Promise<T>).call(
        redis,
        ...keysOf(key),
        ...args,
      ),
    )
  }

  /** All keys of a room hash to one slot. */
  const keysOf = (key: RoomKey): [string, ...string[]] => {
    const name = `${prefix}:room:{${roomName(key)}}`
    const parts = ['leases', 'chat', 'chat-ids', 'marks', 'lobby']
    return [`${name}:seats`, ...parts.map((part) => `${name}:${part}`)]
  }

  const spend: RoomDoor['spend'] = async (what, holder = '', untilMs) => {
    const key = `${prefix}:spent:${what}`
    const until = Math.ceil(untilMs)
    return (await ask(() => redis.eval(spent, 2, key, `${key}:by`, until, holder, markMs))) === 1
  }

  const settled = () => reachable && now() >= settledAt
  /** Whom to remove of those whose seats have run out. */
  const removable = () => {
    if (settled()) return 'all'
    return reachable || settledAt === 0 ? meanwhile : 'none'
  }

  return {
    chat: redisChat(run, Math.max(leaseMs * 4, 60_000)),
    door: redisDoor(run, spend, { markMs, leaseMs }),
    recordings: redisRecordings(run),
    async join(key, { participant, session }, limits) {
      const { id, media } = participant
      const [admitted, expired, before, fields, sfu, moved, back, unheard] = await run<
        [number, string[], string?, string[]?, number?, number?, number?, number?]
      >(
        'join',
        key,
        id,
        person(participant),
        JSON.stringify(media),
        session,
        limits.total,
        leaseMs,
        removable(),
        limits.mesh,
        limits.sfu ? '1' : '0',
        limits.agrees ? '1' : '0',
      )
      if (admitted !== 1) return { kind: admitted === 2 ? 'recorded' : 'full', expired }
      const participants = readSeats(fields ?? [])
      return {
        kind: 'joined',
        returned: Boolean(before) && unheard === 0,
        ...(before && before !== session && { replaced: before }),
        self: participants.find((one) => one.id === id) ?? participant,
        participants,
        expired,
        sfu: sfu === 1,
        cameBack: back === 1,
        moved: moved === 1,
        recording: readRecording(fields ?? []),
      }
    },
    async setMedia(key, id, session, media: MediaState) {
      return (await run<number>('setMedia', key, id, session, JSON.stringify(media))) === 1
    },
    async setHand(key, id, session, raised) {
      const at = await run<number>('setHand', key, id, session ?? '', raised ? '1' : '0')
      if (at >= 0) return { at: at || null }
    },
    async leave(key, id, session) {
      return (await run<number>('leave', key, id, session)) === 1
    },
    async detach(key, id, session, graceMs) {
      return (await run<number>('detach', key, id, session, graceMs)) === 1
    },
    async has(key, id) {
      return (await ask(() => redis.hexists(keysOf(key)[0], `${id}:s`))) === 1
    },
    async seated(key) {
      const sessions = await ask(() => redis.hkeys(keysOf(key)[0]))
      if (!settled()) return undefined
      return sessions.filter((field) => field.endsWith(':s')).map((field) => field.slice(0, -2))
    },
    async occupancy(key) {
      const [seats, sfu, back] = await run<[number, number, number]>('occupancy', key)
      return { seats, sfu: sfu === 1, cameBack: back === 1 }
    },
    async sweep(key) {
      return run<string[]>('sweep', key, removable(), untoldMs)
    },
    async introduced(key, id) {
      await run('introduced', key, id)
    },
    async told(key, ids) {
      await run('told', key, ...ids)
    },
    async renew(key, seats, known, small) {
      type Reply = [string[], string[], number, number, number]
      const [restored, lost, sfu, back, moved] = await run<Reply>(
        'renew',
        key,
        leaseMs,
        known ? '1' : '0',
        small.seats,
        small.forMs,
        ...seats.flatMap(({ participant, session, unsure }) => [
          participant.id,
          person(participant),
          JSON.stringify(participant.media),
          session,
          participant.handAt ?? '',
          unsure ? '1' : '0',
        ]),
      )
      return { restored, lost, sfu: sfu === 1, cameBack: back === 1, moved: moved === 1 }
    },
    async leaveSfu(key, seats) {
      return (await run<number>('leaveSfu', key, seats)) === 1
    },
    reachable: () => reachable,
    ready: () =>
      ask(() => redis.ping()).then(
        () => true,
        () => false,
      ),
    async close() {
      redis.disconnect()
    },
  }
}

function command(name: ScriptName): string {
  return `parleyRoom_${name}`
}

function person({ id, name, joinedAt, role }: Participant): string {
  return JSON.stringify({ id, name, joinedAt, role })
}

/** The hash of a room as HGETALL gives it, field and value in turn; oldest participant first. */
function readSeats(fields: readonly string[]): Participant[] {
  const value = new Map<string, string>()
  for (let i = 0; i + 1 < fields.length; i += 2) value.set(fields[i] ?? '', fields[i + 1] ?? '')
  return [...value.keys()]
    .filter((field) => field.endsWith(':p'))
    .map((field) => {
      const id = field.slice(0, -2)
      const hand = value.get(`${id}:h`)
      return {
        ...personSchema.parse(JSON.parse(value.get(field) ?? '')),
        media: mediaSchema.parse(JSON.parse(value.get(`${id}:m`) ?? '')),
        ...(hand !== undefined && { handAt: Number(hand) }),
      }
    })
    .sort((a, b) => a.joinedAt - b.joinedAt)
}

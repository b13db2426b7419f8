import { type ChatMessage, chatHistoryMax, chatMessageSchema } from '@parley/protocol'
import { type ChatHistory, chatIdsMax } from './chat-history.ts'
import type { RoomKey } from './room-store.ts'

/**
 * The steps of the chat, each atomic on the server. KEYS of the room: 3 a hash of messages by id (JSON, without
 * their time), 4 a sorted set of ids by time in epoch ms of the Redis server. The set knows more ids than the hash
 * has messages, so that what is sent again late is known.
 */
export const chatScripts = {
  /** id, message, messages to keep, ids to keep, ms to live */
  say: `
local messages, ids = KEYS[3], KEYS[4]
local id = ARGV[1]
local known = redis.call('ZSCORE', ids, id)
if known then return {known, redis.call('HGET', messages, id) or ''} end
local time = redis.call('TIME')
local at = time[1] * 1000 + math.floor(time[2] / 1000)
local last = redis.call('ZRANGE', ids, -1, -1, 'WITHSCORES')
if last[2] and tonumber(last[2]) >= at then at = tonumber(last[2]) + 1 end
redis.call('ZADD', ids, string.format('%.0f', at), id)
redis.call('HSET', messages, id, ARGV[2])
local keep = tonumber(ARGV[3])
local old = redis.call('ZRANGE', ids, -keep - 1, -keep - 1)
if old[1] then redis.call('HDEL', messages, old[1]) end
redis.call('ZREMRANGEBYRANK', ids, 0, -tonumber(ARGV[4]) - 1)
redis.call('PEXPIRE', messages, ARGV[5])
redis.call('PEXPIRE', ids, ARGV[5])
return {string.format('%.0f', at), ARGV[2]}`,

  /** messages that are kept: time and message, in turn */
  said: `
local messages, ids = KEYS[3], KEYS[4]
local found = redis.call('ZRANGE', ids, -tonumber(ARGV[1]), -1, 'WITHSCORES')
local answer = {}
for i = 1, #found, 2 do
  local message = redis.call('HGET', messages, found[i])
  if message then
    answer[#answer + 1] = found[i + 1]
    answer[#answer + 1] = message
  end
end
return answer`,
} as const

const keptSchema = chatMessageSchema.omit({ at: true }).strip()

/**
 * Chats that several replicas share.
 *
 * @param run a script on the chat of a room
 * @param keepMs how long a chat lives without a seat of the room being renewed
 */
export function redisChat(
  run: (
    name: keyof typeof chatScripts,
    key: RoomKey,
    ...args: (string | number)[]
  ) => Promise<string[]>,
  keepMs: number,
): ChatHistory {
  return {
    async say(key, said) {
      const json = JSON.stringify(said)
      const [at = '', kept] = await run(
        'say',
        key,
        said.id,
        json,
        chatHistoryMax,
        chatIdsMax,
        keepMs,
      )
      return { at: Number(at), message: kept ? message(at, kept) : undefined }
    },
    async said(key) {
      const answer = await run('said', key, chatHistoryMax)
      return answer.flatMap((at, i) => (i % 2 === 0 ? [message(at, answer[i + 1] ?? '')] : []))
    },
  }
}

function message(at: string, json: string): ChatMessage {
  return { ...keptSchema.parse(JSON.parse(json)), at: Number(at) }
}

import { prelude } from './scripts.ts'

/**
 * The steps of a room's recording in Redis, each atomic on the server. Fields of the room's hash, besides those of
 * scripts.ts: `rec` its id, `rec_by` who makes it, `rec_on` while it runs, `rec_at` when it last changed (epoch
 * ms), and `<id>:c` of a seat: the recording that it has said yes to.
 */
const recordingPrelude = `${prelude}
local function settle()
  local rec = recording()
  if not rec or running() then return 0 end
  for _, id in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
    if redis.call('HGET', seats, id .. ':c') ~= rec then return 0 end
  end
  redis.call('HSET', seats, 'rec_on', '1')
  touch_recording()
  return 1
end
local function answer(started)
  return {1, redis.call('HGETALL', seats), started}
end
local function seated(id) return redis.call('HEXISTS', seats, id .. ':s') == 1 end
`

export const recordingScripts = {
  /** who, id of the recording; 0: no seat, 2: there is another one */
  askRecording: `${recordingPrelude}
local by, id = ARGV[1], ARGV[2]
if not seated(by) then return {0} end
local rec = recording()
if rec then return rec == id and answer(0) or {2} end
redis.call('HSET', seats, 'rec', id, 'rec_by', by, by .. ':c', id)
touch_recording()
return answer(settle())`,

  /** who, id of the recording, '1' for yes; 0: no such one, or no seat */
  answerRecording: `${recordingPrelude}
local who, id = ARGV[1], ARGV[2]
if recording() ~= id or not seated(who) then return {0} end
if ARGV[3] ~= '1' then
  end_recording()
  return answer(0)
end
redis.call('HSET', seats, who .. ':c', id)
touch_recording()
return answer(settle())`,

  /** id of the recording; 0: no such one */
  stopRecording: `${recordingPrelude}
if recording() ~= ARGV[1] then return {0} end
end_recording()
return answer(0)`,

  /** — */
  lookRecording: `${recordingPrelude}
return answer(settle())`,
} as const

import { chatTailMs } from './chat-history.ts'

/**
 * The steps of the Redis room store, each atomic on the server. KEYS: 1 the room's hash, with
 * `<id>:p` (id, name and joining time, JSON), `<id>:m` (media, JSON) and `<id>:s` (session) for each
 * seat, `<id>:d` where its socket is lost, `<id>:h` since when its hand is up (epoch ms), `<id>:b` where it is new, or was restored, and nobody may know, `sfu` while the room is on the SFU, `small` since when it
 * could be a mesh again (epoch ms), `back` once it came back from the SFU, and `untold` with who has left and since when
 * (JSON), as long as nobody has said that the others were told; 2 the room's leases, a
 * sorted set of ids by expiry in epoch ms of the Redis server, so that replicas need not agree on the
 * time; 3 and 4 the room's chat (redis-chat.ts), which lives as long and a little longer; 5 and 6 are its door's
 * (door-scripts.ts).
 */
export const prelude = `
local seats, leases = KEYS[1], KEYS[2]
local function keep_chat(ms)
  redis.call('PEXPIRE', KEYS[3], ms)
  redis.call('PEXPIRE', KEYS[4], ms)
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function recording() return redis.call('HGET', seats, 'rec') end
local function running() return redis.call('HEXISTS', seats, 'rec_on') == 1 end
local function touch_recording()
  local last = tonumber(redis.call('HGET', seats, 'rec_at') or 0)
  redis.call('HSET', seats, 'rec_at', string.format('%.0f', math.max(now, last + 1)))
end
local function end_recording()
  redis.call('HDEL', seats, 'rec', 'rec_by', 'rec_on')
  touch_recording()
end
local function untold()
  local known = redis.call('HGET', seats, 'untold')
  return known and cjson.decode(known) or {}
end
local function keep_untold(all)
  if next(all) then redis.call('HSET', seats, 'untold', cjson.encode(all)) else redis.call('HDEL', seats, 'untold') end
end
local function told(ids)
  local all = untold()
  for _, id in ipairs(ids) do all[id] = nil end
  keep_untold(all)
end
local function drop(id)
  redis.call('HDEL', seats, id .. ':p', id .. ':m', id .. ':s', id .. ':d', id .. ':h', id .. ':a', id .. ':r', id .. ':c', id .. ':b')
  if redis.call('HGET', seats, 'rec_by') == id then end_recording() end
  redis.call('ZREM', leases, id)
  if redis.call('ZCARD', leases) == 0 then
    -- Whoever a lock kept out may come in now, and what was said was not for them.
    if redis.call('HEXISTS', seats, 'locked') == 1 then
      redis.call('DEL', KEYS[3], KEYS[4])
    else
      keep_chat(${chatTailMs})
    end
    redis.call('DEL', seats)
  else
    local all = untold()
    all[id] = now
    keep_untold(all)
  end
end
local function sfu() return redis.call('HEXISTS', seats, 'sfu') end
local function back() return redis.call('HEXISTS', seats, 'back') end
local function to_sfu()
  redis.call('HDEL', seats, 'small', 'back')
  redis.call('HSET', seats, 'sfu', '1')
end
local function to_mesh()
  redis.call('HDEL', seats, 'small', 'sfu')
  redis.call('HSET', seats, 'back', '1')
end
local function expired(which, except)
  local gone = {}
  if which == 'none' then return gone end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do
    if id ~= except and (which == 'all' or redis.call('HEXISTS', seats, id .. ':d') == 1) then
      drop(id)
      gone[#gone + 1] = id
    end
  end
  return gone
end
local function hold(id, leaseMs)
  redis.call('ZADD', leases, now + leaseMs, id)
  redis.call('HDEL', seats, id .. ':d')
  local keep = math.max(leaseMs * 4, 60000)
  redis.call('PEXPIRE', seats, keep)
  redis.call('PEXPIRE', leases, keep)
  keep_chat(keep)
end
`

export const scripts = {
  /** id, person, media, session, capacity, lease ms, whom to remove of those who have expired, mesh capacity,
   * '1' when the joiner knows the room to be on the SFU, '1' when they say yes to a recording. */
  join: `${prelude}
local id, person, media, session = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local gone = expired(ARGV[7], id)
local before = redis.call('HGET', seats, id .. ':s')
if not before then
  if redis.call('ZCARD', leases) >= tonumber(ARGV[5]) then return {0, gone} end
  if running() then
    if ARGV[10] ~= '1' then return {2, gone} end
    redis.call('HSET', seats, id .. ':c', recording())
    touch_recording()
  end
  told({id})
  redis.call('HSET', seats, id .. ':p', person, id .. ':b', '1')
  redis.call('HDEL', seats, 'small')
end
redis.call('HSET', seats, id .. ':m', media, id .. ':s', session)
hold(id, tonumber(ARGV[6]))
local moved = 0
local many = redis.call('ZCARD', leases) > tonumber(ARGV[8])
if sfu() == 0 and (many or (ARGV[9] == '1' and back() == 0)) then
  to_sfu()
  moved = 1
end
return {1, gone, before or '', redis.call('HGETALL', seats), sfu(), moved, back(), redis.call('HEXISTS', seats, id .. ':b')}`,

  /** id, session, media */
  setMedia: `${prelude}
if redis.call('HGET', seats, ARGV[1] .. ':s') ~= ARGV[2] then return 0 end
redis.call('HSET', seats, ARGV[1] .. ':m', ARGV[3])
return 1`,

  /** id, session or '' for that of whoever holds the seat, '1' for up; since when, 0: down, -1: no such seat */
  setHand: `${prelude}
local id, holder = ARGV[1], redis.call('HGET', seats, ARGV[1] .. ':s')
if not holder or (ARGV[2] ~= '' and ARGV[2] ~= holder) then return -1 end
if ARGV[3] == '1' then
  redis.call('HSETNX', seats, id .. ':h', now)
  return tonumber(redis.call('HGET', seats, id .. ':h'))
end
redis.call('HDEL', seats, id .. ':h')
return 0`,

  /** id, session */
  leave: `${prelude}
if redis.call('HGET', seats, ARGV[1] .. ':s') ~= ARGV[2] then return 0 end
drop(ARGV[1])
return 1`,

  /** id, session, grace ms */
  detach: `${prelude}
if redis.call('HGET', seats, ARGV[1] .. ':s') ~= ARGV[2] then return 0 end
redis.call('ZADD', leases, now + tonumber(ARGV[3]), ARGV[1])
redis.call('HSET', seats, ARGV[1] .. ':d', '1')
return 1`,

  occupancy: `${prelude}
return {redis.call('ZCOUNT', leases, '(' .. now, '+inf'), sfu(), back()}`,

  /** whom to remove of those who have expired: 'all', those whose socket is 'lost', or 'none'; and after how many ms
   * who has left is named once more, where nobody has said that the others were told */
  sweep: `${prelude}
local all, again, changed = untold(), {}, false
for id, at in pairs(all) do
  if redis.call('HEXISTS', seats, id .. ':s') == 1 then
    -- Back by a replica of an earlier version, whose join does not say so.
    all[id] = nil
    changed = true
  elseif now - at >= tonumber(ARGV[2]) then
    all[id] = now
    again[#again + 1] = id
    changed = true
  end
end
if changed then keep_untold(all) end
local gone = expired(ARGV[1])
for _, id in ipairs(again) do gone[#gone + 1] = id end
return gone`,

  /** id */
  introduced: `${prelude}
return redis.call('HDEL', seats, ARGV[1] .. ':b')`,

  /** ids */
  told: `${prelude}
told(ARGV)
return 1`,

  /** lease ms, '1' when the room is known to be on the SFU, seats of a small room, ms after which it is
   * a mesh again, then id, person, media, session, hand ('' where it is down) of each seat, and '1' where the answer to
   * the last renewal was lost: who was restored then is so once more */
  renew: `${prelude}
local restored, lost = {}, {}
for i = 5, #ARGV, 6 do
  local id, session = ARGV[i], ARGV[i + 3]
  local holder = redis.call('HGET', seats, id .. ':s')
  if holder and holder ~= session then
    lost[#lost + 1] = session
  else
    if not holder then
      told({id})
      redis.call('HSET', seats, id .. ':p', ARGV[i + 1], id .. ':m', ARGV[i + 2], id .. ':s', session)
      -- They have been asked nothing.
      if running() then end_recording() end
      if ARGV[i + 4] ~= '' then redis.call('HSET', seats, id .. ':h', ARGV[i + 4]) end
      redis.call('HSET', seats, id .. ':b', '1')
    elseif ARGV[i + 5] ~= '1' then
      redis.call('HDEL', seats, id .. ':b')
    end
    if redis.call('HEXISTS', seats, id .. ':b') == 1 then restored[#restored + 1] = id end
    hold(id, tonumber(ARGV[1]))
  end
end
local count, moved = redis.call('ZCARD', leases), 0
if ARGV[2] == '1' and count > 0 and sfu() == 0 and back() == 0 then to_sfu() end
if sfu() == 1 and count <= tonumber(ARGV[3]) then
  redis.call('HSETNX', seats, 'small', now)
  if now - tonumber(redis.call('HGET', seats, 'small')) >= tonumber(ARGV[4]) then
    to_mesh()
    moved = 1
  end
else
  redis.call('HDEL', seats, 'small')
end
return {restored, lost, sfu(), back(), moved}`,

  /** seats at most */
  leaveSfu: `${prelude}
if sfu() == 0 or redis.call('ZCARD', leases) > tonumber(ARGV[1]) then return 0 end
to_mesh()
return 1`,
} as const

/**
 * KEYS: 1 what may be used once, 2 who has used it. ARGV: until when it is used up (epoch ms), their secret or '', for how
 * long they may again (ms). 1: used. One step: who asks twice at once, or whose first try ended between two, is still who
 * has used it.
 */
export const spent = `
if redis.call('SET', KEYS[1], '1', 'PXAT', ARGV[1], 'NX') then
  if ARGV[2] ~= '' then redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3]) end
  return 1
end
return ARGV[2] ~= '' and redis.call('GET', KEYS[2]) == ARGV[2] and 1 or 0`

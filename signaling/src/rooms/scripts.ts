/**
 * The steps of the Redis room store, each atomic on the server. KEYS: 1 the room's hash, with
 * `<id>:p` (id, name and joining time, JSON), `<id>:m` (media, JSON) and `<id>:s` (session) for each
 * seat, `<id>:d` where its socket is lost, and `sfu` once the room is on the SFU; 2 the room's leases, a sorted set of ids by expiry in epoch ms of the Redis server, so that
 * replicas need not agree on the time.
 */
const prelude = `
local seats, leases = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function drop(id)
  redis.call('HDEL', seats, id .. ':p', id .. ':m', id .. ':s', id .. ':d')
  redis.call('ZREM', leases, id)
  if redis.call('ZCARD', leases) == 0 then redis.call('DEL', seats) end
end
local function sfu() return redis.call('HEXISTS', seats, 'sfu') end
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
end
`

export const scripts = {
  /** id, person, media, session, capacity, lease ms, whom to remove of those who have expired, mesh capacity,
   * '1' when the joiner knows the room to be on the SFU. */
  join: `${prelude}
local id, person, media, session = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local gone = expired(ARGV[7], id)
local before = redis.call('HGET', seats, id .. ':s')
if not before then
  if redis.call('ZCARD', leases) >= tonumber(ARGV[5]) then return {0, gone} end
  redis.call('HSET', seats, id .. ':p', person)
end
redis.call('HSET', seats, id .. ':m', media, id .. ':s', session)
hold(id, tonumber(ARGV[6]))
local moved = 0
if sfu() == 0 and (redis.call('ZCARD', leases) > tonumber(ARGV[8]) or ARGV[9] == '1') then
  redis.call('HSET', seats, 'sfu', '1')
  moved = 1
end
return {1, gone, before or '', redis.call('HGETALL', seats), sfu(), moved}`,

  /** id, session, media */
  setMedia: `${prelude}
if redis.call('HGET', seats, ARGV[1] .. ':s') ~= ARGV[2] then return 0 end
redis.call('HSET', seats, ARGV[1] .. ':m', ARGV[3])
return 1`,

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
return {redis.call('ZCOUNT', leases, '(' .. now, '+inf'), sfu()}`,

  /** whom to remove of those who have expired: 'all', those whose socket is 'lost', or 'none' */
  sweep: `${prelude}
return expired(ARGV[1])`,

  /** lease ms, '1' when the room is known to be on the SFU, then id, person, media, session of each seat */
  renew: `${prelude}
local restored, lost = {}, {}
for i = 3, #ARGV, 4 do
  local id, session = ARGV[i], ARGV[i + 3]
  local holder = redis.call('HGET', seats, id .. ':s')
  if holder and holder ~= session then
    lost[#lost + 1] = session
  else
    if not holder then
      redis.call('HSET', seats, id .. ':p', ARGV[i + 1], id .. ':m', ARGV[i + 2], id .. ':s', session)
      restored[#restored + 1] = id
    end
    hold(id, tonumber(ARGV[1]))
  end
end
if ARGV[2] == '1' and redis.call('ZCARD', leases) > 0 then redis.call('HSET', seats, 'sfu', '1') end
return {restored, lost, sfu()}`,
} as const

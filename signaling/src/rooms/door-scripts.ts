import { inviteAccounts } from './room-door.ts'
import { prelude } from './scripts.ts'

/**
 * The steps of a room's door in Redis, each atomic on the server. KEYS as in scripts.ts: of a seat there is also
 * `<id>:a` (its account) and `<id>:r` (host for want of one), and `locked` of the room; 5 marks, a hash by id
 * and by `a:<account>`; 6 the lobby, a hash with `<id>:k` (the knocker, JSON), `<id>:s` (session) and `<id>:u`
 * (until when, epoch ms of the Redis server).
 */
const doorPrelude = `${prelude}
local marks, lobby = KEYS[5], KEYS[6]
local function standing(id, account, knocks, passes)
  local mark = account ~= '' and redis.call('HGET', marks, 'a:' .. account)
  if not mark then mark = redis.call('HGET', marks, id) end
  if mark and mark ~= 'admitted' then return mark end
  if passes == '1' or mark == 'admitted' then return 'open' end
  if redis.call('HEXISTS', seats, id .. ':s') == 1 then return 'open' end
  if redis.call('HEXISTS', seats, 'locked') == 1 then return 'locked' end
  return knocks == '1' and 'waiting' or 'open'
end
local function mark_as(who, what, ms)
  redis.call('HSET', marks, who, what)
  redis.call('PEXPIRE', marks, ms)
end
local function gone_from_lobby(id)
  return redis.call('HDEL', lobby, id .. ':k', id .. ':s', id .. ':u') > 0
end
local function knockers()
  local all = redis.call('HGETALL', lobby)
  local alive = {}
  for i = 1, #all, 2 do
    local id = string.match(all[i], '^(.*):u$')
    if id then
      if tonumber(all[i + 1]) > now then
        alive[#alive + 1] = redis.call('HGET', lobby, id .. ':k')
      else
        gone_from_lobby(id)
      end
    end
  end
  return alive
end
`

export const doorScripts = {
  /** id, account, '1' when they knock, '1' when they pass */
  standing: `${doorPrelude}
return standing(ARGV[1], ARGV[2], ARGV[3], ARGV[4])`,

  /** as standing, then knocker, session, lease ms, places; -1: there is none left */
  knock: `${doorPrelude}
local id = ARGV[1]
local is = standing(id, ARGV[2], ARGV[3], ARGV[4])
if is ~= 'waiting' and is ~= 'locked' then return {is, 0} end
local till = tonumber(redis.call('HGET', lobby, id .. ':u') or 0)
local first = till <= now
if first and #knockers() >= tonumber(ARGV[8]) then return {is, -1} end
if first then redis.call('HSET', lobby, id .. ':k', ARGV[5]) end
redis.call('HSET', lobby, id .. ':s', ARGV[6], id .. ':u', string.format('%.0f', now + tonumber(ARGV[7])))
redis.call('PEXPIRE', lobby, math.max(tonumber(ARGV[7]) * 4, 60000))
return {is, first and 1 or 0}`,

  /** id, session */
  withdraw: `${doorPrelude}
if redis.call('HGET', lobby, ARGV[1] .. ':s') ~= ARGV[2] then return 0 end
gone_from_lobby(ARGV[1])
return 1`,

  /** id, mark, ms that it lasts */
  answer: `${doorPrelude}
if not gone_from_lobby(ARGV[1]) then return 0 end
mark_as(ARGV[1], ARGV[2], ARGV[3])
return 1`,

  /** least role of an heir, id of who came, account. As access/crown.ts. */
  settle: `${doorPrelude}
local rank = {guest = 0, member = 1, host = 2, admin = 3}
local least = rank[ARGV[1]]
local doubles = {}
if ARGV[3] ~= '' and redis.call('HEXISTS', seats, ARGV[2] .. ':s') == 1 then
  redis.call('HSET', seats, ARGV[2] .. ':a', ARGV[3])
  if string.sub(ARGV[3], 1, ${inviteAccounts.length}) == '${inviteAccounts}' then
    for _, id in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
      if id ~= ARGV[2] and redis.call('HGET', seats, id .. ':a') == ARGV[3] then
        drop(id)
        doubles[#doubles + 1] = id
      end
    end
  end
end
local role, ids, ruled, kept, heir, heir_at = {}, {}, false, nil, nil, nil
for _, id in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
  local person = redis.call('HGET', seats, id .. ':p')
  if person then
    person = cjson.decode(person)
    ids[#ids + 1] = id
    role[id] = person.role or 'guest'
    if rank[role[id]] >= rank.host then
      ruled = true
    elseif rank[role[id]] >= least then
      if redis.call('HEXISTS', seats, id .. ':r') == 1 then kept = id end
      local at = person.joinedAt
      if not heir or at < heir_at or (at == heir_at and id < heir) then heir, heir_at = id, at end
    end
  end
end
local crown = nil
if not ruled then crown = kept or heir end
local roles, changed = {}, {}
for _, id in ipairs(ids) do
  local had = redis.call('HEXISTS', seats, id .. ':r') == 1
  if id == crown and not had then redis.call('HSET', seats, id .. ':r', '1') end
  if id ~= crown and had then redis.call('HDEL', seats, id .. ':r') end
  if (id == crown) ~= had then changed[#changed + 1] = id end
  roles[#roles + 1] = id
  roles[#roles + 1] = id == crown and 'host' or role[id]
end
return {redis.call('HEXISTS', seats, 'locked'), knockers(), roles, changed, doubles}`,

  /** '1' to lock */
  setLocked: `${doorPrelude}
if redis.call('ZCARD', leases) == 0 then return 0 end
if ARGV[1] == '1' then return redis.call('HSET', seats, 'locked', '1') end
return redis.call('HDEL', seats, 'locked')`,

  /** id, ms that the mark lasts */
  remove: `${doorPrelude}
local id = ARGV[1]
if redis.call('HEXISTS', seats, id .. ':s') == 0 then return 0 end
mark_as(id, 'removed', ARGV[2])
local account = redis.call('HGET', seats, id .. ':a')
if account then mark_as('a:' .. account, 'removed', ARGV[2]) end
drop(id)
return 1`,

  /** ms that marks last */
  end: `${doorPrelude}
for _, id in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
  mark_as(id, 'ended', ARGV[1])
  drop(id)
end
for _, field in ipairs(redis.call('HKEYS', lobby)) do
  local id = string.match(field, '^(.*):k$')
  if id then mark_as(id, 'ended', ARGV[1]) end
end
redis.call('DEL', lobby, KEYS[3], KEYS[4])
return 1`,

  /** ids */
  watch: `${doorPrelude}
local locked = redis.call('HEXISTS', seats, 'locked')
if redis.call('ZCARD', leases) == 0 then locked = -1 end
return {locked, redis.call('HMGET', marks, unpack(ARGV))}`,
} as const

-- Replaces a record if its version is still the one that was loaded.
-- KEYS[1] the session   KEYS[2] the index of its user, if it is on the same server: it gets the session, if that is saved
-- ARGV[1] that version, 8 bytes   ARGV[2] the new record   ARGV[3] when it expires, in ms
-- ARGV[4] '1' to let it expire earlier than now stored   ARGV[5] its user, after 2 bytes of length
-- ARGV[6] '1' if the user's index has the session already, or gets it here   ARGV[7] until when its entry counts without it
-- ARGV[8] when the index may expire at the earliest, in ms   ARGV[9] the session's storage key
-- 0 gone, 1 saved, 2 it would become this user's, and index first; the name of the user whose session it was,
-- if that was another; {stored record, when it expires} on conflict
local head = redis.call('GETRANGE', KEYS[1], 4, 43 + #ARGV[5])
if head == '' then
  return 0
end
if head:sub(1, 8) ~= ARGV[1] then
  return {redis.call('GET', KEYS[1]), redis.call('PEXPIRETIME', KEYS[1])}
end
local result = 1
if head:sub(41) ~= ARGV[5] then
  if ARGV[6] ~= '1' then
    return 2
  end
  local high, low = head:byte(41, 42)
  local length = high * 256 + low
  if length > 0 then
    result = redis.call('GETRANGE', KEYS[1], 46, 45 + length)
  end
end
if KEYS[2] then
  if ARGV[4] == '1' then
    redis.call('ZADD', KEYS[2], ARGV[7], ARGV[9])
  else
    redis.call('ZADD', KEYS[2], 'GT', ARGV[7], ARGV[9])
  end
  if redis.call('PEXPIREAT', KEYS[2], ARGV[8], 'NX') == 0 then
    redis.call('PEXPIREAT', KEYS[2], ARGV[8], 'GT')
  end
end
if ARGV[4] ~= '1' and redis.call('PEXPIRETIME', KEYS[1]) > tonumber(ARGV[3]) then
  redis.call('SET', KEYS[1], ARGV[2], 'XX', 'KEEPTTL')
else
  redis.call('SET', KEYS[1], ARGV[2], 'XX', 'PXAT', ARGV[3])
end
return result

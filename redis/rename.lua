-- Stores a record under a new key in place of one under an old key, and in the index of its user. So a session of a user's
-- counts once all the time.
-- KEYS[1] the old session   KEYS[2] the new one   KEYS[3] the index of the new one's user
-- ARGV[1] the version that the old one must have, 8 bytes   ARGV[2] the new record   ARGV[3] when it expires, in ms
-- ARGV[4] where to publish that the old one is gone   ARGV[5] its storage key
-- ARGV[6] the new one's user, '' for nobody   ARGV[7] its storage key   ARGV[8] until when its entry counts without it
-- ARGV[9] when the index may expire at the earliest, in ms
-- 0 gone, 1 done, 2 the new key is taken; the name of the user whose the old one was, if it is another; {stored record,
-- when it expires} on conflict
local head = redis.call('GETRANGE', KEYS[1], 4, 45)
if head == '' then
  return 0
end
if head:sub(1, 8) ~= ARGV[1] then
  return {redis.call('GET', KEYS[1]), redis.call('PEXPIRETIME', KEYS[1])}
end
local user = ''
if head:sub(41) ~= '\0\0' then
  local high, low = head:byte(41, 42)
  user = redis.call('GETRANGE', KEYS[1], 46, 45 + high * 256 + low)
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  return 2
end
if ARGV[6] ~= '' then
  redis.call('ZADD', KEYS[3], 'GT', ARGV[8], ARGV[7])
  if redis.call('PEXPIREAT', KEYS[3], ARGV[9], 'NX') == 0 then
    redis.call('PEXPIREAT', KEYS[3], ARGV[9], 'GT')
  end
end
redis.call('SET', KEYS[2], ARGV[2], 'PXAT', ARGV[3])
redis.call('UNLINK', KEYS[1])
redis.pcall('PUBLISH', ARGV[4], ARGV[5])
if user == '' then
  return 1
end
if user ~= ARGV[6] then
  return user
end
redis.call('ZREM', KEYS[3], ARGV[5])
return 1

-- Stores a record under a new key in place of one under an old key.
-- KEYS[1] the old session   KEYS[2] the new one
-- ARGV[1] the version that the old one must have, 8 bytes   ARGV[2] the new record   ARGV[3] when it expires, in ms
-- ARGV[4] where to publish that the old one is gone   ARGV[5] its storage key
-- 0 gone, 1 done, 2 the new key is taken; the name of the user whose the old one was; {stored record, when it
-- expires} on conflict
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
if not redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PXAT', ARGV[3]) then
  return 2
end
redis.call('UNLINK', KEYS[1])
redis.pcall('PUBLISH', ARGV[4], ARGV[5])
if user ~= '' then
  return user
end
return 1

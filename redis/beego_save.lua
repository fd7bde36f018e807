-- Replaces values that beego may have stored, if they are still those that were loaded.
-- KEYS[1] the sid   ARGV[1] 15 digits of the SHA-1 of those values   ARGV[2] the new ones
-- ARGV[3] when they expire, in ms   ARGV[4] '1' to let them expire earlier than now stored
-- 0 gone, 1 saved; {values, when they expire} on conflict
local values = redis.call('GET', KEYS[1])
if not values then
  return 0
end
local expires = redis.call('PEXPIRETIME', KEYS[1])
if redis.sha1hex(values):sub(1, 15) ~= ARGV[1] then
  return {values, expires}
end
if ARGV[4] ~= '1' and expires > tonumber(ARGV[3]) then
  redis.call('SET', KEYS[1], ARGV[2], 'XX', 'KEEPTTL')
else
  redis.call('SET', KEYS[1], ARGV[2], 'XX', 'PXAT', ARGV[3])
end
return 1

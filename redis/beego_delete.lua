-- Removes values that beego may have stored, if they are still those that were loaded.
-- KEYS[1] the sid   ARGV[1] 15 digits of the SHA-1 of those values
-- 0 gone, 1 removed; {values, when they expire} on conflict
local values = redis.call('GET', KEYS[1])
if not values then
  return 0
end
if redis.sha1hex(values):sub(1, 15) ~= ARGV[1] then
  return {values, redis.call('PEXPIRETIME', KEYS[1])}
end
return redis.call('UNLINK', KEYS[1])

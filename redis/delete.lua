-- Removes a record.
-- KEYS[1] the session   ARGV[1] the version that it must have, 8 bytes, or '' for any
-- ARGV[2] where to publish that   ARGV[3] its storage key
-- 0 gone, 1 removed; the name of the user whose session was removed; {stored record, when it expires} on conflict
local head = redis.call('GETRANGE', KEYS[1], 4, 45)
if head == '' then
  if ARGV[1] ~= '' then
    return 0
  end
  return redis.call('UNLINK', KEYS[1])
end
if ARGV[1] ~= '' and head:sub(1, 8) ~= ARGV[1] then
  return {redis.call('GET', KEYS[1]), redis.call('PEXPIRETIME', KEYS[1])}
end
local user = ''
if #head == 42 and head:sub(41) ~= '\0\0' then
  local high, low = head:byte(41, 42)
  user = redis.call('GETRANGE', KEYS[1], 46, 45 + high * 256 + low)
end
redis.call('UNLINK', KEYS[1])
redis.pcall('PUBLISH', ARGV[2], ARGV[3]) -- who may not publish has nobody who watches
if user ~= '' then
  return user
end
return 1

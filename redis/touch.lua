-- Moves the expiry of a record later, never earlier.
-- KEYS[1] the session   ARGV[1] when it expires, in ms   ARGV[2] how long a user's index outlives its sessions
-- ARGV[3] 8 bytes of ARGV[1] if the user's index has been extended, else ''
-- 0 gone, 1 done; the user's name if the index must be extended first
local head = redis.call('GETRANGE', KEYS[1], 12, 45)
if head == '' then
  return 0
end
if #head == 34 and head:sub(33) ~= '\0\0' then
  if ARGV[3] ~= '' then
    redis.call('SETRANGE', KEYS[1], 12, ARGV[3])
  else
    local high, low = struct.unpack('>I4I4', head)
    if tonumber(ARGV[1]) > high * 4294967296 + low + tonumber(ARGV[2]) then
      local a, b = head:byte(33, 34)
      return redis.call('GETRANGE', KEYS[1], 46, 45 + a * 256 + b)
    end
  end
end
redis.call('PEXPIREAT', KEYS[1], ARGV[1], 'GT')
return 1

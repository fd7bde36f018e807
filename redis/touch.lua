-- Moves the expiry of a record later, never earlier.
-- KEYS[1] the session   ARGV[1] when it expires, in ms   ARGV[2] how long an index outlives its sessions
-- ARGV[3] 8 bytes of ARGV[1] if the indexes have been extended, else ''
-- 0 gone, 1 done; {the user, the alias} if their indexes must be extended first
local head = part(KEYS[1], 0, 47)
if head == '' then
  return 0
end
if length(head, 45) > 0 or head:sub(4, 4) == '2' and length(head, 47) > 0 then
  if ARGV[3] ~= '' then
    redis.call('SETRANGE', KEYS[1], 12, ARGV[3])
  else
    local high, low = struct.unpack('>I4I4', head, 13)
    if tonumber(ARGV[1]) > high * 4294967296 + low + tonumber(ARGV[2]) then
      return {names(head, KEYS[1])}
    end
  end
end
redis.call('PEXPIREAT', KEYS[1], ARGV[1], 'GT')
return 1

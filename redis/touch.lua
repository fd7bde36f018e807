-- Moves the expiry of a record later, never earlier: that of its key, and the one that it says.
-- KEYS[1] the session   ARGV[1] when it expires, in ms
-- ARGV[2] how often its indexes must be extended, in ms of expiry   ARGV[3] '1' if they have just been
-- 0 gone, 1 done; {the user, the alias} if their indexes must be extended first
local head = part(KEYS[1], 0, 47)
if #head < 46 then -- there is none, or not a record
  return 0
end
local high, low = struct.unpack('>I4I4', head, 13)
local was, expires, every = high * 4294967296 + low, tonumber(ARGV[1]), tonumber(ARGV[2])
if expires > was then
  local named = length(head, 45) > 0 or head:sub(4, 4) == '2' and length(head, 47) > 0
  if named and ARGV[3] ~= '1' and math.floor(expires / every) > math.floor(was / every) then
    return {names(head, KEYS[1])}
  end
  date(KEYS[1], expires)
end
redis.call('PEXPIREAT', KEYS[1], ARGV[1], 'GT')
return 1

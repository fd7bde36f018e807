-- Moves the expiry of a record later, never earlier.
-- KEYS[1] the session   ARGV[4] when it expires   ARGV[5] how all names begin   ARGV[6] the storage key
-- done, missing or corrupt
local kind, found, value = stored(KEYS[1])
if kind ~= 'record' then
  return refused(kind)
end
if ARGV[4] > found.expires then
  if found.user then
    put(ARGV[5] .. 'u:' .. found.user .. ':' .. ARGV[6], zero, ARGV[4])
  end
  if found.alias then
    put(ARGV[5] .. 'a:' .. found.alias .. ':' .. ARGV[6], zero, ARGV[4])
  end
  put(KEYS[1], value:sub(1, found.at + 12) .. ARGV[4] .. value:sub(found.at + 21), ARGV[4])
end
return done

-- Replaces a record if its version is still the one that was loaded.
-- KEYS[1] the session   KEYS[2...] the entries of its user and its alias
-- ARGV[4] that version   ARGV[5] the new record   ARGV[6] when it expires   ARGV[7] '1' to let it expire earlier than now stored
-- ARGV[8] how all names begin   ARGV[9] the storage key
-- done, missing, corrupt, or conflict and the stored record
local kind, found, value = stored(KEYS[1])
local code, other = refused(kind, found, value, ARGV[4])
if code then
  return code, other
end
local new, expires = ARGV[5], ARGV[6]
if ARGV[7] ~= '1' and found.expires > expires then
  expires = found.expires
  local at = record(new).at
  new = new:sub(1, at + 12) .. expires .. new:sub(at + 21)
end
enter(KEYS, 2, expires)
put(KEYS[1], new, expires)
forget(found, ARGV[8], ARGV[9], KEYS)
return done

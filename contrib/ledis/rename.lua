-- Stores a record under a new key in place of one under an old key. The two change in one write, so that a reader, or a
-- crash, finds one of them.
-- KEYS[1] the old session   KEYS[2] the new one   KEYS[3...] the entries of the new one's user and alias
-- ARGV[4] the version that the old one must have   ARGV[5] the new record   ARGV[6] when it expires
-- ARGV[7] the mark to leave under the old key, '' for none   ARGV[8] when that expires
-- ARGV[9] how all names begin   ARGV[10] the old storage key
-- done, missing, corrupt, exists, or conflict and the stored record
local kind, found, value = stored(KEYS[1])
local code, other = refused(kind, found, value, ARGV[4])
if code then
  return code, other
end
if stored(KEYS[2]) ~= 'none' then
  return exists
end
enter(KEYS, 3, ARGV[6])
fresh(KEYS[2], tomb, ARGV[6]) -- MSET sets no time to live
local left = tomb
if ARGV[7] ~= '' then
  left = ARGV[7]
  if ledis.call('TTL', KEYS[1]) < lasts(ARGV[8]) then
    ledis.call('EXPIRE', KEYS[1], lasts(ARGV[8]) + slack)
  end
end
ledis.call('MSET', KEYS[2], ARGV[5], KEYS[1], left)
if left == tomb then
  ledis.pcall('DEL', KEYS[1])
end
forget(found, ARGV[9], ARGV[10])
return done

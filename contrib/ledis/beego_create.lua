-- Stores values where none are.
-- KEYS[1] the sid   ARGV[4] the values   ARGV[5] how many seconds they live
-- done, or exists
if ledis.call('EXISTS', KEYS[1]) == 1 and ledis.call('TTL', KEYS[1]) > 0 then
  return exists
end
ledis.call('SETEX', KEYS[1], ARGV[5], ARGV[4])
return done

-- Lets values live longer, never shorter.
-- KEYS[1] the sid   ARGV[4] how many seconds they live
-- done, or missing
local left = ledis.call('TTL', KEYS[1])
if left < 1 or ledis.call('EXISTS', KEYS[1]) == 0 then
  return missing
elseif left < tonumber(ARGV[4]) then
  ledis.call('EXPIRE', KEYS[1], ARGV[4])
end
return done

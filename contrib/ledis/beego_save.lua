-- Replaces values that beego may have stored, if they are still those that were loaded.
-- KEYS[1] the sid   ARGV[4] these values   ARGV[5] the new ones   ARGV[6] how many seconds they live
-- ARGV[7] '1' to let them expire earlier than now stored
-- done; missing; conflict and the values, with the seconds that they live before them
local left, values = ledis.call('TTL', KEYS[1]), ledis.call('GET', KEYS[1])
if not values or left < 1 then
  return missing
elseif values ~= ARGV[4] then
  return conflict, string.format('%d ', left) .. values
end
ledis.call('SETEX', KEYS[1], ARGV[7] == '1' and ARGV[6] or math.max(left, tonumber(ARGV[6])), ARGV[5])
return done

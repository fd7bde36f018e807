-- Removes values.
-- KEYS[1] the sid   ARGV[4] '1' to remove only those that were loaded   ARGV[5] these
-- done; missing; conflict and the values, with the seconds that they live before them
local left, values = ledis.call('TTL', KEYS[1]), ledis.call('GET', KEYS[1])
if not values then
  return missing
elseif ARGV[4] == '1' and left < 1 then
  return missing
elseif ARGV[4] == '1' and values ~= ARGV[5] then
  return conflict, string.format('%d ', left) .. values
end
ledis.call('DEL', KEYS[1])
return done

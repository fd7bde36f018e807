-- Removes from an index sessions that were found to be gone, unless they came back since.
-- KEYS[1] the index   ARGV[1] the time, in ms   ARGV[2...] the sessions
-- how many were removed
local removed = 0
for i = 2, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) <= tonumber(ARGV[1]) then
    removed = removed + redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return removed

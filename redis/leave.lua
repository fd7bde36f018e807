-- Removes an entry of a user's index, unless it was made anew since it was read.
-- KEYS[1] the index   ARGV[1] the session   ARGV[2] the score that was read
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) == tonumber(ARGV[2]) then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0

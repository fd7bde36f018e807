-- Removes an entry of a user's index, unless it was made anew since it was read, or the session is the user's.
-- KEYS[1] the index   KEYS[2] the session, if it is on the same server
-- ARGV[1] the session   ARGV[2] the score that was read   ARGV[3] the user, after 2 bytes of length
if KEYS[2] and redis.call('GETRANGE', KEYS[2], 44, 43 + #ARGV[3]) == ARGV[3] then
  return 0
end
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) == tonumber(ARGV[2]) then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0

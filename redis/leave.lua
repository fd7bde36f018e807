-- Removes an entry of an index, unless it was made anew since it was read, or the session has the name.
-- KEYS[1] the index   KEYS[2] the session, if it is on the same server
-- ARGV[1] the session   ARGV[2] the score that was read   ARGV[3] the name   ARGV[4] 1 if it is a user, 2 if it is an alias
if KEYS[2] then
  local has = {names(part(KEYS[2], 0, 47), KEYS[2])}
  if has[tonumber(ARGV[4])] == ARGV[3] then
    return 0
  end
end
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) == tonumber(ARGV[2]) then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0

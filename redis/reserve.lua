-- Makes an entry in a user's index if there is room.
-- KEYS[1] the index
-- ARGV[1] the session   ARGV[2] until when the entry counts without a session, in ms
-- ARGV[3] how many the user may have   ARGV[4] when the index may expire at the earliest, in ms
-- ARGV[5] the time, in ms   ARGV[6] how many of the following were evicted; those after them were found to be gone
-- 1 if the entry is made, else {session, score, ...} of all entries
local now = tonumber(ARGV[5])
for i = 7, #ARGV do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and (i < 7 + tonumber(ARGV[6]) or tonumber(score) <= now) then
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
local others = redis.call('ZCARD', KEYS[1])
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  others = others - 1
end
if others >= tonumber(ARGV[3]) then
  return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
if redis.call('PEXPIREAT', KEYS[1], ARGV[4], 'NX') == 0 then
  redis.call('PEXPIREAT', KEYS[1], ARGV[4], 'GT')
end
return 1

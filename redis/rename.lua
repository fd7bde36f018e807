-- Stores a record under a new key in place of one under an old key, and in the indexes of its user and its alias. So a
-- session of a user's counts once all the time.
-- KEYS[1] the old session   KEYS[2] the new one   KEYS[3...] the indexes of the new one's user and alias, if it has them
-- ARGV[1] the version that the old one must have, 8 bytes   ARGV[2] the new record   ARGV[3] when it expires, in ms
-- ARGV[4] where to publish that the old one is gone   ARGV[5] its storage key
-- ARGV[6] the new one's storage key   ARGV[7] until when its entries count without it
-- ARGV[8] when the indexes may expire at the earliest, in ms
-- ARGV[9] the mark to leave under the old key, '' for none   ARGV[10] when that expires, in ms
-- 0 gone, 1 done, 2 the new key is taken; {the user whose the old one was, the alias} if one of them is another, and '' for
-- the one that is not; {stored record, when it expires} on conflict
local head = part(KEYS[1], 0, 47)
if head == '' then
  return 0
end
if head:sub(5, 12) ~= ARGV[1] then
  return conflict(KEYS[1])
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  return 2
end
local user, alias = names(ARGV[2])
local wasUser, wasAlias = names(head, KEYS[1])
for i = 3, #KEYS do
  put(KEYS[i], ARGV[6], ARGV[7], ARGV[8])
end
redis.call('SET', KEYS[2], ARGV[2], 'PXAT', ARGV[3])
leave(KEYS[1], ARGV[9], ARGV[10], ARGV[4], ARGV[5])
if wasUser ~= '' and wasUser == user then
  redis.call('ZREM', KEYS[3], ARGV[5])
  wasUser = ''
end
if wasAlias ~= '' and wasAlias == alias then
  redis.call('ZREM', KEYS[#KEYS], ARGV[5])
  wasAlias = ''
end
if wasUser == '' and wasAlias == '' then
  return 1
end
return {wasUser, wasAlias}

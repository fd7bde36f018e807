-- Removes a record, or puts a mark in its place or where nothing stands.
-- KEYS[1] the session   ARGV[1] the version that it must have, 8 bytes, or '' for any
-- ARGV[2] where to publish that   ARGV[3] its storage key
-- ARGV[4] the mark, '' for none: with any version it goes only where nothing stands   ARGV[5] when that expires, in ms
-- 0 gone, 1 done, 2 something stands there; {the user whose session was removed, the alias}, '' for none; {stored record,
-- when it expires} on conflict
if ARGV[1] == '' and ARGV[4] ~= '' then
  if redis.call('EXISTS', KEYS[1]) == 1 then
    return 2
  end
  stand(KEYS[1], ARGV[4], ARGV[5])
  return 1
end
local head, marked = part(KEYS[1], 0, 47)
if head == '' then
  if ARGV[1] ~= '' or marked then
    return 0
  end
  return redis.call('UNLINK', KEYS[1])
end
if ARGV[1] ~= '' and head:sub(5, 12) ~= ARGV[1] then
  return conflict(KEYS[1])
end
local user, alias = names(head, KEYS[1])
leave(KEYS[1], ARGV[4], ARGV[5], ARGV[2], ARGV[3])
if user == '' and alias == '' then
  return 1
end
return {user, alias}

-- Replaces a record if its version is still the one that was loaded.
-- KEYS[1] the session   KEYS[2...] the indexes of its user and its alias, if they are on the same server: they get the
-- session, if that is saved
-- ARGV[1] that version, 8 bytes   ARGV[2] the new record   ARGV[3] when it expires, in ms
-- ARGV[4] '1' to let it expire earlier than now stored
-- ARGV[5] '1' if these indexes have the session already, or get it here   ARGV[6] until when its entries count without it
-- ARGV[7] when the indexes may expire at the earliest, in ms   ARGV[8] the session's storage key
-- 0 gone, 1 saved, 2 it would become this user's or alias's, and index first; {the user whose session it was, the alias}
-- if one of them was another, and '' for the one that was not; {stored record, when it expires} on conflict
local user, alias = names(ARGV[2])
local head = part(KEYS[1], 0, 47 + #user + #alias)
if head == '' then
  return 0
end
if head:sub(5, 12) ~= ARGV[1] then
  return conflict(KEYS[1])
end
local wasUser, wasAlias = names(head, KEYS[1])
if ARGV[5] ~= '1' and (user ~= wasUser or alias ~= wasAlias) then
  return 2
end
for i = 2, #KEYS do
  put(KEYS[i], ARGV[8], ARGV[6], ARGV[7], ARGV[4] == '1')
end
local expires = ARGV[4] ~= '1' and redis.call('PEXPIRETIME', KEYS[1]) or 0
if expires > tonumber(ARGV[3]) then
  redis.call('SET', KEYS[1], ARGV[2], 'XX', 'KEEPTTL')
  date(KEYS[1], expires)
else
  redis.call('SET', KEYS[1], ARGV[2], 'XX', 'PXAT', ARGV[3])
end
if wasUser == user then
  wasUser = ''
end
if wasAlias == alias then
  wasAlias = ''
end
if wasUser == '' and wasAlias == '' then
  return 1
end
return {wasUser, wasAlias}

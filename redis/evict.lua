-- Removes a record if it is still of one user.
-- KEYS[1] the session   ARGV[1] the user
-- ARGV[2] where to publish that   ARGV[3] its storage key
-- 1 if it was removed; {'', its alias} if it had one
local user, alias = names(part(KEYS[1], 0, 47 + #ARGV[1]), KEYS[1])
if user ~= ARGV[1] then
  return 0
end
leave(KEYS[1], '', 0, ARGV[2], ARGV[3])
if alias ~= '' then
  return {'', alias}
end
return 1

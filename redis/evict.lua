-- Removes a record if it is still of one user.
-- KEYS[1] the session   ARGV[1] the user, after 2 bytes of length
-- ARGV[2] where to publish that   ARGV[3] its storage key
-- 1 if it was removed
if redis.call('GETRANGE', KEYS[1], 44, 43 + #ARGV[1]) == ARGV[1] then
  redis.call('UNLINK', KEYS[1])
  redis.pcall('PUBLISH', ARGV[2], ARGV[3])
  return 1
end
return 0

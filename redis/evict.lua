-- Removes a record if it is still of one user.
-- KEYS[1] the session   ARGV[1] the user, after 2 bytes of length
-- 1 if it was removed
if redis.call('GETRANGE', KEYS[1], 44, 43 + #ARGV[1]) == ARGV[1] then
  return redis.call('UNLINK', KEYS[1])
end
return 0

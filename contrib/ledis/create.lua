-- Stores a new record, and its entries.
-- KEYS[1] the session   KEYS[2...] the entries of its user and its alias
-- ARGV[4] the record   ARGV[5] when it expires
-- done, or exists
if stored(KEYS[1]) ~= 'none' then
  return exists
end
enter(KEYS, 2, ARGV[5])
fresh(KEYS[1], ARGV[4], ARGV[5])
return done

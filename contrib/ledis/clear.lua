-- Removes names.
-- KEYS[...] the names
-- done
for _, name in ipairs(KEYS) do
  ledis.call('DEL', name)
end
return done

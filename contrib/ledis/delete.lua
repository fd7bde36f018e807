-- Removes a record, or puts a mark in its place or where nothing is.
-- KEYS[1] the session   ARGV[4] the version that it must have, '' for any
-- ARGV[5] the mark, '' for none: with any version it goes only where nothing is   ARGV[6] when that expires
-- ARGV[7] how all names begin   ARGV[8] the storage key
-- done, missing, corrupt, exists, or conflict and the stored record
local kind, found, value = stored(KEYS[1])
if ARGV[4] == '' and ARGV[5] ~= '' then
  if kind ~= 'none' then
    return exists
  end
elseif ARGV[4] ~= '' then
  local code, other = refused(kind, found, value, ARGV[4])
  if code then
    return code, other
  end
elseif kind ~= 'record' and kind ~= 'corrupt' then
  return missing
end
if ARGV[5] ~= '' then
  put(KEYS[1], ARGV[5], ARGV[6])
else
  ledis.call('DEL', KEYS[1])
end
if found then
  forget(found, ARGV[7], ARGV[8])
end
return done

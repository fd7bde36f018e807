-- Makes an entry in a user's index, if there is room or room can be made.
-- KEYS[1] the entry   ARGV[4] how all names begin   ARGV[5] the hash of the user   ARGV[6] the storage key
-- ARGV[7] until when the entry counts without a record   ARGV[8] how many sessions the user may have
-- ARGV[9] '1' to make room
-- done and the keys that were removed, with spaces between; full; or waits, if only reservations are left
local entries = ARGV[4] .. 'u:' .. ARGV[5] .. ':'

-- of returns the record of a key if it is this user's.
local function of(key)
  local kind, found = stored(ARGV[4] .. 's:' .. key)
  if kind == 'record' and found.user == ARGV[5] then
    return found, kind
  end
  return nil, kind
end

if ARGV[7] <= now then
  if ledis.call('EXISTS', KEYS[1]) == 1 then
    if of(ARGV[6]) then
      put(KEYS[1], zero, ARGV[7])
    else
      ledis.call('DEL', KEYS[1])
    end
  end
  return done
end

local live, reserved, cursor = {}, 0, entries
while cursor do
  local names = ledis.call('XSCAN', 'KV', cursor, 'COUNT', 100)[2] or {}
  cursor = names[100]
  for _, name in ipairs(names) do
    if name:sub(1, #entries) ~= entries then
      cursor = nil
      break
    end
    local key = name:sub(#entries + 1)
    if key ~= ARGV[6] then
      local found, kind = of(key)
      if found then
        live[#live + 1] = {key = key, auth = found.auth, record = found}
      elseif (ledis.call('GET', name) or zero) > now then
        reserved = reserved + 1
      elseif kind ~= 'corrupt' then
        ledis.call('DEL', name)
      end
    end
  end
end

local excess, evicted = #live + reserved + 1 - tonumber(ARGV[8]), {}
if excess > 0 then
  if ARGV[9] ~= '1' then
    return full
  elseif excess > #live then
    return waits
  end
  table.sort(live, function(a, b)
    if a.auth ~= b.auth then
      return a.auth < b.auth
    end
    return a.key < b.key
  end)
end
put(KEYS[1], ARGV[7], ARGV[7]) -- first: an error must not leave evicted sessions that nobody hears of
if excess > 0 then
  for i = 1, excess do
    ledis.call('DEL', ARGV[4] .. 's:' .. live[i].key)
    forget(live[i].record, ARGV[4], live[i].key)
    evicted[i] = live[i].key
  end
end
return done, table.concat(evicted, ' ')

-- What every script begins with. LedisDB never takes what a script returns off the stack of its one interpreter, which has
-- 5120 places: after as many answers it refuses every script until it is restarted. So a script returns nothing. LedisDB
-- then answers with what lies on top of the stack. That is a table which the first script has left there, once, and into
-- which each script puts its answer:
-- {ARGV[1], code, value}
-- ARGV[1] tells the caller that the answer is his. If somebody else has left something on top, it is not.
-- ARGV[2] '1' to put the table on top again   ARGV[3] the time, 8 bytes in ms
--
-- Only one script runs at a time. Every write of this package is made by a script, so nothing changes while one runs,
-- except that LedisDB removes keys whose time to live is over.
local now = ARGV[3]

-- LedisDB expires keys by the second, and each new time to live leaves an entry behind until the key is gone. So a key
-- lives slack seconds longer than its value, and its time to live changes only when it would end too early.
local slack = 600

-- mark is the version of a mark, and tomb is a mark that is over.
local mark = string.rep(string.char(255), 8)
local tomb = '0ses1' .. mark .. string.rep(string.char(0), 34)

-- record returns what is in a value: its beginning, version and expiry, the hashes of its user and its alias or nil, and
-- the user's time of login. It returns nil if the value is no record of this version.
local function record(value)
  local flag, at = value:byte(1), 1
  local user, alias
  if not flag or flag < 48 or flag > 51 then
    return nil
  end
  if flag % 2 == 1 then
    user = value:sub(at + 1, at + 43)
    at = at + 43
  end
  if flag >= 50 then
    alias = value:sub(at + 1, at + 43)
    at = at + 43
  end
  local magic = value:sub(at + 1, at + 4)
  if #value < at + 46 or magic ~= 'ses1' and magic ~= 'ses2' then
    return nil
  end
  return {
    at = at, version = value:sub(at + 5, at + 12), expires = value:sub(at + 13, at + 20),
    user = user, alias = alias, auth = value:sub(at + 37, at + 44),
  }
end

-- stored returns the live record or mark under a name, and its value. kind is 'none', 'record', 'mark' or 'corrupt'.
local function stored(name)
  local value = ledis.call('GET', name)
  if not value then
    return 'none'
  end
  local found = record(value)
  if not found then
    return 'corrupt'
  elseif found.expires <= now then
    return 'none'
  elseif found.version == mark then
    return 'mark'
  end
  return 'record', found, value
end

-- number returns a time in ms.
local function number(bytes)
  local n = 0
  for i = 1, 8 do
    n = n * 256 + bytes:byte(i)
  end
  return n
end

-- lasts returns how many seconds a key must live at least until a time.
local function lasts(expires)
  return math.min(math.max(math.ceil((number(expires) - number(now)) / 1000), 0) + 2, 1e10)
end

-- fresh stores a value under a name that had none, or must not keep its time to live.
local function fresh(name, value, expires)
  ledis.call('SETEX', name, lasts(expires) + slack, value)
end

-- put stores a value whose key must live until a time.
local function put(name, value, expires)
  local left, least = ledis.call('TTL', name), lasts(expires)
  if left < least or left > least + 2 * slack then
    fresh(name, value, expires)
  else
    ledis.call('SET', name, value)
  end
end

-- enter makes the entries of a record. The value of an entry is until when it counts without a record.
local zero = string.rep(string.char(0), 8)
local function enter(names, first, expires)
  for i = first, #names do
    put(names[i], zero, expires)
  end
end

-- forget removes the entries of a record, except those in kept. When it is called, what was asked for is done. An entry
-- that stays is harmless, because each reader checks the record.
local function forget(found, prefix, key, kept)
  local names = {}
  if found.user then
    names[#names + 1] = prefix .. 'u:' .. found.user .. ':' .. key
  end
  if found.alias then
    names[#names + 1] = prefix .. 'a:' .. found.alias .. ':' .. key
  end
  for _, name in ipairs(names) do
    local keep = false
    for _, other in ipairs(kept or {}) do
      keep = keep or name == other
    end
    if not keep then
      ledis.pcall('DEL', name)
    end
  end
end

-- The codes of answers. Go knows them under the same names.
local missing, done, exists, conflict, corrupt, full, waits, failed = 0, 1, 2, 3, 4, 5, 6, 7

-- refused returns the answer if the record is not there in the version that the caller has.
local function refused(kind, found, value, version)
  if kind == 'corrupt' then
    return corrupt
  elseif kind ~= 'record' then
    return missing
  elseif found.version ~= version then
    return conflict, value
  end
end

local function run()

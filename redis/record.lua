-- What the scripts on sessions begin with. A session is a string; a mark that stands in its place is a sorted set, whose
-- elements are pieces of its kind and target.

-- part returns bytes of a record, '' if there is none; then also whether there is a mark.
local function part(key, from, to)
  local value = redis.pcall('GETRANGE', key, from, to)
  if type(value) == 'string' then
    return value, false
  end
  if value.err:find('WRONGTYPE', 1, true) then
    return '', true
  end
  error(value)
end

-- length returns the number in two bytes of text, 0 behind its end.
local function length(text, at)
  local high, low = text:byte(at, at + 1)
  return low and high * 256 + low or 0
end

-- names returns the user and the alias of a record that begins with head, of at least 48 bytes if it has as many. Where
-- head ends before them, the rest is read under key.
local function names(head, key)
  local ending = 46 + length(head, 45)
  local second = head:sub(4, 4) == '2'
  if #head >= 46 and (#head < ending or second and #head < ending + 2) then
    head = part(key, 0, ending + 1)
  end
  local alias = second and length(head, ending + 1) or 0
  local user = head:sub(47, ending)
  if alias > 0 and #head < ending + 2 + alias then
    return user, (part(key, ending + 2, ending + 1 + alias))
  end
  return user, head:sub(ending + 3, ending + 2 + alias)
end

-- date makes a record say that it expires at a time in ms.
local function date(key, expires)
  redis.call('SETRANGE', key, 12, struct.pack('>I4I4', math.floor(expires / 4294967296), expires % 4294967296))
end

-- put makes an entry in an index, which is then kept for longer if need be.
local function put(index, session, counts, ending, shorten)
  if shorten then
    redis.call('ZADD', index, counts, session)
  else
    redis.call('ZADD', index, 'GT', counts, session)
  end
  if redis.call('PEXPIREAT', index, ending, 'NX') == 0 then
    redis.call('PEXPIREAT', index, ending, 'GT')
  end
end

-- conflict returns the record as stored, and when it expires.
local function conflict(key)
  return {redis.call('GET', key), redis.call('PEXPIRETIME', key)}
end

-- stand puts a mark where nothing stands. An element of more than 64 bytes would make the set one of 1 KB; each has its
-- number first.
local function stand(key, mark, expires)
  for i = 0, (#mark - 1) / 63 do
    redis.call('ZADD', key, expires, string.char(i) .. mark:sub(63 * i + 1, 63 * i + 63))
  end
  redis.call('PEXPIREAT', key, expires)
end

-- leave removes a record, puts a mark in its place if there is one, and tells those who watch.
local function leave(key, mark, expires, channel, session)
  redis.call('UNLINK', key)
  if mark ~= '' then
    stand(key, mark, expires)
  end
  redis.pcall('PUBLISH', channel, session) -- who may not publish has nobody who watches
end


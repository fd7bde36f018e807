package fakessdb

import (
	"strconv"
	"strings"
)

// A response is a status word and what follows it.
type response []string

func ok(values ...string) response { return append(response{"ok"}, values...) }

func okNumber(n int64) response { return ok(strconv.FormatInt(n, 10)) }

func okBool(b bool) response {
	if b {
		return ok("1")
	}
	return ok("0")
}

// lookup is the response of a command that reads one value.
func lookup(value string, found bool) response {
	if !found {
		return response{"not_found"}
	}
	return ok(value)
}

// failed has no text: this is all that SSDB says of a key that is too long.
func failed() response { return response{"error"} }

func notANumber() response { return response{"error", "value is not an integer or out of range"} }

func wrongCount() response { return response{"client_error", "wrong number of arguments"} }

// A command is one of SSDB's commands. It runs while the store is locked.
type command struct {
	words int // how many words the request must have, the name included; more are ignored
	run   func(s *store, req []string) response
}

var commands = map[string]command{
	"ping":    {1, func(*store, []string) response { return ok() }},
	"version": {1, func(*store, []string) response { return ok(version) }},
	"dbsize":  {1, func(s *store, _ []string) response { return okNumber(s.size()) }},
	"flushdb": {1, func(s *store, _ []string) response { s.clear(); return ok() }},

	"get":          {2, get},
	"set":          {3, set},
	"setx":         {4, setx},
	"setnx":        {3, setnx},
	"getset":       {3, getset},
	"del":          {2, del},
	"exists":       {2, exists},
	"expire":       {3, expire},
	"ttl":          {2, func(s *store, req []string) response { return okNumber(s.ttl(req[1])) }},
	"incr":         {2, func(s *store, req []string) response { return add(s, req, 1) }},
	"decr":         {2, func(s *store, req []string) response { return add(s, req, -1) }},
	"multi_get":    {2, multiGet},
	"multi_set":    {1, multiSet},
	"multi_del":    {2, multiDel},
	"multi_exists": {2, multiExists},
	"keys":         {4, func(s *store, req []string) response { return ok(s.keys(req)...) }},
	"rkeys":        {4, func(s *store, req []string) response { return ok(s.reverseKeys(req)...) }},
	"scan":         {4, func(s *store, req []string) response { return ok(pairs(s.values, s.keys(req))...) }},
	"rscan":        {4, func(s *store, req []string) response { return ok(pairs(s.values, s.reverseKeys(req))...) }},

	"hget":       {3, hget},
	"hset":       {4, hset},
	"hdel":       {3, hdel},
	"hexists":    {3, hexists},
	"hsize":      {2, func(s *store, req []string) response { return okNumber(int64(len(s.hashes[req[1]]))) }},
	"hclear":     {2, hclear},
	"hincr":      {3, hincr},
	"hgetall":    {2, hgetall},
	"hscan":      {5, hscan},
	"hkeys":      {5, hkeys},
	"hvals":      {5, hvals},
	"multi_hget": {3, multiHget},
	"multi_hset": {1, multiHset},
	"multi_hdel": {3, multiHdel},

	"zget":       {3, zget},
	"zset":       {4, zset},
	"zdel":       {3, zdel},
	"zsize":      {2, func(s *store, req []string) response { return okNumber(int64(len(s.zsets[req[1]]))) }},
	"zscan":      {6, zscan},
	"zkeys":      {6, zkeys},
	"multi_zset": {1, multiZset},
	"multi_zdel": {3, multiZdel},
}

// unimplemented are commands that SSDB knows and the fake does not, in SSDB's own words or those of Redis.
var unimplemented = setOf(`
	getbit setbit countbit substr getrange strlen bitcount
	hdecr hrscan hlist hrlist multi_hexists multi_hsize hfix
	zrank zrrank zrange zrrange redis_zrange redis_zrrange zincr zdecr zclear zfix zrscan zlist zrlist zcount zsum zavg
	zremrangebyrank zremrangebyscore zexists multi_zexists multi_zsize multi_zget zpop_front zpop_back
	zrevrank zrevrange zincrby zrangebyscore zrevrangebyscore
	qsize qfront qback qpush qpush_front qpush_back qpop qpop_front qpop_back qtrim_front qtrim_back qfix qclear qlist qrlist
	qslice qrange qget qset lpush rpush lpop rpop llen lsize lindex lset lrange
	clear_binlog dump sync140 slaveof compact ignore_key_range get_key_range get_kv_range set_kv_range
	list_allow_ip add_allow_ip del_allow_ip list_deny_ip add_deny_ip del_deny_ip`)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(words) {
		set[word] = true
	}
	return set
}

// answer runs one request.
func (s *Server) answer(c *conn, req []string) response {
	s.mu.Lock()
	password := s.password
	s.mu.Unlock()
	name := req[0]
	if password != "" && !c.authorized && name != "auth" {
		return response{"noauth", "authentication required."}
	}
	switch name {
	case "auth":
		return c.auth(password, req)
	case "info":
		return s.info()
	}
	command, known := commands[name]
	switch {
	case unimplemented[name]:
		s.t.Errorf("fakessdb: a real SSDB has the command %s, the fake does not", name)
		return response{"client_error", "fakessdb does not implement " + name}
	case !known:
		return response{"client_error", "Unknown Command: " + name}
	case len(req) < command.words:
		return wrongCount()
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return command.run(s.store, req)
}

// auth takes any password as long as the server has none. It refuses a user name with an error that has no text.
func (c *conn) auth(password string, req []string) response {
	if len(req) != 2 {
		return response{"client_error"}
	}
	if password != "" && req[1] != password {
		return response{"error", "invalid password"}
	}
	c.authorized = true
	return ok("1")
}

// info is the start of what SSDB says. The statistics of LevelDB and of replication are left out. The number of calls is
// only close to SSDB's, which does not count unknown commands.
func (s *Server) info() response {
	s.mu.Lock()
	links, calls := s.listener.Connections(), len(s.commands)
	s.mu.Unlock()
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	return ok("ssdb-server", "version", version, "links", strconv.Itoa(links), "total_calls", strconv.Itoa(calls),
		"dbsize", strconv.FormatInt(s.store.size(), 10))
}

func get(s *store, req []string) response {
	value, found := s.values[req[1]]
	return lookup(value, found)
}

// set does not look behind the value. EX, NX and other options of Redis have no effect, and the deadline stays as it is.
func set(s *store, req []string) response {
	if tooLong(req[1]) {
		return failed()
	}
	s.put(req[1], req[2])
	return ok("1")
}

func setx(s *store, req []string) response {
	if tooLong(req[1]) {
		return failed()
	}
	s.put(req[1], req[2])
	s.expireIn(req[1], seconds(req[3]))
	return ok("1")
}

// seconds are kept in 32 bits, as SSDB does. Garbage counts as zero, which removes the key at once.
func seconds(s string) int64 {
	n, _ := number(s)
	return int64(int32(n))
}

func setnx(s *store, req []string) response {
	if tooLong(req[1]) {
		return failed()
	}
	if _, found := s.values[req[1]]; found || req[1] == "" {
		return ok("0")
	}
	s.put(req[1], req[2])
	return ok("1")
}

func getset(s *store, req []string) response {
	if tooLong(req[1]) {
		return failed()
	}
	old, found := s.values[req[1]]
	s.put(req[1], req[2])
	return lookup(old, found && req[1] != "")
}

// del does not tell whether the key existed.
func del(s *store, req []string) response {
	if tooLong(req[1]) {
		return failed()
	}
	s.remove(req[1])
	return ok("1")
}

func exists(s *store, req []string) response {
	_, found := s.values[req[1]]
	return okBool(found)
}

func expire(s *store, req []string) response {
	if _, found := s.values[req[1]]; !found {
		return ok("0")
	}
	s.expireIn(req[1], seconds(req[2]))
	return ok("1")
}

// add is INCR and DECR. It takes the empty key, which no other command stores.
func add(s *store, req []string, sign int64) response {
	if tooLong(req[1]) {
		return failed()
	}
	by := int64(1)
	if len(req) > 2 {
		by, _ = number(req[2])
	}
	old, whole := number(s.values[req[1]])
	if !whole {
		return notANumber()
	}
	sum := old + sign*by
	s.values[req[1]] = strconv.FormatInt(sum, 10)
	return okNumber(sum)
}

// multiGet leaves out keys that are missing.
func multiGet(s *store, req []string) response {
	resp := ok()
	for _, key := range req[1:] {
		if value, found := s.values[key]; found {
			resp = append(resp, key, value)
		}
	}
	return resp
}

// multiSet stores nothing at all if one key is empty or too long, and yet says "ok". Only the count, 0, shows it, and a Redis
// client does not see the count.
func multiSet(s *store, req []string) response {
	if len(req) < 3 || len(req)%2 != 1 {
		return response{"client_error"}
	}
	for i := 1; i < len(req); i += 2 {
		if req[i] == "" || tooLong(req[i]) {
			return ok("0")
		}
	}
	for i := 1; i < len(req); i += 2 {
		s.put(req[i], req[i+1])
	}
	return okNumber(int64(len(req) / 2))
}

// multiDel counts the keys of the request, whether they existed or not. It does not check their length.
func multiDel(s *store, req []string) response {
	for _, key := range req[1:] {
		s.remove(key)
	}
	return okNumber(int64(len(req) - 1))
}

func multiExists(s *store, req []string) response {
	resp := ok()
	for _, key := range req[1:] {
		_, found := s.values[key]
		resp = append(resp, key, okBool(found)[1])
	}
	return resp
}

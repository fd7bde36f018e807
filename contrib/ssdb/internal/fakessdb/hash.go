package fakessdb

import (
	"math"
	"strconv"
)

func hget(s *store, req []string) response {
	value, found := s.hashes[req[1]][req[2]]
	return lookup(value, found)
}

// hset stores one field. Further pairs, which Redis takes, are ignored.
func hset(s *store, req []string) response {
	added, stored := s.putField(req[1], req[2], req[3])
	if !stored {
		return failed()
	}
	return okBool(added)
}

func hdel(s *store, req []string) response {
	if tooLong(req[1]) || tooLong(req[2]) {
		return failed()
	}
	return okBool(s.removeField(req[1], req[2]))
}

func hexists(s *store, req []string) response {
	_, found := s.hashes[req[1]][req[2]]
	return okBool(found)
}

func hclear(s *store, req []string) response {
	n := len(s.hashes[req[1]])
	delete(s.hashes, req[1])
	return okNumber(int64(n))
}

func hincr(s *store, req []string) response {
	by := int64(1)
	if len(req) > 3 {
		by, _ = number(req[3])
	}
	old, whole := number(s.hashes[req[1]][req[2]])
	if !whole {
		return notANumber()
	}
	if _, stored := s.putField(req[1], req[2], strconv.FormatInt(old+by, 10)); !stored {
		return failed()
	}
	return okNumber(old + by)
}

func hgetall(s *store, req []string) response {
	fields := s.hashes[req[1]]
	return ok(pairs(fields, forward(fields, "", "", math.MaxUint64))...)
}

// hscan lists fields and values in the range (start, end].
func hscan(s *store, req []string) response {
	return ok(pairs(s.hashes[req[1]], s.fields(req))...)
}

func hkeys(s *store, req []string) response { return ok(s.fields(req)...) }

func hvals(s *store, req []string) response {
	resp := ok()
	for _, field := range s.fields(req) {
		resp = append(resp, s.hashes[req[1]][field])
	}
	return resp
}

// fields reads a range of a hash: name, start, end and limit.
func (s *store) fields(req []string) []string {
	return forward(s.hashes[req[1]], req[2], req[3], unsigned(req[4]))
}

func multiHget(s *store, req []string) response {
	resp := ok()
	for _, field := range req[2:] {
		if value, found := s.hashes[req[1]][field]; found {
			resp = append(resp, field, value)
		}
	}
	return resp
}

// multiHset counts new fields. Pairs before one that fails stay stored.
func multiHset(s *store, req []string) response {
	if len(req) < 4 || len(req)%2 != 0 {
		return response{"client_error"}
	}
	count := int64(0)
	for i := 2; i < len(req); i += 2 {
		added, stored := s.putField(req[1], req[i], req[i+1])
		if !stored {
			return failed()
		}
		if added {
			count++
		}
	}
	return okNumber(count)
}

// multiHdel counts the fields that existed.
func multiHdel(s *store, req []string) response {
	count := int64(0)
	for _, field := range req[2:] {
		if tooLong(req[1]) || tooLong(field) {
			return failed()
		}
		if s.removeField(req[1], field) {
			count++
		}
	}
	return okNumber(count)
}

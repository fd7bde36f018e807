package fakessdb

import (
	"math"
	"slices"
	"sync"
	"time"
)

// version is what the source calls itself. The tag 1.9.9 did not change it.
const version = "1.9.8"

// maxKey is how many bytes a key, a name or a field may have.
const maxKey = 255

// deadlines is the sorted set that holds the deadlines of keys, in milliseconds since 1970. SSDB keeps it beside the sets of
// its users, so commands can see it.
const deadlines = "\xff\xff\xff\xff\xff|EXPIRE_LIST|KV"

// expiryPause is how long the background loop sleeps when nothing is due.
const expiryPause = 10 * time.Millisecond

// A store holds the data of a server.
type store struct {
	mu     sync.Mutex
	values map[string]string
	hashes map[string]map[string]string
	zsets  map[string]map[string]int64
	next   int64 // no key is due before this, in milliseconds
}

func newStore() *store {
	s := &store{}
	s.clear()
	return s
}

func (s *store) clear() {
	s.values = map[string]string{}
	s.hashes = map[string]map[string]string{}
	s.zsets = map[string]map[string]int64{}
}

// size is the number of bytes that keys and values have. SSDB estimates the bytes on disk.
func (s *store) size() int64 {
	n := 0
	for key, value := range s.values {
		n += len(key) + len(value)
	}
	for _, fields := range s.hashes {
		for field, value := range fields {
			n += len(field) + len(value)
		}
	}
	for _, members := range s.zsets {
		for member := range members {
			n += len(member) + 8
		}
	}
	return int64(n)
}

func tooLong(key string) bool { return len(key) > maxKey }

// put drops the empty key without an error, as SSDB does.
func (s *store) put(key, value string) {
	if key != "" {
		s.values[key] = value
	}
}

func (s *store) remove(key string) {
	delete(s.values, key)
	s.forget(key)
}

// expireIn gives key a deadline, in place of one that it has.
func (s *store) expireIn(key string, seconds int64) {
	at := time.Now().UnixMilli() + seconds*1000
	s.putMember(deadlines, key, at)
	s.next = min(s.next, at)
}

// forget drops the deadline of key.
func (s *store) forget(key string) { s.removeMember(deadlines, key) }

// ttl is in whole seconds, rounded towards zero. A key with ten seconds has nine a millisecond later, and less than a second
// is 0. An overdue key that is not removed yet has 0, too.
func (s *store) ttl(key string) int64 {
	at, found := s.zsets[deadlines][key]
	if !found {
		return -1
	}
	return (at - time.Now().UnixMilli()) / 1000
}

// expire removes keys that are due until quit is closed. It starts with those that became due while the server was down.
func (s *store) expire(quit <-chan struct{}) {
	tick := time.NewTicker(expiryPause)
	defer tick.Stop()
	s.mu.Lock()
	s.next = 0
	s.mu.Unlock()
	for {
		s.removeDue(time.Now().UnixMilli())
		select {
		case <-quit:
			return
		case <-tick.C:
		}
	}
}

func (s *store) removeDue(now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now < s.next {
		return
	}
	s.next = math.MaxInt64
	for key, at := range s.zsets[deadlines] {
		if at <= now {
			s.remove(key)
		} else {
			s.next = min(s.next, at)
		}
	}
}

// putField reports whether the field is new, and whether it was stored at all. Unlike a key, an empty field is an error.
func (s *store) putField(name, field, value string) (added, stored bool) {
	if name == "" || field == "" || tooLong(name) || tooLong(field) {
		return false, false
	}
	fields := s.hashes[name]
	if fields == nil {
		fields = map[string]string{}
		s.hashes[name] = fields
	}
	_, exists := fields[field]
	fields[field] = value
	return !exists, true
}

// removeField reports whether the field existed. A hash without fields is gone.
func (s *store) removeField(name, field string) bool {
	_, exists := s.hashes[name][field]
	delete(s.hashes[name], field)
	if len(s.hashes[name]) == 0 {
		delete(s.hashes, name)
	}
	return exists
}

// putMember reports whether the member is new, and false for stored only if a name is too long. It drops an empty one.
func (s *store) putMember(name, member string, score int64) (added, stored bool) {
	if name == "" || member == "" {
		return false, true
	}
	if tooLong(name) || tooLong(member) {
		return false, false
	}
	members := s.zsets[name]
	if members == nil {
		members = map[string]int64{}
		s.zsets[name] = members
	}
	_, exists := members[member]
	members[member] = score
	return !exists, true
}

// removeMember reports whether the member existed.
func (s *store) removeMember(name, member string) bool {
	_, exists := s.zsets[name][member]
	delete(s.zsets[name], member)
	if len(s.zsets[name]) == 0 {
		delete(s.zsets, name)
	}
	return exists
}

// keys reads a range of keys: start, end and limit.
func (s *store) keys(req []string) []string {
	return forward(s.values, req[1], req[2], unsigned(req[3]))
}

func (s *store) reverseKeys(req []string) []string {
	return backward(s.values, req[1], req[2], unsigned(req[3]))
}

// forward lists keys in the range (start, end], in the order of their bytes. An empty end has no bound.
func forward(m map[string]string, start, end string, limit uint64) []string {
	var keys []string
	for key := range m {
		if key > start && (end == "" || key <= end) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return limited(keys, limit)
}

// backward lists keys from below start down to end, which it includes. Without a start it begins below the byte 0xff, so it
// does not see keys from there on.
func backward(m map[string]string, start, end string, limit uint64) []string {
	if start == "" {
		start = "\xff"
	}
	var keys []string
	for key := range m {
		if key < start && key >= end {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	slices.Reverse(keys)
	return limited(keys, limit)
}

func limited(list []string, limit uint64) []string {
	if uint64(len(list)) > limit {
		return list[:limit]
	}
	return list
}

// pairs puts its value behind each key.
func pairs(m map[string]string, keys []string) []string {
	var list []string
	for _, key := range keys {
		list = append(list, key, m[key])
	}
	return list
}

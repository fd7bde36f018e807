package memcache

import (
	"sync"
	"time"
)

// A sighting is an item as it was loaded.
type sighting struct {
	version uint64
	cas     uint64 // memcached's number of the item, another after each write
	expires time.Time
}

// maxSeen is how many sightings one of the two maps has.
const maxSeen = 4096

// seen remembers what was loaded last, so that a save needs not ask for the cas unique again. It is only a
// guess: if it is wrong, memcached says so. The oldest are forgotten, at most 2*maxSeen are kept.
type seen struct {
	mu         sync.Mutex
	young, old map[string]sighting
}

func (s *seen) put(key string, at sighting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.young) >= maxSeen {
		s.young, s.old = nil, s.young
	}
	if s.young == nil {
		s.young = make(map[string]sighting)
	}
	s.young[key] = at
}

// take returns the sighting of a version, 0 for any, that is still live, and forgets it: what follows is a write.
func (s *seen) take(key string, version uint64, now time.Time) (at sighting, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range [...]map[string]sighting{s.young, s.old} {
		if at, ok = m[key]; ok {
			if version != 0 && at.version != version {
				return at, false // another request will save that one
			}
			delete(s.young, key)
			delete(s.old, key)
			return at, now.Before(at.expires)
		}
	}
	return at, false
}

func (s *seen) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.young, s.old = nil, nil
}

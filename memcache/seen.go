package memcache

import (
	"sync"
	"time"
)

// A sighting is what is known of an item when it was loaded.
type sighting struct {
	version uint64
	cas     uint64 // memcached's number of the item's state, which changes with each write
	expires time.Time
}

// maxSeen is the maximum number of sightings in each of the two maps.
const maxSeen = 4096

// seen remembers the items that were loaded last, so that a save need not ask for the cas unique again. A sighting may be
// out of date; then memcached refuses the write. The oldest are forgotten, and at most 2*maxSeen are kept.
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

// take returns the sighting of a version, 0 for any, if it is still live, and forgets it, because a write follows.
func (s *seen) take(key string, version uint64, now time.Time) (at sighting, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range [...]map[string]sighting{s.young, s.old} {
		if at, ok = m[key]; ok {
			if version != 0 && at.version != version {
				return at, false // it is for another request's save
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

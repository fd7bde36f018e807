// Package seen remembers the records that an engine has loaded last, for stores that number the states of an item
// themselves. A save then needs no other trip to learn the number of the state that it replaces.
package seen

import (
	"sync"
	"time"
)

// An At is what is known of a record since it was loaded or stored.
type At[T any] struct {
	Version uint64    // the record's
	Expires time.Time // when the record ends, unless it is touched
	State   T         // the store's number of the record's state, which changes with each write, and whatever else a write needs
}

// Most is the maximum number of records in each of the two maps of a [Map].
const Most = 4096

// A Map remembers records by their keys. What it knows may be out of date; then the store refuses the write. It forgets the
// oldest, and keeps at most 2*Most. The zero value is empty and ready for use. Its methods are safe for concurrent use.
type Map[T any] struct {
	mu         sync.Mutex
	young, old map[string]At[T]
}

// Put remembers the record under key.
func (m *Map[T]) Put(key string, at At[T]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.young) >= Most {
		m.young, m.old = nil, m.young
	}
	if m.young == nil {
		m.young = make(map[string]At[T])
	}
	m.young[key] = at
}

// Take returns what is known of a version, 0 for any, if the record is still live at the time now. It forgets the record,
// because a write follows.
func (m *Map[T]) Take(key string, version uint64, now time.Time) (at At[T], ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, part := range [...]map[string]At[T]{m.young, m.old} {
		if at, ok = part[key]; ok {
			if version != 0 && at.Version != version {
				return at, false // it is for another request's save
			}
			delete(m.young, key)
			delete(m.old, key)
			return at, now.Before(at.Expires)
		}
	}
	return at, false
}

// Peek returns what is known of the record under key, and forgets nothing.
func (m *Map[T]) Peek(key string) (at At[T], ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at, ok = m.young[key]; !ok {
		at, ok = m.old[key]
	}
	return at, ok
}

// Clear forgets everything.
func (m *Map[T]) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.young, m.old = nil, nil
}

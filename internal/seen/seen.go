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
	// Newer reports whether a state is newer than another one. If it is set, before the first use, Put ignores what is older
	// than what is known.
	Newer func(is, than T) bool

	mu         sync.Mutex
	young, old map[string]item[T]
}

// An item is what the map keeps.
type item[T any] struct {
	At[T]
	taken bool
}

// Put remembers the record under key.
func (m *Map[T]) Put(key string, at At[T]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if is, ok := m.find(key); ok && m.Newer != nil && m.Newer(is.State, at.State) {
		return
	}
	if len(m.young) >= Most {
		m.young, m.old = nil, m.young
	}
	if m.young == nil {
		m.young = make(map[string]item[T])
	}
	m.young[key] = item[T]{At: at}
}

// Take returns what is known of a version, 0 for any, if the record is still live at the time now. It returns that once,
// because a write follows, and then nothing until the next Put.
func (m *Map[T]) Take(key string, version uint64, now time.Time) (at At[T], ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	is, ok := m.find(key)
	if !ok || is.taken || version != 0 && is.Version != version { // another version is for another request's save
		return is.At, false
	}
	is.taken = true
	if _, young := m.young[key]; young {
		m.young[key] = is
	} else {
		m.old[key] = is
	}
	return is.At, now.Before(is.Expires)
}

// Peek returns what is known of the record under key, also after a Take.
func (m *Map[T]) Peek(key string) (at At[T], ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	is, ok := m.find(key)
	return is.At, ok
}

// Forget forgets the record under key.
func (m *Map[T]) Forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.young, key)
	delete(m.old, key)
}

func (m *Map[T]) find(key string) (is item[T], ok bool) {
	if is, ok = m.young[key]; !ok {
		is, ok = m.old[key]
	}
	return is, ok
}

// Clear forgets everything.
func (m *Map[T]) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.young, m.old = nil, nil
}

package fakecouchbase

import (
	"encoding/json"
	"sync"
	"time"
)

// maxRelative is the longest expiry that counts from now. A larger number is a Unix time.
const maxRelative = 30 * 24 * 60 * 60

// An item is a stored document.
type item struct {
	value   []byte
	flags   uint32
	expires int64 // Unix time in seconds; 0 means never
	cas     uint64
	json    bool
}

// alive tells whether the item can be seen at a time. It can until the second of its expiry has passed.
func (it item) alive(now int64) bool {
	return it.expires == 0 || it.expires >= now
}

// expiresAt converts the expiry of a request. A Unix time may lie in the past; the item then expires at once.
func expiresAt(n uint32, now int64) int64 {
	if n == 0 || n > maxRelative {
		return int64(n)
	}
	return now + int64(n)
}

// A store holds the items of the bucket. Expired items are removed when somebody asks for them.
type store struct {
	mu    sync.Mutex
	items map[string]item
	cas   uint64
	seqno uint64
}

// A mode says which items a write accepts.
type mode int

const (
	upsert  mode = iota
	insert       // there must be no item
	replace      // there must be an item
)

// A write says under which conditions an item is stored.
type write struct {
	mode       mode
	cas        uint64 // if not 0: there must be an item with this CAS value
	keepExpiry bool   // an existing item's expiry is used instead of the new one
}

func (st *store) get(key string) (item, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.find(key)
}

func (st *store) find(key string) (item, bool) {
	it, ok := st.items[key]
	if ok && !it.alive(time.Now().Unix()) {
		delete(st.items, key)
		return item{}, false
	}
	return it, ok
}

// write stores an item and returns it with its new CAS value, and the sequence number of the change.
func (st *store) write(key string, it item, w write) (item, uint64, status) {
	it.json = json.Valid(it.value)
	st.mu.Lock()
	defer st.mu.Unlock()
	old, ok := st.find(key)
	switch {
	case ok && w.mode == insert:
		return item{}, 0, keyExists
	case !ok && (w.mode == replace || w.cas != 0):
		return item{}, 0, keyNotFound
	case w.cas != 0 && w.cas != old.cas:
		return item{}, 0, keyExists
	}
	if ok && w.keepExpiry {
		it.expires = old.expires
	}
	st.change(&it)
	st.items[key] = it
	return it, st.seqno, success
}

// remove deletes an item. If cas is not 0, the item must have this CAS value. The deletion has a CAS value, too.
func (st *store) remove(key string, cas uint64) (item, uint64, status) {
	st.mu.Lock()
	defer st.mu.Unlock()
	it, ok := st.find(key)
	switch {
	case !ok:
		return item{}, 0, keyNotFound
	case cas != 0 && cas != it.cas:
		return item{}, 0, keyExists
	}
	delete(st.items, key)
	st.change(&it)
	return it, st.seqno, success
}

// touch gives an item another expiry. This is a change with a CAS value of its own, unless the expiry is the same.
func (st *store) touch(key string, expires int64) (item, status) {
	st.mu.Lock()
	defer st.mu.Unlock()
	it, ok := st.find(key)
	if !ok {
		return item{}, keyNotFound
	}
	if it.expires != expires {
		it.expires = expires
		st.change(&it)
		st.items[key] = it
	}
	return it, success
}

// change gives an item the next CAS value. As on a server it is a clock reading in nanoseconds without its low 16 bits,
// or the last value plus one if the clock has not moved on.
func (st *store) change(it *item) {
	st.seqno++
	st.cas = max(st.cas+1, uint64(time.Now().UnixNano())&^0xffff)
	it.cas = st.cas
}

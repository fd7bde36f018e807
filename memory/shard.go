package memory

import (
	"strings"
	"sync"
	"sync/atomic"
)

// A shard keeps the sessions of some of the ids, in a hash table with chains. The bits of an id serve as its hash, because
// they are random and a client cannot choose them.
//
// A reader takes no lock. While others change the table it may miss a node, but it never finds a wrong one. So it repeats a
// miss under the lock.
type shard struct {
	mu    sync.Mutex
	slots atomic.Pointer[[]atomic.Pointer[node]] // a power of two of them; nil until there is a session
	count int                                    // of the nodes
	names map[id]string                          // the keys of the nodes whose id is a hash; nil while there is none

	_ [32]byte // 64 bytes in all: no two shards share a cache line
}

const (
	leastSlots = 4   // in a table
	walkBatch  = 128 // slots, which a walk reads while it holds the lock
)

// find returns the node under k, live or not, or nil.
func (sh *shard) find(k id) *node {
	slots := sh.slots.Load()
	if slots == nil {
		return nil
	}
	n := slot(*slots, k).Load()
	for n != nil && n.id != k {
		n = n.next.Load()
	}
	return n
}

func slot(slots []atomic.Pointer[node], k id) *atomic.Pointer[node] {
	return &slots[k.lo&uint64(len(slots)-1)]
}

// read returns the session or the mark under k that has not expired, or nil. key is the key that k is a hash of, or "" if k
// is none.
func (sh *shard) read(k id, key string, now int64) *node {
	if key == "" {
		if n := sh.find(k); n != nil && n.live(now) {
			return n
		}
	}
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.names[k] != key { // two keys have one hash
		return nil
	}
	return sh.standing(k, now)
}

// standing returns the session or the mark under k that has not expired, or nil. The caller holds mu.
func (sh *shard) standing(k id, now int64) *node {
	if n := sh.find(k); n != nil && n.live(now) {
		return n
	}
	return nil
}

// live is standing for sessions only. The caller holds mu.
func (sh *shard) live(k id, now int64) *node {
	if n := sh.standing(k, now); n != nil && !n.isMark() {
		return n
	}
	return nil
}

// put puts n into the table and replaces what is under its id. key is as in read. The caller holds mu.
func (sh *shard) put(n *node, key string) {
	slots := sh.slots.Load()
	if slots == nil || sh.count >= len(*slots) {
		slots = sh.resize(max(leastSlots, 2*sh.count))
	}
	at := slot(*slots, n.id)
	for x := at.Load(); x != nil; x = at.Load() {
		if x.id == n.id {
			n.next.Store(x.next.Load())
			at.Store(n) // x keeps its next, for readers that have reached it
			return
		}
		at = &x.next
	}
	at = slot(*slots, n.id)
	n.next.Store(at.Load())
	at.Store(n)
	sh.count++
	if key != "" {
		if sh.names == nil {
			sh.names = make(map[id]string)
		}
		sh.names[n.id] = strings.Clone(key) // the caller's may be a part of something large
	}
}

// remove takes n out of the table. The caller holds mu.
func (sh *shard) remove(n *node) {
	at := slot(*sh.slots.Load(), n.id)
	for x := at.Load(); x != nil; x = at.Load() {
		if x == n {
			at.Store(n.next.Load())
			n.expires.Store(removed) // for readers that have reached it
			sh.count--
			delete(sh.names, n.id)
			return
		}
		at = &x.next
	}
}

// resize moves all nodes into a new table. size, a power of two, is how many slots it has. The caller holds mu.
func (sh *shard) resize(size int) *[]atomic.Pointer[node] {
	slots := make([]atomic.Pointer[node], size)
	sh.each(func(n *node) {
		at := slot(slots, n.id)
		n.next.Store(at.Load())
		at.Store(n)
	})
	sh.slots.Store(&slots)
	return &slots
}

// shrink frees the memory of a table that has become almost empty, as after a flood of sessions. The caller holds mu.
func (sh *shard) shrink() {
	slots := sh.slots.Load()
	if slots == nil || len(*slots) <= 8*max(leastSlots, sh.count) {
		return
	}
	size := leastSlots
	for size < sh.count {
		size *= 2
	}
	sh.resize(size)
}

// each calls f with each node, which f may move or remove. The caller holds mu.
func (sh *shard) each(f func(n *node)) {
	slots := sh.slots.Load()
	if slots == nil {
		return
	}
	for i := range *slots {
		for n := (*slots)[i].Load(); n != nil; {
			next := n.next.Load()
			f(n)
			n = next
		}
	}
}

// A found is a node that a walk met, with its key if its id is a hash of it.
type found struct {
	*node
	name string
}

// key returns the node's key.
func (f found) key() string {
	if f.name != "" {
		return f.name
	}
	return f.id.String()
}

// all appends all nodes to dst, each session that is there throughout exactly once. It holds the lock for a batch of slots
// at a time, unless the table is resized meanwhile: then it starts again, and holds the lock to the end.
func (sh *shard) all(dst []found) []found {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	first, hold := len(dst), false
	slots := sh.slots.Load()
	for i := 0; slots != nil && i < len(*slots); i++ {
		if i > 0 && i%walkBatch == 0 && !hold {
			sh.mu.Unlock()
			sh.mu.Lock()
			if now := sh.slots.Load(); now != slots { // the nodes have moved
				slots, dst, i, hold = now, dst[:first], 0, true
			}
		}
		for n := (*slots)[i].Load(); n != nil; n = n.next.Load() {
			dst = append(dst, found{n, sh.names[n.id]})
		}
	}
	return dst
}

package memory

import (
	"strings"
	"sync"
	"sync/atomic"
)

// A shard keeps the sessions of some of the ids, in a hash table with chains. The bits of an id are its hash: they are random,
// and clients cannot choose those of a session.
//
// A reader takes no lock. While others change the table it may miss a node, but it never finds a wrong one; so it looks up again under
// the lock what it has missed.
type shard struct {
	mu    sync.Mutex
	slots atomic.Pointer[[]atomic.Pointer[node]] // a power of two of them; nil until there is a session
	count int                                    // of the nodes
	names map[id]string                          // the keys of the nodes whose id is a hash; nil while there is none

	_ [32]byte // 64 bytes in all: no two shards share a cache line
}

// leastSlots is how many slots a table has at least.
const leastSlots = 4

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

// read returns the node that stands under k, or nil. key is that of k if k is a hash, else "".
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

// live is standing, but for marks. The caller holds mu.
func (sh *shard) live(k id, now int64) *node {
	if n := sh.standing(k, now); n != nil && !n.isMark() {
		return n
	}
	return nil
}

// put puts n into the table, in the place of what is under its id. key is as in read. The caller holds mu.
func (sh *shard) put(n *node, key string) {
	slots := sh.slots.Load()
	if slots == nil || sh.count >= len(*slots) {
		slots = sh.resize(max(leastSlots, 2*sh.count))
	}
	at := slot(*slots, n.id)
	for x := at.Load(); x != nil; x = at.Load() {
		if x.id == n.id {
			n.next.Store(x.next.Load())
			at.Store(n) // x keeps its next: a reader that stands on it goes on
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
			n.expires.Store(removed) // for readers that find it still
			sh.count--
			delete(sh.names, n.id)
			return
		}
		at = &x.next
	}
}

// resize moves all nodes into a table of as many slots, a power of two. The caller holds mu.
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

// shrink gives back the memory of a table that has become almost empty, so that a flood of sessions leaves no trace. The caller
// holds mu.
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

// A found node is one that was in the table at some moment, with its key if that is not its id.
type found struct {
	*node
	name string
}

// key returns the key that the node is under.
func (f found) key() string {
	if f.name != "" {
		return f.name
	}
	return f.id.String()
}

// all appends all nodes to dst, as they are at one moment.
func (sh *shard) all(dst []found) []found {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.each(func(n *node) { dst = append(dst, found{n, sh.names[n.id]}) })
	return dst
}

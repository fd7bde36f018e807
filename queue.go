package session

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/pause"
)

// A saveQueue lets the saves of one session in this process go one after another, each handing its result
// to the next: then only other nodes cause conflicts. Sessions do not wait for each other.
type saveQueue struct {
	seed   maphash.Seed
	shards [64]saveShard
}

type saveShard struct {
	mu    sync.Mutex
	turns map[string]*turn
	_     [40]byte // a cache line each
}

// A turn belongs to one session while somebody saves it.
type turn struct {
	next  chan struct{} // holds a token when a turn is over and somebody waits; nil before that
	users int           // who saves and who waits; guarded by the shard

	// Guarded by whose turn it is:
	rec  driver.Record // what was saved last
	row  int           // how many saves were handed on, one to the next
	took time.Duration // how long the last of them took
}

var turns = sync.Pool{New: func() any { return new(turn) }}

func newSaveQueue() *saveQueue {
	q := &saveQueue{seed: maphash.MakeSeed()}
	for i := range q.shards {
		q.shards[i].turns = make(map[string]*turn)
	}
	return q
}

func (q *saveQueue) shard(key string) *saveShard {
	return &q.shards[maphash.String(q.seed, key)%uint64(len(q.shards))]
}

// enter waits for the session's turn, as long as ctx allows. leave ends it.
func (q *saveQueue) enter(ctx context.Context, key string) (*turn, error) {
	shard := q.shard(key)
	shard.mu.Lock()
	t := shard.turns[key]
	if t == nil {
		t = turns.Get().(*turn)
		shard.turns[key] = t
	}
	t.users++
	if t.users == 1 {
		shard.mu.Unlock()
		return t, nil
	}
	if t.next == nil {
		t.next = make(chan struct{}, 1)
	}
	shard.mu.Unlock()
	select {
	case <-t.next:
		return t, nil
	case <-ctx.Done():
	}
	shard.mu.Lock()
	defer shard.mu.Unlock()
	select {
	case <-t.next: // it became this one's turn meanwhile: pass it on
		shard.leave(key, t)
	default:
		t.users--
	}
	return nil, ctx.Err()
}

const (
	longRow = 8 // how many saves are handed on without a gap
	longGap = 20 * time.Millisecond
)

// breathe makes gaps in a long row of saves. Without them no other node would get its save in: what it has
// loaded is changed again before its save arrives.
func (t *turn) breathe(ctx context.Context) {
	if t.row++; t.row%longRow == 0 {
		gap := min(t.took, longGap)
		pause.For(ctx, gap+rand.N(gap+1))
	}
}

func (q *saveQueue) leave(key string, t *turn) {
	shard := q.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	shard.leave(key, t)
}

func (s *saveShard) leave(key string, t *turn) {
	if t.users--; t.users > 0 {
		t.next <- struct{}{}
		return
	}
	delete(s.turns, key)
	t.rec, t.row = driver.Record{}, 0
	t.next = nil // a channel must not come into another synctest bubble than the one it was made in
	turns.Put(t)
}

package merge

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/pause"
)

// A Queue lets the saves of one session in this process go one after another, each handing its result
// to the next: then only other nodes cause conflicts. Sessions do not wait for each other.
type Queue struct {
	seed   maphash.Seed
	shards [64]shard
}

type shard struct {
	mu    sync.Mutex
	turns map[string]*Turn
	_     [40]byte // a cache line each
}

// A Turn belongs to one session while somebody saves it.
type Turn struct {
	next  chan struct{} // holds a token when a turn is over and somebody waits; nil before that
	users int           // who saves and who waits; guarded by the shard

	// Guarded by whose turn it is:
	last driver.Record // what was saved last
	own  driver.Record // what this one has seen
	out  driver.Record // what it sends
	row  int           // how many saves were handed on, one to the next
	took time.Duration // how long the last of them took
}

var turns = sync.Pool{New: func() any { return new(Turn) }}

// NewQueue returns a Queue in which nobody waits.
func NewQueue() *Queue {
	q := &Queue{seed: maphash.MakeSeed()}
	for i := range q.shards {
		q.shards[i].turns = make(map[string]*Turn)
	}
	return q
}

func (q *Queue) shard(key string) *shard {
	return &q.shards[maphash.String(q.seed, key)%uint64(len(q.shards))]
}

// Enter waits for the session's turn, as long as ctx allows. Leave ends it.
func (q *Queue) Enter(ctx context.Context, key string) (*Turn, error) {
	shard := q.shard(key)
	shard.mu.Lock()
	t := shard.turns[key]
	if t == nil {
		t = turns.Get().(*Turn)
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
func (t *Turn) breathe(ctx context.Context) {
	if t.row++; t.row%longRow == 0 {
		gap := min(t.took, longGap)
		pause.For(ctx, gap+rand.N(gap+1))
	}
}

// Leave hands the turn of Enter on to who waits.
func (q *Queue) Leave(key string, t *Turn) {
	shard := q.shard(key)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	shard.leave(key, t)
}

func (s *shard) leave(key string, t *Turn) {
	if t.users--; t.users > 0 {
		t.next <- struct{}{}
		return
	}
	delete(s.turns, key)
	t.last, t.row = driver.Record{}, 0
	t.own.User, t.out.User, t.out.Data = "", "", nil // what is left refers to nothing
	t.next = nil                                     // a channel must not come into another synctest bubble than the one it was made in
	turns.Put(t)
}

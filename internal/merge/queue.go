package merge

import (
	"context"
	"hash/maphash"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/pause"
)

// A Queue makes the saves of one session in this process run one after another. Each passes its result to the next, so only
// other nodes cause conflicts. Different sessions do not wait for each other.
type Queue struct {
	seed   maphash.Seed
	shards [64]shard
}

type shard struct {
	mu    sync.Mutex
	turns map[string]*Turn
	count atomic.Int64 // of the turns, for isIdle
	_     [40]byte     // fills a cache line
}

// A Turn belongs to one session while it is being saved.
type Turn struct {
	next  chan struct{} // contains a token when a turn is over and somebody waits; nil until somebody waits
	users int           // number of savers and waiters; guarded by the shard

	// Only the holder of the turn uses these fields:
	last driver.Record // the record that was saved last
	own  driver.Record // the record that this request has loaded
	out  driver.Record // the record that is sent
	row  int           // how many saves followed each other without a gap
	took time.Duration // how long the last of them took
}

var turns = sync.Pool{New: func() any { return new(Turn) }}

// NewQueue returns an empty Queue.
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

// isIdle reports whether nobody has the session's turn. It may report false although nobody has it.
func (q *Queue) isIdle(key string) bool { return q.shard(key).count.Load() == 0 }

// Enter waits for the session's turn until ctx is done. Leave ends the turn.
func (q *Queue) Enter(ctx context.Context, key string) (*Turn, error) {
	shard := q.shard(key)
	shard.mu.Lock()
	t := shard.turns[key]
	if t == nil {
		t = turns.Get().(*Turn)
		shard.turns[key] = t
		shard.count.Add(1)
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
	case <-t.next: // the turn has arrived meanwhile: pass it on
		shard.leave(key, t)
	default:
		t.users--
	}
	return nil, ctx.Err()
}

const (
	longRow = 8 // how many saves may follow each other without a gap
	longGap = 20 * time.Millisecond
)

// breathe pauses in a long row of saves. Without pauses no save of another node would succeed, because the record would
// have changed again before that save arrives.
func (t *Turn) breathe(ctx context.Context) {
	if t.row++; t.row%longRow == 0 {
		gap := min(t.took, longGap)
		pause.For(ctx, gap+rand.N(gap+1))
	}
}

// Leave passes the turn of Enter to the next waiter.
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
	s.count.Add(-1)
	t.last, t.row = driver.Record{}, 0
	t.own.User, t.out.User, t.out.Data = "", "", nil // drops references to memory
	t.next = nil                                     // a channel must not get into another synctest bubble
	turns.Put(t)
}

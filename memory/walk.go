package memory

import (
	"context"
	"iter"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// sweepBatch is how many expired sessions a sweep removes at most while it holds a lock.
const sweepBatch = 128

// walk yields the nodes of all shards, live or not, each session that is there throughout exactly once: those of one shard as
// they are at one moment. No lock is held meanwhile. The end of ctx ends it.
func (s *store) walk(ctx context.Context) iter.Seq2[*shard, []found] {
	return func(yield func(*shard, []found) bool) {
		var nodes []found
		for i := range s.shards {
			sh := &s.shards[i]
			nodes = sh.all(nodes[:0])
			if ctx.Err() != nil || !yield(sh, nodes) {
				return
			}
		}
	}
}

// Count implements [driver.Counter]. It visits every session.
func (s *store) Count(ctx context.Context) (int, error) {
	count := 0
	for _, nodes := range s.walk(ctx) {
		now := time.Now().UnixMilli()
		for _, n := range nodes {
			if n.live(now) && !n.isMark() {
				count++
			}
		}
	}
	return count, ctx.Err()
}

// List implements [driver.Lister]. No lock is held while the caller looks at an entry.
func (s *store) List(ctx context.Context) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		for _, nodes := range s.walk(ctx) {
			for _, n := range nodes {
				if !n.live(time.Now().UnixMilli()) || n.isMark() {
					continue
				}
				if ctx.Err() != nil {
					break
				}
				if !yield(driver.Entry{Key: n.key(), Record: n.head()}, nil) {
					return
				}
			}
		}
		if err := ctx.Err(); err != nil {
			yield(driver.Entry{}, err)
		}
	}
}

// Sweep implements [driver.Sweeper]. It looks for expired sessions without a lock, and takes one only to remove them.
func (s *store) Sweep(ctx context.Context, expired func(key, user string)) (int, error) {
	return s.sweep(ctx, expired, s.removeExpired)
}

// sweep calls remove, with no lock held, for each batch of nodes that were seen expired, and expired, if it is not nil, for
// those removed.
func (s *store) sweep(
	ctx context.Context, expired func(key, user string), remove func(sh *shard, batch []found) (removed []found),
) (int, error) {
	s.users.lapse(time.Now().UnixMilli())
	count := 0
	for sh, nodes := range s.walk(ctx) {
		now, dead := time.Now().UnixMilli(), nodes[:0]
		for _, n := range nodes {
			if !n.live(now) {
				dead = append(dead, n)
			}
		}
		for len(dead) > 0 && ctx.Err() == nil {
			batch := dead[:min(len(dead), sweepBatch)]
			dead = dead[len(batch):]
			for _, n := range remove(sh, batch) {
				count++
				if expired != nil {
					expired(n.key(), n.User())
				}
			}
		}
	}
	return count, ctx.Err()
}

// removeExpired removes those of batch that are still there and expired. It returns those that were sessions, in the memory of
// batch.
func (s *store) removeExpired(sh *shard, batch []found) []found {
	now, gone := time.Now().UnixMilli(), batch[:0]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, n := range batch {
		if sh.find(n.id) != n.node || n.live(now) {
			continue
		}
		s.dropNode(sh, n.node)
		if !n.isMark() {
			gone = append(gone, n)
		}
	}
	sh.shrink()
	return gone
}

package memory

import (
	"context"
	"iter"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// sweepBatch limits how many expired sessions a sweep removes while it holds a lock.
const sweepBatch = 128

// walk yields the nodes of each shard, live or not. A session that is there throughout is met exactly once. walk holds no
// lock while it yields. It stops when ctx ends.
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

// List implements [driver.Lister]. It holds no lock while the caller handles an entry.
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

// Sweep implements [driver.Sweeper]. It holds a lock for a batch of sessions at most, and none while it calls expired.
func (s *store) Sweep(ctx context.Context, expired func(key, user string)) (int, error) {
	return s.sweep(ctx, expired, s.removeExpired)
}

// sweep calls remove for each batch of nodes that it saw expired. It then calls expired, which may be nil, for those
// removed. It holds no lock while it calls either.
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

// removeExpired removes those of batch that are still there and expired. It returns those that were sessions, and reuses the
// memory of batch for it.
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

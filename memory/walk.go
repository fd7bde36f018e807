package memory

import (
	"context"
	"errors"
	"iter"
	"maps"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// sweepBatch is the maximum number of records visited while a lock is held.
const sweepBatch = 128

// errStop ends a walk whose caller has seen enough.
var errStop = errors.New("stop")

// walk visits the records of all shards, live or not. A record that exists throughout is visited exactly once. visit runs
// with the shard locked for reading. pause runs without a lock, after at most sweepBatch visits. An error of pause ends the
// walk, and so does the end of ctx.
func (s *store) walk(ctx context.Context, visit func(key string, e *entry, now int64), pause func(*shard) error) error {
	for i := range s.shards {
		sh := &s.shards[i]
		err := sh.walk(visit, func() error {
			if err := pause(sh); err != nil {
				return err
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (sh *shard) walk(visit func(key string, e *entry, now int64), pause func() error) error {
	sh.mu.RLock()
	now, moves, visited := time.Now().UnixMilli(), sh.moves, 0
	// Others change the map between batches. The language allows that during a range loop, except while the loop takes its
	// next step; then the lock is held.
	for key, e := range sh.records {
		// After a replace the loop still ranges over the old map, so skip records that are no longer in the new one.
		if moves == sh.moves || sh.records[key] == e {
			visit(key, e, now)
		}
		if visited++; visited < sweepBatch {
			continue
		}
		sh.mu.RUnlock()
		if err := pause(); err != nil {
			return err
		}
		sh.mu.RLock()
		now, visited = time.Now().UnixMilli(), 0
	}
	sh.mu.RUnlock()
	return pause()
}

// Count implements [driver.Counter]. It visits every record.
func (s *store) Count(ctx context.Context) (int, error) {
	count := 0
	err := s.walk(ctx, func(_ string, e *entry, now int64) {
		if e.live(now) && !e.isMark() {
			count++
		}
	}, func(*shard) error { return nil })
	return count, err
}

// List implements [driver.Lister]. It holds no lock while the caller handles an entry.
func (s *store) List(ctx context.Context) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		batch := make([]driver.Entry, 0, sweepBatch)
		err := s.walk(ctx, func(key string, e *entry, now int64) {
			if !e.live(now) || e.isMark() {
				return
			}
			batch = append(batch, driver.Entry{Key: key, Record: e.head()})
		}, func(*shard) error {
			for _, entry := range batch {
				if !yield(entry, nil) {
					return errStop
				}
			}
			batch = batch[:0]
			return nil
		})
		if err != nil && err != errStop {
			yield(driver.Entry{}, err)
		}
	}
}

// Sweep implements [driver.Sweeper]. It looks for expired records with the shard locked for reading, and locks the shard
// for writing only to remove them.
func (s *store) Sweep(ctx context.Context, expired func(key, user string)) (int, error) {
	return s.sweep(ctx, expired, s.removeExpired)
}

// A dying record is one that a sweep has found expired.
type dying struct{ key, user string }

// sweep calls remove, without a lock, for each batch of records that were found expired. It calls expired, if not nil, for
// each record that was removed.
func (s *store) sweep(
	ctx context.Context, expired func(key, user string), remove func(sh *shard, batch []dying) (removed []dying),
) (int, error) {
	s.users.lapse(time.Now().UnixMilli())
	count := 0
	batch := make([]dying, 0, sweepBatch)
	err := s.walk(ctx, func(key string, e *entry, now int64) {
		if !e.live(now) {
			batch = append(batch, dying{key: key})
		}
	}, func(sh *shard) error {
		if len(batch) == 0 {
			return nil
		}
		removed := remove(sh, batch)
		count += len(removed)
		if expired != nil {
			for _, d := range removed {
				expired(d.key, d.user)
			}
		}
		batch = batch[:0]
		return nil
	})
	return count, err
}

// removeExpired removes the records of batch that are still expired. It returns the removed ones that were not marks, in
// the memory of batch.
func (s *store) removeExpired(sh *shard, batch []dying) []dying {
	now := time.Now().UnixMilli()
	removed := batch[:0]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, d := range batch {
		if e := sh.records[d.key]; e != nil && !e.live(now) {
			d.user = e.User()
			s.drop(sh, d.key)
			if !e.isMark() {
				removed = append(removed, d)
			}
		}
	}
	sh.shrink()
	return removed
}

// shrink frees the memory of a map that has become almost empty, so that a flood of sessions has no lasting effect. It
// copies at most as many records as may be visited under a lock. The caller holds mu.
func (sh *shard) shrink() {
	if len(sh.records) <= sweepBatch && sh.peak > 8*sweepBatch {
		records := make(map[string]*entry, len(sh.records))
		maps.Copy(records, sh.records)
		sh.replace(records)
	}
}

package memory

import (
	"context"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// shardCount is large enough that fewer than one reader in a thousand meets a sweep that removes records in the same shard.
// Such readers then do not affect the 99.9th percentile. With 256 shards they do.
const shardCount = 1024

// A store is the [driver.Backend] without a limit.
type store struct {
	shards  [shardCount]shard // first, so that each one starts at a cache line
	seed    maphash.Seed
	users   userIndex
	aliases userIndex // without reservations
}

// A shard keeps the records of a part of the keys.
type shard struct {
	mu      sync.RWMutex
	records map[string]*entry // nil until there is a record
	peak    int               // the maximum number of records that the map has held
	moves   int               // how often the map was replaced

	_ [16]byte // 64 bytes in all: no two shards share a cache line
}

func newStore() *store {
	seed := maphash.MakeSeed()
	return &store{seed: seed, users: userIndex{seed: seed}, aliases: userIndex{seed: seed}}
}

func (s *store) shard(key string) *shard { return &s.shards[s.number(key)] }

func (s *store) number(key string) uint64 { return maphash.String(s.seed, key) % shardCount }

// InProcess implements [driver.InProcess].
func (s *store) InProcess() {}

// Create implements [driver.Backend].
func (s *store) Create(_ context.Context, key string, rec *driver.Record) error {
	// The caller's key may be a part of a larger string, such as a request's header.
	return s.create(strings.Clone(key), rec)
}

// create is Create for a key that the store may keep.
func (s *store) create(key string, rec *driver.Record) error {
	now := time.Now().UnixMilli()
	sh := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.standing(key, now) != nil {
		return driver.ErrExists
	}
	e := s.put(sh, key, rec)
	s.users.add(e.user, key)
	s.aliases.add(e.alias(), key)
	return nil
}

// put stores a record under a key that has none. The caller holds mu of the shard, and updates the indexes.
func (s *store) put(sh *shard, key string, rec *driver.Record) *entry {
	e := &entry{expires: millis.Of(rec.Expires)}
	e.set(rec, 1)
	s.drop(sh, key)
	sh.set(key, e)
	rec.Version = 1
	return e
}

// Rename implements [driver.Renamer]. A limit counts the session exactly once at any time, because the index moves it in
// one step.
func (s *store) Rename(
	_ context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	return s.rename(oldKey, oldVersion, strings.Clone(newKey), rec, mark)
}

// rename is Rename for a new key that the store may keep.
func (s *store) rename(oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark) error {
	now := time.Now().UnixMilli()
	from, to := s.number(oldKey), s.number(newKey)
	for _, n := range slices.Compact([]uint64{min(from, to), max(from, to)}) {
		sh := &s.shards[n]
		sh.mu.Lock()
		defer sh.mu.Unlock()
	}
	old := s.shards[from].live(oldKey, now)
	switch {
	case old == nil:
		return driver.ErrNotFound
	case old.version != oldVersion:
		return old.conflict()
	case s.shards[to].standing(newKey, now) != nil:
		return driver.ErrExists
	}
	e := s.put(&s.shards[to], newKey, rec)
	s.users.move(old.user, oldKey, e.user, newKey)
	s.aliases.move(old.alias(), oldKey, e.alias(), newKey)
	delete(s.shards[from].records, oldKey)
	if mark.Kind != 0 {
		s.shards[from].set(strings.Clone(oldKey), markOf(mark))
	}
	return nil
}

// Mark implements [driver.Marker].
func (s *store) Mark(_ context.Context, key string, version uint64, mark driver.Mark) error {
	now := time.Now().UnixMilli()
	sh := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if version == 0 && sh.standing(key, now) != nil {
		return driver.ErrExists
	}
	if version != 0 {
		switch e := sh.live(key, now); {
		case e == nil:
			return driver.ErrNotFound
		case e.version != version:
			return e.conflict()
		}
	}
	s.drop(sh, key)
	sh.set(strings.Clone(key), markOf(mark))
	return nil
}

// markOf returns the stored form of a mark.
func markOf(mark driver.Mark) *entry {
	rec := mark.Record()
	e := &entry{expires: millis.Of(rec.Expires)}
	e.set(rec, rec.Version)
	return e
}

// Load implements [driver.Backend]. It does not allocate.
func (s *store) Load(_ context.Context, key string, rec *driver.Record) error {
	now := time.Now().UnixMilli()
	sh := s.shard(key)
	sh.mu.RLock()
	e := sh.standing(key, now)
	if e == nil {
		sh.mu.RUnlock()
		return driver.ErrNotFound
	}
	found := *e
	sh.mu.RUnlock()
	if found.isMark() {
		return found.marked()
	}
	found.fill(rec)
	return nil
}

// Save implements [driver.Backend].
func (s *store) Save(_ context.Context, key string, rec *driver.Record) error {
	now := time.Now().UnixMilli()
	sh := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e := sh.live(key, now)
	if e == nil {
		return driver.ErrNotFound
	}
	if e.version != rec.Version {
		return e.conflict()
	}
	if expires := millis.Of(rec.Expires); expires > e.expires || rec.Shorten {
		e.expires = expires
	}
	user, alias := e.user, e.alias()
	e.set(rec, rec.Version+1)
	rec.Version++
	if e.user != user {
		s.users.remove(user, key)
		s.users.add(e.user, strings.Clone(key))
	}
	if e.alias() != alias {
		s.aliases.remove(alias, key)
		s.aliases.add(e.alias(), strings.Clone(key))
	}
	return nil
}

// Touch implements [driver.Backend].
func (s *store) Touch(_ context.Context, key string, expires time.Time) error {
	now := time.Now().UnixMilli()
	sh := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e := sh.live(key, now)
	if e == nil {
		return driver.ErrNotFound
	}
	e.expires = max(e.expires, millis.Of(expires))
	return nil
}

// Delete implements [driver.Backend].
func (s *store) Delete(_ context.Context, key string, version uint64) error {
	now := time.Now().UnixMilli()
	sh := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if version != 0 {
		e := sh.live(key, now)
		if e == nil {
			return driver.ErrNotFound
		}
		if e.version != version {
			return e.conflict()
		}
	} else if e := sh.standing(key, now); e != nil && e.isMark() {
		return nil
	}
	s.drop(sh, key)
	return nil
}

// Clear implements [driver.Clearer].
func (s *store) Clear(context.Context) error {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		for key, e := range sh.records {
			s.users.remove(e.user, key)
			s.aliases.remove(e.alias(), key)
		}
		sh.replace(nil)
		sh.mu.Unlock()
	}
	s.users.lapse(math.MaxInt64)
	return nil
}

// drop removes the entry under key, if there is one. The caller holds mu of its shard.
func (s *store) drop(sh *shard, key string) {
	if e := sh.records[key]; e != nil {
		delete(sh.records, key)
		s.users.remove(e.user, key)
		s.aliases.remove(e.alias(), key)
	}
}

// live returns the live record under key, or nil. The caller holds mu.
func (sh *shard) live(key string, now int64) *entry {
	if e := sh.standing(key, now); e != nil && !e.isMark() {
		return e
	}
	return nil
}

// standing returns the live record under key, or the mark under key.
func (sh *shard) standing(key string, now int64) *entry {
	if e := sh.records[key]; e != nil && e.live(now) {
		return e
	}
	return nil
}

// set stores e under key, which the store may keep. The caller holds mu.
func (sh *shard) set(key string, e *entry) {
	if sh.records == nil {
		sh.records = make(map[string]*entry)
	}
	sh.records[key] = e
	sh.peak = max(sh.peak, len(sh.records))
}

// replace gives the shard a new map. The caller holds mu. A Go map never shrinks, so a new map is the only way to free
// memory.
func (sh *shard) replace(records map[string]*entry) {
	sh.records = records
	sh.peak = len(records)
	sh.moves++
}

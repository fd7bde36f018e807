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
	"github.com/seed1a8f7c28/session/internal/merge"
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
	// The caller's key may be a part of something large, such as a request's header.
	return s.create(strings.Clone(key), newEntry(rec, 1))
}

// CreateVersion implements [merge.Keeper].
func (s *store) CreateVersion(key string, v *merge.Version, expires int64) error {
	return s.create(strings.Clone(key), &entry{v, expires})
}

// create is Create for a key that is the store's to keep.
func (s *store) create(key string, e *entry) error {
	now := time.Now().UnixMilli()
	sh := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.standing(key, now) != nil {
		return driver.ErrExists
	}
	s.put(sh, key, e)
	s.users.add(e.User(), key)
	s.aliases.add(e.Alias(), key)
	return nil
}

// put stores e where nothing stands. The caller holds mu of the shard, and puts it into the indexes.
func (s *store) put(sh *shard, key string, e *entry) {
	s.drop(sh, key)
	sh.set(key, e)
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
	case old.Number != oldVersion:
		return old.conflict()
	case s.shards[to].standing(newKey, now) != nil:
		return driver.ErrExists
	}
	e := newEntry(rec, 1)
	s.put(&s.shards[to], newKey, e)
	s.users.move(old.User(), oldKey, e.User(), newKey)
	s.aliases.move(old.Alias(), oldKey, e.Alias(), newKey)
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
		case e.Number != version:
			return e.conflict()
		}
	}
	s.drop(sh, key)
	sh.set(strings.Clone(key), markOf(mark))
	return nil
}

// markOf returns a mark as it is kept.
func markOf(mark driver.Mark) *entry { return newEntry(mark.Record(), driver.MarkVersion) }

// Load implements [driver.Backend].
func (s *store) Load(_ context.Context, key string, rec *driver.Record) error {
	e, err := s.load(key, time.Now().UnixMilli())
	if err == nil {
		*rec = e.record()
	}
	return err
}

// LoadVersion implements [merge.Keeper]. It does not allocate.
func (s *store) LoadVersion(key string, now int64) (v *merge.Version, expires int64, err error) {
	e, err := s.load(key, now)
	return e.Version, e.expires, err
}

// load returns the session under key as it is now.
func (s *store) load(key string, now int64) (entry, error) {
	sh := s.shard(key)
	sh.mu.RLock()
	e := sh.standing(key, now)
	if e == nil {
		sh.mu.RUnlock()
		return entry{}, driver.ErrNotFound
	}
	found := *e
	sh.mu.RUnlock()
	if found.isMark() {
		return entry{}, found.marked()
	}
	return found, nil
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
	if e.Number != rec.Version {
		return e.conflict()
	}
	rec.Version++
	s.replace(key, e, versionOf(rec), millis.Of(rec.Expires), rec.Shorten)
	return nil
}

// SwapVersion implements [merge.Keeper].
func (s *store) SwapVersion(key string, base, next *merge.Version, expires int64, shorten bool) (*merge.Version, int64, error) {
	now := time.Now().UnixMilli()
	sh := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	e := sh.live(key, now)
	if e == nil {
		return nil, 0, driver.ErrNotFound
	}
	if e.Version != base {
		return e.Version, e.expires, nil
	}
	s.replace(key, e, next, expires, shorten)
	return nil, 0, nil
}

// replace puts another version into e, which is under key. The caller holds mu of the shard.
func (s *store) replace(key string, e *entry, next *merge.Version, expires int64, shorten bool) {
	was := e.Version
	e.Version = next
	if expires > e.expires || shorten {
		e.expires = expires
	}
	if user := next.User(); user != was.User() {
		s.users.remove(was.User(), key)
		s.users.add(user, strings.Clone(key))
	}
	if alias := next.Alias(); alias != was.Alias() {
		s.aliases.remove(was.Alias(), key)
		s.aliases.add(alias, strings.Clone(key))
	}
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
		if e.Number != version {
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
			s.users.remove(e.User(), key)
			s.aliases.remove(e.Alias(), key)
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
		s.users.remove(e.User(), key)
		s.aliases.remove(e.Alias(), key)
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

package memory

import (
	"context"
	"hash/maphash"
	"math"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/merge"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// shardCount is so large that a writer seldom waits for another one, or for a sweep.
const shardCount = 1024

// A store is the [driver.Backend] without a limit. It is a [merge.Keeper].
type store struct {
	shards  [shardCount]shard // first, so that each begins a cache line
	seeds   [2]maphash.Seed
	users   index
	aliases index // in which nothing is reserved
}

func newStore() *store {
	s := &store{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	s.users.seed, s.aliases.seed = s.seeds[0], s.seeds[0]
	return s
}

// A place is where the session of a key is, or would be.
type place struct {
	*shard
	id   id
	name string // the key, if id is a hash, else ""
}

// at returns the place of a key.
func (s *store) at(key string) place {
	k, ok := parseID(key)
	if ok {
		return place{s.shard(k), k, ""}
	}
	k = id{maphash.String(s.seeds[0], key), maphash.String(s.seeds[1], key)}
	return place{s.shard(k), k, key}
}

func (s *store) shard(k id) *shard { return &s.shards[k.hi%shardCount] }

// InProcess implements [driver.InProcess].
func (s *store) InProcess() {}

// Create implements [driver.Backend].
func (s *store) Create(_ context.Context, key string, rec *driver.Record) error {
	p, before := s.at(key), rec.Version
	err := s.create(p, newNode(p.id, rec, 1))
	if err != nil {
		rec.Version = before
	}
	return err
}

// CreateVersion implements [merge.Keeper].
func (s *store) CreateVersion(key string, v merge.Version, expires int64) (*merge.Version, error) {
	p := s.at(key)
	n := &node{id: p.id, Version: v}
	n.expires.Store(expires)
	return &n.Version, s.create(p, n)
}

func (s *store) create(p place, n *node) error {
	now := time.Now().UnixMilli()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken(now) {
		return driver.ErrExists
	}
	s.drop(p)
	p.put(n, p.name)
	s.users.add(n.User(), n.id)
	s.aliases.add(n.Alias(), n.id)
	return nil
}

// taken reports whether something stands at p. The caller holds mu.
func (p place) taken(now int64) bool {
	return p.standing(p.id, now) != nil || p.names[p.id] != "" && p.names[p.id] != p.name
}

// Rename implements [driver.Renamer]. A limit counts the session exactly once at any time, because the index moves it in
// one step. The old record goes first: who lists the sessions of its user, and does not find it, must not find it by its key.
func (s *store) Rename(
	_ context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, mark driver.Mark,
) error {
	from, to, now := s.at(oldKey), s.at(newKey), time.Now().UnixMilli()
	first, second := from.id.hi%shardCount, to.id.hi%shardCount
	for _, n := range slices.Compact([]uint64{min(first, second), max(first, second)}) {
		sh := &s.shards[n]
		sh.mu.Lock()
		defer sh.mu.Unlock()
	}
	old := from.live(from.id, now)
	switch {
	case old == nil:
		return driver.ErrNotFound
	case old.Number != oldVersion:
		return old.conflict()
	case to.taken(now):
		return driver.ErrExists
	}
	n := newNode(to.id, rec, 1)
	s.drop(to)
	to.put(n, to.name)
	from.remove(old)
	if mark.Kind != 0 {
		from.put(markOf(from.id, mark), from.name)
	}
	s.users.move(old.User(), old.id, n.User(), n.id)
	s.aliases.move(old.Alias(), old.id, n.Alias(), n.id)
	return nil
}

// Mark implements [driver.Marker].
func (s *store) Mark(_ context.Context, key string, version uint64, mark driver.Mark) error {
	p, now := s.at(key), time.Now().UnixMilli()
	p.mu.Lock()
	defer p.mu.Unlock()
	if version == 0 && p.taken(now) {
		return driver.ErrExists
	}
	if version != 0 {
		switch n := p.live(p.id, now); {
		case n == nil:
			return driver.ErrNotFound
		case n.Number != version:
			return n.conflict()
		}
	}
	s.drop(p)
	p.put(markOf(p.id, mark), p.name)
	return nil
}

// markOf returns the stored form of a mark.
func markOf(k id, mark driver.Mark) *node { return newNode(k, mark.Record(), driver.MarkVersion) }

// Load implements [driver.Backend].
func (s *store) Load(_ context.Context, key string, rec *driver.Record) error {
	n, err := s.load(key, time.Now().UnixMilli())
	if err == nil {
		*rec = n.record()
	}
	return err
}

// LoadVersion implements [merge.Keeper]. It does not allocate.
func (s *store) LoadVersion(key string, now int64) (v *merge.Version, expires int64, err error) {
	n, err := s.load(key, now)
	if err != nil {
		return nil, 0, err
	}
	return &n.Version, n.expires.Load(), nil
}

// load returns the session under key as it is now.
func (s *store) load(key string, now int64) (*node, error) {
	p := s.at(key)
	n := p.read(p.id, p.name, now)
	switch {
	case n == nil:
		return nil, driver.ErrNotFound
	case n.isMark():
		return nil, n.marked()
	}
	return n, nil
}

// Save implements [driver.Backend].
func (s *store) Save(_ context.Context, key string, rec *driver.Record) error {
	p, now := s.at(key), time.Now().UnixMilli()
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.live(p.id, now)
	if n == nil {
		return driver.ErrNotFound
	}
	if n.Number != rec.Version {
		return n.conflict()
	}
	rec.Version++
	s.replace(p, n, versionOf(rec), millis.Of(rec.Expires), rec.Shorten)
	return nil
}

// SwapVersion implements [merge.Keeper].
func (s *store) SwapVersion(
	key string, at int64, base *merge.Version, next merge.Version, expires int64, shorten bool,
) (swapped bool, now *merge.Version, until int64, err error) {
	p := s.at(key)
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.live(p.id, at)
	if n == nil {
		return false, nil, 0, driver.ErrNotFound
	}
	if swapped = &n.Version == base; swapped {
		n = s.replace(p, n, next, expires, shorten)
	}
	return swapped, &n.Version, n.expires.Load(), nil
}

// replace puts another version in the place of n, which is at p, and returns it. The caller holds mu.
func (s *store) replace(p place, n *node, v merge.Version, expires int64, shorten bool) *node {
	next := &node{id: p.id, Version: v}
	if was := n.expires.Load(); was > expires && !shorten {
		expires = was
	}
	next.expires.Store(expires)
	p.put(next, p.name)
	if user := next.User(); user != n.User() {
		s.users.remove(n.User(), p.id)
		s.users.add(user, p.id)
	}
	if alias := next.Alias(); alias != n.Alias() {
		s.aliases.remove(n.Alias(), p.id)
		s.aliases.add(alias, p.id)
	}
	return next
}

// Touch implements [driver.Backend].
func (s *store) Touch(_ context.Context, key string, expires time.Time) error {
	p, now := s.at(key), time.Now().UnixMilli()
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.live(p.id, now)
	if n == nil {
		return driver.ErrNotFound
	}
	n.expires.Store(max(n.expires.Load(), millis.Of(expires)))
	return nil
}

// Delete implements [driver.Backend].
func (s *store) Delete(_ context.Context, key string, version uint64) error {
	p, now := s.at(key), time.Now().UnixMilli()
	p.mu.Lock()
	defer p.mu.Unlock()
	if version != 0 {
		n := p.live(p.id, now)
		if n == nil {
			return driver.ErrNotFound
		}
		if n.Number != version {
			return n.conflict()
		}
	} else if n := p.standing(p.id, now); n != nil && n.isMark() {
		return nil
	}
	s.drop(p)
	return nil
}

// Clear implements [driver.Clearer].
func (s *store) Clear(context.Context) error {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		sh.each(func(n *node) { s.dropNode(sh, n) })
		sh.shrink()
		sh.mu.Unlock()
	}
	s.users.lapse(math.MaxInt64)
	return nil
}

// drop removes what is at p, if anything is. The caller holds mu.
func (s *store) drop(p place) {
	if n := p.find(p.id); n != nil {
		s.dropNode(p.shard, n)
	}
}

func (s *store) dropNode(sh *shard, n *node) {
	sh.remove(n)
	s.users.remove(n.User(), n.id)
	s.aliases.remove(n.Alias(), n.id)
}

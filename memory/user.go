package memory

import (
	"context"
	"hash/maphash"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/listing"
	"github.com/seed1a8f7c28/session/internal/pause"
)

// A userIndex finds the keys of a user's or an alias's records, and counts reservations. It contains the keys of all live
// records of a user, and possibly keys of expired ones. It is changed while the record's shard is locked. Its own lock is
// taken after the shard's, never before it.
type userIndex struct {
	parts [64]userPart
	seed  maphash.Seed
}

type userPart struct {
	mu       sync.Mutex
	keys     map[string][]string         // keys of a user's records, sorted
	reserved map[string]map[string]int64 // the end of each reservation, in milliseconds since 1970, by user and key
}

func (x *userIndex) part(user string) *userPart {
	return &x.parts[maphash.String(x.seed, user)%uint64(len(x.parts))]
}

// add records that there is a record under key, which may have been reserved. It ignores the empty user. The index may keep
// user and key.
func (x *userIndex) add(user, key string) {
	if user == "" {
		return
	}
	p := x.part(user)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(user, key)
}

// remove records that user has no record under key any more.
func (x *userIndex) remove(user, key string) {
	if user == "" {
		return
	}
	p := x.part(user)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(user, key)
}

// move is remove and add. If the user is the same, it is one step.
func (x *userIndex) move(oldUser, oldKey, user, key string) {
	if user == "" || user != oldUser {
		x.remove(oldUser, oldKey)
		x.add(user, key)
		return
	}
	p := x.part(user)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(user, oldKey)
	p.add(user, key)
}

// add adds key to the part. The caller holds mu.
func (p *userPart) add(user, key string) {
	p.free(user, key)
	if i, ok := slices.BinarySearch(p.keys[user], key); !ok {
		if p.keys == nil {
			p.keys = make(map[string][]string)
		}
		p.keys[user] = slices.Insert(p.keys[user], i, key)
	}
}

// remove removes key from the part. The caller holds mu.
func (p *userPart) remove(user, key string) {
	i, ok := slices.BinarySearch(p.keys[user], key)
	switch {
	case !ok:
	case len(p.keys[user]) == 1:
		delete(p.keys, user)
	default:
		p.keys[user] = slices.Delete(p.keys[user], i, i+1)
	}
}

// of returns a copy of the keys of user's records.
func (x *userIndex) of(user string) []string {
	p := x.part(user)
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.keys[user])
}

// reserve reserves key if there are fewer than limit others. Otherwise it returns the keys of the other records and the
// number of other reservations. It reads both at the same moment, because a reservation may become a record at any time.
func (x *userIndex) reserve(user, key string, until int64, limit int) (ok bool, records []string, reserved int) {
	now := time.Now().UnixMilli()
	p := x.part(user)
	p.mu.Lock()
	defer p.mu.Unlock()
	for other, until := range p.reserved[user] {
		switch {
		case other == key:
		case until <= now:
			p.free(user, other)
		default:
			reserved++
		}
	}
	there := len(p.keys[user])
	own, isThere := slices.BinarySearch(p.keys[user], key)
	if isThere {
		there--
	}
	if there+reserved >= limit {
		records = slices.Clone(p.keys[user])
		if isThere {
			records = slices.Delete(records, own, own+1)
		}
		return false, records, reserved
	}
	if p.reserved == nil {
		p.reserved = make(map[string]map[string]int64)
	}
	if p.reserved[user] == nil {
		p.reserved[strings.Clone(user)] = make(map[string]int64)
	}
	p.reserved[user][strings.Clone(key)] = until
	return true, nil, 0
}

// free ends the reservation of key. The caller holds mu.
func (p *userPart) free(user, key string) {
	if delete(p.reserved[user], key); len(p.reserved[user]) == 0 {
		delete(p.reserved, user)
	}
}

// lapse removes the reservations that end at now or earlier.
func (x *userIndex) lapse(now int64) {
	for i := range x.parts {
		p := &x.parts[i]
		p.mu.Lock()
		for user, keys := range p.reserved {
			for key, until := range keys {
				if until <= now {
					p.free(user, key)
				}
			}
		}
		p.mu.Unlock()
	}
}

// ListUser implements [driver.UserLister].
func (s *store) ListUser(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
	return s.listOf(ctx, &s.users, user, func(rec *driver.Record) string { return rec.User })
}

// ListAlias implements [driver.AliasLister].
func (s *store) ListAlias(ctx context.Context, alias string) iter.Seq2[driver.Entry, error] {
	return s.listOf(ctx, &s.aliases, alias, func(rec *driver.Record) string { return rec.Alias })
}

// listOf yields the records of name, whose keys index contains.
func (s *store) listOf(
	ctx context.Context, index *userIndex, name string, nameOf func(*driver.Record) string,
) iter.Seq2[driver.Entry, error] {
	return listing.Whole(ctx, func(gone func(key string)) (found []driver.Entry, err error) {
		for _, key := range index.of(name) {
			entry := driver.Entry{Key: key}
			if s.Load(ctx, key, &entry.Record) != nil || nameOf(&entry.Record) != name {
				gone(key)
				continue
			}
			entry.Data = nil
			found = append(found, entry)
		}
		return found, nil
	})
}

// Reserve implements [driver.UserLimiter].
func (s *store) Reserve(ctx context.Context, user, key string, until time.Time, limit int, evict bool) ([]string, error) {
	return s.reserve(ctx, user, key, until, limit, evict, s.Delete)
}

// reserve is Reserve with a function that deletes a record.
func (s *store) reserve(
	ctx context.Context, user, key string, until time.Time, limit int, evict bool,
	remove func(ctx context.Context, key string, version uint64) error,
) (evicted []string, err error) {
	for {
		ok, others, reserved := s.users.reserve(user, key, until.UnixMilli(), limit)
		if ok {
			return evicted, nil
		}
		records := s.held(ctx, user, others)
		over := len(records) + reserved - limit + 1
		switch {
		case over <= 0: // a record that was in the way has expired
			continue
		case !evict:
			return nil, driver.ErrTooManySessions
		case over > len(records):
			if !pause.For(ctx, time.Millisecond) {
				return evicted, ctx.Err()
			}
			continue
		}
		slices.SortFunc(records, func(a, b driver.Entry) int { return a.AuthTime.Compare(b.AuthTime) })
		for _, entry := range records[:over] {
			// The version makes sure that only one of two callers evicts the record.
			if remove(ctx, entry.Key, entry.Version) == nil {
				evicted = append(evicted, entry.Key)
			}
		}
	}
}

// held returns the live records of user under keys. It removes the keys of expired ones from the index.
func (s *store) held(ctx context.Context, user string, keys []string) (records []driver.Entry) {
	for _, key := range keys {
		entry := driver.Entry{Key: key}
		if s.Load(ctx, key, &entry.Record) == nil && entry.User == user {
			records = append(records, entry)
		} else {
			s.forget(user, key)
		}
	}
	return records
}

// forget removes key from the index, unless user has a live record there.
func (s *store) forget(user, key string) {
	now := time.Now().UnixMilli()
	sh := s.shard(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if e := sh.live(key, now); e == nil || e.User() != user {
		s.users.remove(user, key)
	}
}

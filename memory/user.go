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

// An index finds the ids of a user's or an alias's records, and counts reservations. It contains the ids of all live
// records of a user, and possibly ids of expired ones. It is changed while the record's shard is locked. Its own lock is
// taken after the shard's, never before it.
type index struct {
	parts [64]indexPart
	seed  maphash.Seed
}

type indexPart struct {
	mu       sync.Mutex
	ids      map[string]ids          // ids of a user's records
	reserved map[string]map[id]int64 // the end of each reservation, in milliseconds since 1970, by user and id
}

// ids are those of one user, of whom most have one: then they need no memory beside the map's.
type ids struct {
	first  id
	others *[]id // nil if there are none
}

// all returns a copy of them.
func (x ids) all() []id {
	if x.others == nil {
		return []id{x.first}
	}
	return append([]id{x.first}, *x.others...)
}

// idsOf is the opposite of all. It keeps list, which is not empty.
func idsOf(list []id) ids {
	x := ids{first: list[0]}
	if len(list) > 1 {
		others := slices.Clip(list[1:])
		x.others = &others
	}
	return x
}

func (x *index) part(user string) *indexPart {
	return &x.parts[maphash.String(x.seed, user)%uint64(len(x.parts))]
}

// add records that there is a record under key, which may have been reserved. It ignores the empty user. The index may keep
// user and key.
func (x *index) add(user string, k id) {
	if user == "" {
		return
	}
	p := x.part(user)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(user, k)
}

// remove records that user has no record under key any more.
func (x *index) remove(user string, k id) {
	if user == "" {
		return
	}
	p := x.part(user)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(user, k)
}

// move is remove and add. If the user is the same, it is one step.
func (x *index) move(oldUser string, old id, user string, k id) {
	if user == "" || user != oldUser {
		x.remove(oldUser, old)
		x.add(user, k)
		return
	}
	p := x.part(user)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(user, old)
	p.add(user, k)
}

// add adds key to the part. The caller holds mu.
func (p *indexPart) add(user string, k id) {
	p.free(user, k)
	switch list := p.of(user); {
	case slices.Contains(list, k):
	case p.ids == nil:
		p.ids = map[string]ids{user: {first: k}}
	default:
		p.ids[user] = idsOf(append(list, k))
	}
}

// remove removes key from the part. The caller holds mu.
func (p *indexPart) remove(user string, k id) {
	list := p.of(user)
	i := slices.Index(list, k)
	switch {
	case i < 0:
	case len(list) == 1:
		delete(p.ids, user)
	default:
		p.ids[user] = idsOf(slices.Delete(list, i, i+1))
	}
}

// of returns a copy of the ids of user's records. The caller holds mu.
func (p *indexPart) of(user string) []id {
	if x, ok := p.ids[user]; ok {
		return x.all()
	}
	return nil
}

// of returns a copy of the ids of user's records.
func (x *index) of(user string) []id {
	p := x.part(user)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of(user)
}

// reserve reserves k if there are fewer than limit others. Otherwise it returns the ids of the other records and the
// number of other reservations. It reads both at the same moment, because a reservation may become a record at any time.
func (x *index) reserve(user string, k id, until int64, limit int) (ok bool, records []id, reserved int) {
	now := time.Now().UnixMilli()
	p := x.part(user)
	p.mu.Lock()
	defer p.mu.Unlock()
	for other, until := range p.reserved[user] {
		switch {
		case other == k:
		case until <= now:
			p.free(user, other)
		default:
			reserved++
		}
	}
	records = slices.DeleteFunc(p.of(user), func(other id) bool { return other == k })
	if len(records)+reserved >= limit {
		return false, records, reserved
	}
	if p.reserved == nil {
		p.reserved = make(map[string]map[id]int64)
	}
	if p.reserved[user] == nil {
		p.reserved[strings.Clone(user)] = make(map[id]int64)
	}
	p.reserved[user][k] = until
	return true, nil, 0
}

// free ends the reservation of k. The caller holds mu.
func (p *indexPart) free(user string, k id) {
	if delete(p.reserved[user], k); len(p.reserved[user]) == 0 {
		delete(p.reserved, user)
	}
}

// lapse removes the reservations that end at now or earlier.
func (x *index) lapse(now int64) {
	for i := range x.parts {
		p := &x.parts[i]
		p.mu.Lock()
		for user, ids := range p.reserved {
			for k, until := range ids {
				if until <= now {
					p.free(user, k)
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

// listOf yields the records of name, whose ids index contains.
func (s *store) listOf(
	ctx context.Context, x *index, name string, nameOf func(*driver.Record) string,
) iter.Seq2[driver.Entry, error] {
	return listing.Whole(ctx, func(gone func(key string)) (found []driver.Entry, err error) {
		for _, k := range x.of(name) {
			entry, ok := s.entry(k)
			if !ok || nameOf(&entry.Record) != name {
				gone(k.String())
				continue
			}
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
		ok, others, reserved := s.users.reserve(user, s.at(key).id, until.UnixMilli(), limit)
		if ok {
			return evicted, nil
		}
		records := s.held(user, others)
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

// held returns the live records of user under ids, without Data. It removes the ids of expired ones from the index.
func (s *store) held(user string, ids []id) (records []driver.Entry) {
	for _, k := range ids {
		if entry, ok := s.entry(k); ok && entry.User == user {
			records = append(records, entry)
		} else {
			s.forget(user, k)
		}
	}
	return records
}

// entry returns the live record under k, without Data.
func (s *store) entry(k id) (entry driver.Entry, ok bool) {
	now, sh := time.Now().UnixMilli(), s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	n := sh.live(k, now)
	if n == nil {
		return entry, false
	}
	return driver.Entry{Key: found{n, sh.names[k]}.key(), Record: n.head()}, true
}

// forget removes k from the index, unless user has a live record there.
func (s *store) forget(user string, k id) {
	now, sh := time.Now().UnixMilli(), s.shard(k)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if n := sh.live(k, now); n == nil || n.User() != user {
		s.users.remove(user, k)
	}
}

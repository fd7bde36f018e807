package ledis

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/listing"
	"github.com/seed1a8f7c28/session/internal/rediscall"
)

const (
	// page is how many names a step of a scan returns, and how many records are read in one trip.
	page = 500
	// headSize is how many bytes of a value a list reads first: enough for the hashes, the header and 169 bytes of names and
	// metadata. A longer head takes another read.
	headSize = 400
)

// names yields the names that begin with prefix, a page at a time, in order. LedisDB keeps its keys in order, so a scan
// reads only these, and returns each name that is there throughout exactly once.
func (s *client) names(ctx context.Context, op, prefix string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for cursor := prefix; ; {
			var scan *redis.Cmd
			err := s.read(ctx, op, func() []redis.Cmder {
				scan = redis.NewCmd(ctx, "xscan", "kv", cursor, "count", page)
				return []redis.Cmder{scan}
			})
			var names []string
			if err == nil {
				names, err = scanned(scan.Val())
			}
			if err != nil {
				yield(nil, err)
				return
			}
			more := len(names) == page
			if more {
				cursor = names[page-1]
			}
			if end := slices.IndexFunc(names, func(name string) bool { return !strings.HasPrefix(name, prefix) }); end >= 0 {
				names, more = names[:end], false
			}
			if len(names) > 0 && !yield(names, nil) || !more {
				return
			}
		}
	}
}

// scanned returns the names in the answer to a step of a scan: the next cursor, which is the last name, and the names.
func scanned(answer any) ([]string, error) {
	if list, _ := answer.([]any); len(list) == 2 {
		if found, ok := list[1].([]any); ok {
			names := make([]string, len(found))
			for i, name := range found {
				names[i], _ = name.(string)
			}
			return names, nil
		}
	}
	return nil, fmt.Errorf("session/ledis: %w", rediscall.ErrUnexpected)
}

// Count implements [driver.Counter]. It reads the beginning of each record, because LedisDB still has some that are over.
func (s *store) Count(ctx context.Context) (n int, err error) {
	for _, err := range s.list(ctx, "count") {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// List implements [driver.Lister].
func (s *store) List(ctx context.Context) iter.Seq2[driver.Entry, error] { return s.list(ctx, "list") }

func (s *store) list(ctx context.Context, op string) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		first := s.session("")
		for names, err := range s.names(ctx, op, first) {
			var entries []driver.Entry
			if err == nil {
				entries, err = s.heads(ctx, op, keysAfter(names, first))
			}
			if err != nil {
				yield(driver.Entry{}, err)
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// keysAfter returns the storage keys at the end of names that begin with prefix.
func keysAfter(names []string, prefix string) (keys []string) {
	for _, name := range names {
		if key := name[len(prefix):]; valid(key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// heads returns the live records under keys, without their data.
func (s *store) heads(ctx context.Context, op string, keys []string) (entries []driver.Entry, err error) {
	type head struct {
		key  string
		size int
		read *redis.StringCmd
	}
	short := make([]*head, len(keys))
	for i, key := range keys {
		short[i] = &head{key: key, size: headSize}
	}
	now := time.Now()
	for len(short) > 0 {
		err := s.read(ctx, op, func() []redis.Cmder {
			cmds := make([]redis.Cmder, len(short))
			for i, h := range short {
				h.read = redis.NewStringCmd(ctx, "getrange", s.session(h.key), 0, h.size-1)
				cmds[i] = h.read
			}
			return cmds
		})
		if err != nil {
			return nil, err
		}
		again := short[:0]
		for _, h := range short {
			value := h.read.Val()
			lead := leadOf(value)
			if lead == 0 {
				continue // gone, or not written by this package
			}
			need := lead + driver.RecordDataOffset([]byte(value[min(lead, len(value)):]))
			if need > len(value) && len(value) == h.size {
				h.size = need + headSize
				again = append(again, h)
				continue
			}
			rec, err := decode(value)
			if err != nil || rec.Version == driver.MarkVersion || !rec.Live(now) {
				continue
			}
			rec.Data = nil
			entries = append(entries, driver.Entry{Key: h.key, Record: *rec})
		}
		short = again
	}
	return entries, nil
}

// ListUser implements [driver.UserLister].
func (s *store) ListUser(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
	return s.listOf(ctx, "list user", "u", user, func(rec *driver.Record) string { return rec.User })
}

// ListAlias implements [driver.AliasLister].
func (s *store) ListAlias(ctx context.Context, alias string) iter.Seq2[driver.Entry, error] {
	return s.listOf(ctx, "list alias", "a", alias, func(rec *driver.Record) string { return rec.Alias })
}

func (s *store) listOf(
	ctx context.Context, op, letter, name string, of func(rec *driver.Record) string,
) iter.Seq2[driver.Entry, error] {
	return listing.Whole(ctx, func(gone func(key string)) (found []driver.Entry, err error) {
		if name == "" { // it has no entries
			return nil, nil
		}
		first := s.index(letter, name)
		for names, err := range s.names(ctx, op, first) {
			var entries []driver.Entry
			keys := keysAfter(names, first)
			if err == nil {
				entries, err = s.heads(ctx, op, keys)
			}
			if err != nil {
				return nil, err
			}
			live := make(map[string]bool, len(entries))
			for _, e := range entries {
				if live[e.Key] = of(&e.Record) == name; live[e.Key] {
					found = append(found, e)
				}
			}
			for _, key := range keys {
				if !live[key] {
					gone(key)
				}
			}
		}
		return found, nil
	})
}

// Reserve implements [driver.UserLimiter]. One script counts the user's sessions and reservations, removes sessions and
// makes the entry.
func (s *store) Reserve(
	ctx context.Context, user, key string, until time.Time, most int, evict bool,
) (evicted []string, err error) {
	switch {
	case !valid(key):
		return nil, errKey
	case most < 1:
		return nil, driver.ErrTooManySessions
	}
	entry := s.index("u", user)
	for try := 1; ; try++ {
		a, err := s.run(ctx, call{
			op: "reserve", script: reserveScript, keys: []string{entry + key},
			args: []any{s.prefix, hashOf(user), key, moment(until), most, flag(evict)}, again: !evict,
		})
		switch {
		case err != nil:
			return nil, err
		case a.code == done:
			return strings.Fields(a.value), nil
		case a.code == full:
			return nil, driver.ErrTooManySessions
		case a.code != waits:
			return nil, fmt.Errorf("session/ledis: %w", rediscall.ErrUnexpected)
		}
		d := time.Duration(min(max(try, 5), 10)) * time.Millisecond
		if rediscall.PauseAbout(ctx, d) {
			continue
		}
		if err = ctx.Err(); err == nil {
			err = context.DeadlineExceeded
		}
		return nil, fail(ctx, "reserve", err)
	}
}

// Clear implements [driver.Clearer]. A script removes the names, so that no other script brings one of them back.
func (s *store) Clear(ctx context.Context) error {
	for names, err := range s.names(ctx, "clear", s.prefix) {
		if err == nil {
			err = s.change(ctx, call{op: "clear", script: clearScript, keys: names, again: true})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

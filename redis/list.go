package redis

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/driver"
)

// page is how many keys a step of SCAN looks at, and at most how many records are asked for in a pipeline.
const page = 500

// headSize is as much of a record as is read to list it: the header and a name of 210 bytes. For a longer
// name there is a second read.
const headSize = 256

// Count implements [driver.Counter]. It takes a SCAN of all keys of the database.
func (s *store) Count(ctx context.Context) (int, error) {
	seen := make(seen)
	err := s.scan(ctx, "count", s.keys.sessions(), func(names []string) error {
		for _, name := range names {
			if key, ok := s.keys.key(name); ok {
				seen.add(key)
			}
		}
		return nil
	})
	return len(seen), err
}

// List implements [driver.Lister]. It takes a SCAN of all keys of the database. That SCAN may return a key
// twice is made good by remembering 16 bytes of each key: 40 MB for a million sessions. While a cluster moves slots
// a session that is being moved may be left out.
func (s *store) List(ctx context.Context) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		seen := make(seen)
		err := s.scan(ctx, "list", s.keys.sessions(), func(names []string) error {
			keys := make([]string, 0, len(names))
			for _, name := range names {
				if key, ok := s.keys.key(name); ok && seen.add(key) {
					keys = append(keys, key)
				}
			}
			entries, err := s.entries(ctx, "list", keys)
			if err != nil {
				return err
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return errStopped
				}
			}
			return nil
		})
		if err != nil && err != errStopped {
			yield(driver.Entry{}, err)
		}
	}
}

var errStopped = fmt.Errorf("session/redis: the consumer wants no more")

// seen holds what tells keys apart, which are hashes.
type seen map[[16]byte]struct{}

// add reports whether key is new.
func (s seen) add(key string) bool {
	var id [16]byte
	copy(id[:], key)
	before := len(s)
	s[id] = struct{}{}
	return len(s) > before
}

// entries returns the live records under keys, without their data.
func (s *store) entries(ctx context.Context, op string, keys []string) ([]driver.Entry, error) {
	entries := make([]driver.Entry, 0, len(keys))
	for len(keys) > 0 {
		part := keys[:min(len(keys), page)]
		keys = keys[len(part):]
		calls := make([]*call, 0, 2*len(part))
		for _, key := range part {
			name := s.keys.session(key)
			calls = append(calls, plainCall("getrange", name, 0, headSize-1), plainCall("pexpiretime", name))
		}
		if err := s.send(ctx, op, calls...); err != nil {
			return nil, err
		}
		for i, key := range part {
			e, ok, err := s.entry(ctx, op, key, calls[2*i], calls[2*i+1])
			if err != nil {
				return nil, err
			}
			if ok {
				entries = append(entries, e)
			}
		}
	}
	return entries, nil
}

// entry reads one record's answers.
func (s *store) entry(ctx context.Context, op, key string, head, expires *call) (e driver.Entry, ok bool, err error) {
	value, _ := head.cmd.Val().(string)
	at, _ := expires.cmd.Val().(int64)
	if value == "" || at == -2 {
		return e, false, nil
	}
	if end := userEnd(value); end > len(value) && len(value) == headSize {
		again := plainCall("getrange", s.keys.session(key), 0, end-1)
		if err := s.send(ctx, op, again); err != nil {
			return e, false, err
		}
		value, _ = again.cmd.Val().(string)
	}
	if unmarshal(&e.Record, []byte(value), at) != nil {
		return e, false, nil // it is not ours, or of a later version
	}
	e.Key, e.Data = key, nil
	return e, true, nil
}

// userEnd returns where the name of the user ends in a record.
func userEnd(value string) int {
	if len(value) < driver.RecordUserOffset+2 {
		return len(value)
	}
	return driver.RecordUserOffset + 2 + int(value[driver.RecordUserOffset])<<8 + int(value[driver.RecordUserOffset+1])
}

// scan calls page after page with the names that match, from one goroutine at a time. A name may come twice.
func (s *client) scan(ctx context.Context, op, pattern string, each func(names []string) error) error {
	var (
		mu   sync.Mutex
		over error // what each has returned
	)
	err := s.eachMaster(ctx, func(ctx context.Context, node redis.UniversalClient) error {
		on := &client{rdb: node}
		for cursor := uint64(0); ; {
			names, next, err := on.scanPage(ctx, op, cursor, pattern)
			if err != nil {
				return err
			}
			mu.Lock()
			if over == nil && len(names) > 0 {
				over = each(names)
			}
			err = over
			mu.Unlock()
			if cursor = next; err != nil || cursor == 0 {
				return err
			}
		}
	})
	switch {
	case over != nil:
		return over
	case err != nil && ctx.Err() != nil:
		return fail(ctx, op, err)
	}
	return err
}

// scanPage makes one step.
func (s *client) scanPage(ctx context.Context, op string, cursor uint64, pattern string) ([]string, uint64, error) {
	for r := (retries{}); ; {
		names, next, err := s.rdb.Scan(ctx, cursor, pattern, page).Result()
		switch {
		case err == nil:
			return names, next, nil
		case !r.may(err, false), !r.pause(ctx):
			return nil, 0, fail(ctx, op, err)
		}
	}
}

// Clear implements [driver.Clearer].
func (s *store) Clear(ctx context.Context) error {
	err := s.scan(ctx, "clear", s.keys.all(), func(names []string) error {
		calls := make([]*call, len(names))
		for i, name := range names {
			calls[i] = plainCall("unlink", name)
		}
		return s.send(ctx, "clear", calls...)
	})
	if err != nil {
		return err
	}
	return s.announceAll(ctx)
}

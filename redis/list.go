package redis

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/rediscall"
)

// page is the COUNT of a SCAN step, and the maximum number of records requested in one pipeline.
const page = 500

// headSize is how many bytes of a record a listing reads: enough for the header and 200 bytes of names and metadata. A
// longer head takes a second read.
const headSize = 256

// Count implements [driver.Counter]. It scans all keys of the database.
func (s *store) Count(ctx context.Context) (int, error) {
	seen := make(seen)
	err := s.scan(ctx, "count", s.keys.sessions(), records, func(names []string) error {
		for _, name := range names {
			if key, ok := s.keys.key(name); ok {
				seen.add(key)
			}
		}
		return nil
	})
	return len(seen), err
}

// List implements [driver.Lister]. It scans all keys of the database. SCAN may return a key twice, so List remembers 16
// bytes of each key: 40 MB for a million sessions. While a cluster moves slots, List may omit a session that is being
// moved.
func (s *store) List(ctx context.Context) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		seen := make(seen)
		err := s.scan(ctx, "list", s.keys.sessions(), records, func(names []string) error {
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

// seen contains the hashes of the keys that were seen.
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
	for part := range slices.Chunk(keys, page) {
		heads := make([]head, len(part))
		for i, key := range part {
			heads[i] = head{key: key, size: headSize}
		}
		if err := s.readHeads(ctx, op, heads); err != nil {
			return nil, err
		}
		for _, h := range heads {
			e := driver.Entry{Key: h.key}
			if h.value == "" || h.expires == -2 || unmarshal(&e.Record, []byte(h.value), h.expires) != nil {
				continue // gone, not written by this package, or written by a later version
			}
			e.Data = nil
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// A head is a record up to its data, plus whatever follows in the bytes read.
type head struct {
	key     string
	size    int // how many bytes to read
	value   string
	expires int64 // as PEXPIRETIME says
}

// readHeads reads records up to their data: the first bytes of all of them, then more of those whose head is longer.
func (s *store) readHeads(ctx context.Context, op string, heads []head) error {
	short := make([]*head, len(heads))
	for i := range heads {
		short[i] = &heads[i]
	}
	for len(short) > 0 {
		calls := make([]*call, 0, 2*len(short))
		for _, h := range short {
			name := s.keys.session(h.key)
			calls = append(calls, recordCall("getrange", name, 0, h.size-1), plainCall("pexpiretime", name))
		}
		if err := s.send(ctx, op, calls...); err != nil {
			return err
		}
		again := short[:0]
		for i, h := range short {
			h.value, _ = calls[2*i].cmd.Val().(string)
			h.expires, _ = calls[2*i+1].cmd.Val().(int64)
			if need := driver.RecordDataOffset([]byte(h.value)); need > len(h.value) && len(h.value) == h.size {
				h.size = need + headSize
				again = append(again, h)
			}
		}
		short = again
	}
	return nil
}

// records is the Redis type of a record.
const records = "string"

// scan calls each with the matching names, page by page, from one goroutine at a time. It visits only keys of the type of,
// or of all types if that is "". A name may come twice.
func (s *client) scan(ctx context.Context, op, pattern, of string, each func(names []string) error) error {
	var (
		mu   sync.Mutex
		over error // the error that each returned
	)
	err := s.eachMaster(ctx, func(ctx context.Context, node redis.UniversalClient) error {
		on := &client{rdb: node}
		for cursor := uint64(0); ; {
			names, next, err := on.scanPage(ctx, op, cursor, pattern, of)
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

// scanPage makes one SCAN step.
func (s *client) scanPage(ctx context.Context, op string, cursor uint64, pattern, of string) ([]string, uint64, error) {
	for r := (rediscall.Retries{}); ; {
		names, next, err := s.rdb.ScanType(ctx, cursor, pattern, page, of).Result()
		switch {
		case err == nil:
			return names, next, nil
		case !r.May(err, false), !r.Pause(ctx):
			return nil, 0, fail(ctx, op, err)
		}
	}
}

// Clear implements [driver.Clearer].
func (s *store) Clear(ctx context.Context) error {
	err := s.scan(ctx, "clear", s.keys.all(), "", func(names []string) error {
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

package kv

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/listing"
	"github.com/seed1a8f7c28/session/internal/naming"
)

// pageSize is how many keys one View reads at most. A store may have to keep what a View sees for as long as it lasts.
const pageSize = 500

// page calls each with up to n keys from from on and before to. It returns where the next page begins, nil after the last.
// The slices that each gets are the store's.
func (s *store) page(call string, from, to []byte, n int, each func(r Reader, key, value []byte)) (next []byte, err error) {
	err = s.view(call, func(r Reader) error {
		left := n
		return r.Scan(from, to, func(key, value []byte) bool {
			if left == 0 {
				next = bytes.Clone(key)
				return false
			}
			left--
			each(r, key, value)
			return true
		})
	})
	return next, err
}

// sessions calls each with the live sessions of a page, and returns as page does. Their slices are the store's.
func (s *store) sessions(call string, from, to []byte, each func(key []byte, st *stored)) (next []byte, err error) {
	now := time.Now()
	return s.page(call, from, to, pageSize, func(_ Reader, key, value []byte) {
		if st, err := decode(value); err == nil && st.live(now) && !st.isMark() {
			each(key, st)
		}
	})
}

// Count implements [driver.Counter]. It reads all sessions of the namespace, page by page.
func (s *store) Count(ctx context.Context) (n int, err error) {
	from, to := s.keysOf(ofSession)
	for from != nil && err == nil {
		if err = ctx.Err(); err == nil {
			from, err = s.sessions("count", from, to, func([]byte, *stored) { n++ })
		}
	}
	return n, err
}

// List implements [driver.Lister]. It reads the sessions in the order of their keys, page by page, and reads nothing while
// the caller handles a page.
func (s *store) List(ctx context.Context) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		var page []driver.Entry
		for from, to := s.keysOf(ofSession); from != nil; {
			page = page[:0]
			var err error
			from, err = s.sessions("list", from, to, func(key []byte, st *stored) { page = append(page, entry(idOf(key), st)) })
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(driver.Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// entry returns the session without its data, in memory of its own.
func entry(id []byte, st *stored) driver.Entry {
	rec := st.rec
	rec.Meta, rec.Data = bytes.Clone(rec.Meta), nil
	return driver.Entry{Key: naming.Key(id), Record: rec}
}

// ListUser implements [driver.UserLister]. It reads all of the user's sessions at one moment, so that none can get another
// key meanwhile.
func (s *store) ListUser(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
	return s.listOf(ctx, ofUser, user, func(rec *driver.Record) string { return rec.User })
}

// ListAlias implements [driver.AliasLister] in the same way as ListUser.
func (s *store) ListAlias(ctx context.Context, alias string) iter.Seq2[driver.Entry, error] {
	return s.listOf(ctx, ofAlias, alias, func(rec *driver.Record) string { return rec.Alias })
}

func (s *store) listOf(
	ctx context.Context, of byte, name string, nameOf func(*driver.Record) string,
) iter.Seq2[driver.Entry, error] {
	return listing.Whole(ctx, func(func(key string)) (found []driver.Entry, err error) {
		err = s.view("list", func(r Reader) error {
			found = found[:0]
			return s.eachOf(r, of, name, func(id, _ []byte, st *stored) {
				if st.live(time.Now()) && nameOf(&st.rec) == name {
					found = append(found, entry(id, st))
				}
			})
		})
		return found, err
	})
}

// eachOf calls each with what the index has under a name: the id, the value of the entry, and what stands under the id, which
// is nil for nothing or for what cannot be read. It first reads the entries, because a store may not like to be read during
// a Scan.
func (s *store) eachOf(r Reader, of byte, name string, each func(id, value []byte, st *stored)) error {
	type found struct{ id, value []byte }
	var all []found
	from := s.indexKey(of, name, nil)
	err := r.Scan(from, after(from), func(key, value []byte) bool {
		all = append(all, found{bytes.Clone(idOf(key)), bytes.Clone(value)})
		return true
	})
	if err != nil {
		return err
	}
	for _, f := range all {
		st, err := s.find(r, f.id)
		if err != nil && !errors.Is(err, driver.ErrCorrupt) {
			return err
		}
		if err != nil {
			st = nil
		}
		each(f.id, f.value, st)
	}
	return nil
}

// Clear implements [driver.Clearer]. It works page by page, so that no other call waits long. It also removes reservations.
func (s *store) Clear(ctx context.Context) error {
	for _, of := range []byte{ofSession, ofUser, ofAlias} {
		for from, to := s.keysOf(of); from != nil; {
			var keys [][]byte
			var err error
			from, err = s.page("clear", from, to, batchSize, func(_ Reader, key, _ []byte) { keys = append(keys, bytes.Clone(key)) })
			if err == nil {
				err = s.clear(ctx, of, keys)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// clear removes sessions, or the entries of an index that have none.
func (s *store) clear(ctx context.Context, of byte, keys [][]byte) error {
	ids := make([][]byte, len(keys))
	for i, key := range keys {
		ids[i] = s.sessionKey(idOf(key))
	}
	return s.update(ctx, "clear", ids, func(c *change) error {
		for _, key := range keys {
			id := idOf(key)
			st, err := c.at(id)
			if err != nil && !errors.Is(err, driver.ErrCorrupt) {
				return err
			}
			switch {
			case err != nil && of == ofSession:
				c.drop(id, st)
			case of == ofSession && st != nil:
				if err := c.put(id, st, nil); err != nil {
					return err
				}
			case of != ofSession && (st == nil || err != nil):
				if err := c.unreserve(key); err != nil {
					return err
				}
				c.remove(key)
			}
		}
		return nil
	})
}

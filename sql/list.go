package sql

import (
	"context"
	"iter"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/listing"
)

// Count implements [driver.Counter]. It reads all rows of the namespace.
func (s *store) Count(ctx context.Context) (n int, err error) {
	err = s.read(ctx, func() error {
		return s.query(ctx, nil, s.count, new(params), func(rows Row) error { return rows.Scan(&n) })
	})
	return n, s.fail(ctx, "count", err)
}

// List implements [driver.Lister]. It reads the records in the order of their keys, page by page, and holds no connection
// while the caller handles a page.
func (s *store) List(ctx context.Context) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		for after := []byte{}; ; {
			page, err := s.entries(ctx, s.list, &params{id: after})
			if err != nil {
				yield(driver.Entry{}, err)
				return
			}
			for _, entry := range page {
				if !yield(entry, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
			after = s.id(page[len(page)-1].Key)
		}
	}
}

// ListUser implements [driver.UserLister]. It uses one statement, because a record that is renamed between two pages could
// be missing from both.
func (s *store) ListUser(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
	return listing.Whole(ctx, func(func(key string)) ([]driver.Entry, error) {
		return s.entries(ctx, s.user, &params{user: user})
	})
}

// ListAlias implements [driver.AliasLister] in the same way as ListUser.
func (s *store) ListAlias(ctx context.Context, alias string) iter.Seq2[driver.Entry, error] {
	return listing.Whole(ctx, func(func(key string)) ([]driver.Entry, error) {
		return s.entries(ctx, s.alias, &params{alias: alias})
	})
}

// entries returns the records that a statement finds, without their data.
func (s *store) entries(ctx context.Context, st *statement, p *params) (entries []driver.Entry, err error) {
	err = s.read(ctx, func() error {
		entries = entries[:0]
		return s.query(ctx, nil, st, p, func(rows Row) error {
			var r row
			if err := rows.Scan(r.listed()...); err != nil {
				return err
			}
			entries = append(entries, driver.Entry{Key: s.key(r.id), Record: r.record()})
			return nil
		})
	})
	return entries, s.fail(ctx, "list", err)
}

// Clear implements [driver.Clearer]. It works page by page, so that a large table can be cleared although no statement may
// take longer than its context. It also removes reservations and marks.
func (s *store) Clear(ctx context.Context) error {
	for after := []byte{}; ; {
		var last []byte
		n := 0
		err := s.read(ctx, func() error {
			n = 0
			return s.query(ctx, nil, s.page, &params{id: after}, func(rows Row) error {
				n++
				return rows.Scan(&last)
			})
		})
		if err == nil && n > 0 {
			err = s.read(ctx, func() error {
				_, err := s.exec(ctx, nil, s.clear, &params{id: after, to: last})
				return err
			})
		}
		if err != nil || n < pageSize {
			return s.fail(ctx, "clear", err)
		}
		after = last
	}
}

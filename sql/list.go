package sql

import (
	"context"
	"database/sql"
	"iter"

	"github.com/seed1a8f7c28/session"
)

// Count implements [session.Counter]. It looks at all rows of the namespace.
func (s *store) Count(ctx context.Context) (n int, err error) {
	err = s.read(ctx, func() error {
		return s.query(ctx, nil, s.count, new(params), func(rows *sql.Rows) error { return rows.Scan(&n) })
	})
	return n, s.fail("count", err)
}

// List implements [session.Lister], in the order of the keys.
func (s *store) List(ctx context.Context) iter.Seq2[session.Entry, error] {
	return s.pages(ctx, s.list, "")
}

// ListUser implements [session.UserLister].
func (s *store) ListUser(ctx context.Context, user string) iter.Seq2[session.Entry, error] {
	return s.pages(ctx, s.user, user)
}

// pages yields the records of one page after the other. It has no connection while somebody looks at a page.
func (s *store) pages(ctx context.Context, st *statement, user string) iter.Seq2[session.Entry, error] {
	return func(yield func(session.Entry, error) bool) {
		for after := []byte{}; ; {
			var page []session.Entry
			err := s.read(ctx, func() error {
				page = page[:0]
				return s.query(ctx, nil, st, &params{id: after, user: user}, func(rows *sql.Rows) error {
					var r row
					if err := rows.Scan(append([]any{&r.id}, r.head()...)...); err != nil {
						return err
					}
					page = append(page, session.Entry{Key: s.key(r.id), Record: r.record()})
					return nil
				})
			})
			if err != nil {
				yield(session.Entry{}, s.fail("list", err))
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

// Clear implements [session.Clearer]: page by page, so that a large table is cleared although no call may take
// longer than its context. Reservations go with the records.
func (s *store) Clear(ctx context.Context) error {
	for after := []byte{}; ; {
		var last []byte
		n := 0
		err := s.read(ctx, func() error {
			n = 0
			return s.query(ctx, nil, s.page, &params{id: after}, func(rows *sql.Rows) error {
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
			return s.fail("clear", err)
		}
		after = last
	}
}

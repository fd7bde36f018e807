package sql

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session/internal/pause"
)

// Sweep implements [driver.Sweeper]. It reads the keys of rows whose hour has passed, which locks nothing. Then it removes
// the expired ones, batch by batch, and works at most half of the time. Rows that are still live because they were touched
// get the hour of their new deadline, which a touch does not update.
//
// If several nodes sweep at the same time, each takes the batches in its own order, and each row is removed by one of them.
func (s *store) Sweep(ctx context.Context, expired func(key, user string)) (removed int, err error) {
	remove := func(ctx context.Context, p *params) (int, error) { return s.execSafe(ctx, s.expired, p) }
	switch {
	case expired != nil && s.beego:
		remove = func(ctx context.Context, p *params) (int, error) { return s.removeEach(ctx, p, expired) }
	case expired != nil:
		remove = func(ctx context.Context, p *params) (int, error) { return s.removeAndTell(ctx, p, expired) }
	}
	lapse := func(ctx context.Context, p *params) (int, error) { return s.execSafe(ctx, s.lapsed, p) }
	for {
		var records, others [][]byte // others are reservations, marks and locks
		err := s.read(ctx, func() error {
			records, others = records[:0], others[:0]
			return s.query(ctx, nil, s.due, new(params), func(rows Row) error {
				var r row
				if err := rows.Scan(&r.id, &r.version); err != nil {
					return err
				}
				if r.version > 0 {
					records = append(records, r.id)
				} else {
					others = append(others, r.id)
				}
				return nil
			})
		})
		if err != nil {
			return removed, s.fail(ctx, "sweep", err)
		}
		page := len(records) + len(others)
		n, moved, err := s.inBatches(ctx, remove, records)
		removed += n
		done := n + moved
		if err == nil {
			n, moved, err = s.inBatches(ctx, lapse, others)
			done += n + moved
		}
		if err != nil || page < dueSize || done == 0 { // nothing removed: other nodes are sweeping
			return removed, s.fail(ctx, "sweep", err)
		}
	}
}

// inBatches removes the expired rows of ids and updates the hour of the others.
func (s *store) inBatches(
	ctx context.Context, remove func(ctx context.Context, p *params) (int, error), ids [][]byte,
) (removed, moved int, err error) {
	slices.SortFunc(ids, bytes.Compare) // nodes that lock rows in the same order do not deadlock
	batches := slices.Collect(slices.Chunk(ids, batchSize))
	rand.Shuffle(len(batches), func(i, j int) { batches[i], batches[j] = batches[j], batches[i] })
	for _, batch := range batches {
		begin, p := time.Now(), &params{ids: batch}
		n, err := remove(ctx, p)
		removed += n
		if err == nil && n < len(batch) && !s.beego {
			n, err = s.execSafe(ctx, s.rebucket, p)
			moved += n
		}
		if err != nil {
			return removed, moved, err
		}
		if !pause.For(ctx, time.Since(begin)) {
			return removed, moved, ctx.Err()
		}
	}
	return removed, moved, nil
}

// removeAndTell removes the expired rows of p.ids. It locks and reads them first, because not every database returns what a
// statement has removed.
func (s *store) removeAndTell(ctx context.Context, p *params, expired func(key, user string)) (removed int, err error) {
	type dying struct {
		id   []byte
		user text
	}
	var all []dying
	err = s.do(ctx, func() error {
		all = nil
		return s.within(ctx, []*statement{s.dying, s.expired}, func(tx Tx) error {
			err := s.query(ctx, tx, s.dying, p, func(rows Row) error {
				var d dying
				err := rows.Scan(&d.id, &d.user)
				all = append(all, d)
				return err
			})
			if err != nil || len(all) == 0 {
				return err
			}
			locked := new(params)
			for _, d := range all {
				locked.ids = append(locked.ids, d.id)
			}
			_, err = s.exec(ctx, tx, s.expired, locked)
			return err
		})
	})
	if err != nil {
		return 0, err
	}
	for _, d := range all {
		expired(s.key(d.id), d.user.string)
	}
	return len(all), nil
}

func (s *store) execSafe(ctx context.Context, st *statement, p *params) (n int, err error) {
	err = s.do(ctx, func() error {
		affected, err := s.exec(ctx, nil, st, p)
		n = int(affected)
		return err
	})
	return n, err
}

package sql

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/pause"
)

// A reservation is a row at version 0. The statement that creates a record under its key overwrites it.

// errFull rolls back a transaction of Reserve that found only reservations.
var errFull = errors.New("every place is reserved")

// Reserve implements [driver.UserLimiter]. It uses one transaction, during which no other Reserve for the same user runs.
func (s *store) Reserve(ctx context.Context, user, key string, until time.Time, limit int, evict bool) (evicted []string, err error) {
	if err := checkUser(user); err != nil {
		return nil, err
	}
	used := []*statement{s.lock, s.heldBy, s.evict, s.insert, s.replace, s.load}
	for try := 0; ; try++ {
		err = s.do(ctx, func() error {
			evicted = nil
			return s.within(ctx, used, func(tx Tx) (err error) {
				evicted, err = s.reserve(ctx, tx, user, key, until, limit, evict)
				return err
			})
		})
		if !errors.Is(err, errFull) {
			break
		}
		if evicted = nil; !pause.For(ctx, 5*time.Millisecond+backoff(try)) {
			return nil, s.fail(ctx, "reserve", ctx.Err())
		}
	}
	if err != nil { // rolled back, or unknown if the connection was lost at the end
		return nil, s.fail(ctx, "reserve", err)
	}
	return evicted, nil
}

func (s *store) reserve(
	ctx context.Context, tx Tx, user, key string, until time.Time, limit int, evict bool,
) (evicted []string, err error) {
	before := []*step{{st: s.lock, p: &params{user: user, expires: until}}}
	for {
		records, reserved, there, err := s.held(ctx, tx, before, user, key)
		for _, step := range before {
			if step.st == s.evict && step.rows > 0 {
				evicted = append(evicted, keyOf(step.p.id))
			}
		}
		more := len(records) + reserved + 1 - limit
		switch {
		case err != nil:
			return evicted, err
		case there > 0: // the record of this reservation exists already
			return evicted, nil
		case more <= 0:
			err := s.put(ctx, tx, &params{id: idOf(key), rec: &driver.Record{User: user, Expires: until}})
			if errors.Is(err, driver.ErrExists) { // Create will return the same, and the place is not needed
				err = nil
			}
			return evicted, err
		case !evict:
			return nil, driver.ErrTooManySessions
		case more > len(records):
			return nil, errFull
		}
		before = nil
		for _, id := range records[:more] {
			before = append(before, &step{st: s.evict, p: &params{id: id, user: user}})
		}
		// Check again: a record that was no longer there may have a new key.
	}
}

// held first runs the steps before. It returns the keys of the user's live records, the earliest login first, the number of
// other reservations, and the version under key: 0 for a reservation, which is not counted, or -1 for none.
func (s *store) held(
	ctx context.Context, tx Tx, before []*step, user, key string,
) (records [][]byte, reserved int, there int64, err error) {
	own := idOf(key)
	there = -1
	look := func(found Row) error {
		var r row
		if err := found.Scan(&r.id, &r.version, &r.auth); err != nil {
			return err
		}
		switch {
		case bytes.Equal(r.id, own):
			there = r.version
		case r.version == 0:
			reserved++
		default:
			records = append(records, r.id)
		}
		return nil
	}
	err = s.batch(ctx, tx, append(before, &step{st: s.heldBy, p: &params{user: user}, row: look}))
	return records, reserved, there, err
}

package kv

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/naming"
	"github.com/seed1a8f7c28/session/internal/pause"
)

const (
	batchSize = 100     // how many sessions are removed in one step at most
	stepSize  = 1 << 20 // how many bytes a sweep writes in one step, or those of one session
)

// A gone is a session that a sweep has removed.
type gone struct{ key, user string }

// Sweep implements [driver.Sweeper]. It reads only what is due, and works at most half of the time. During a batch it locks
// the sessions in it, whose deadline has passed or was moved, and nothing else.
func (s *store) Sweep(ctx context.Context, expired func(key, user string)) (removed int, err error) {
	from, _ := s.keysOf(ofDue)
	to := s.dueKey(time.Now().UnixMilli()+1, s.prefix)
	for from != nil {
		begin := time.Now()
		var keys [][]byte
		next, err := s.page("sweep", from, to, batchSize, func(_ Reader, key, _ []byte) { keys = append(keys, bytes.Clone(key)) })
		if err != nil {
			return removed, err
		}
		swept, n, err := s.sweep(ctx, keys)
		removed += len(swept)
		for _, one := range swept {
			if expired != nil {
				expired(one.key, one.user)
			}
		}
		if err != nil {
			return removed, err
		}
		if !pause.For(ctx, time.Since(begin)) {
			return removed, s.fail("sweep", ctx.Err())
		}
		if from = next; n < len(keys) {
			from = keys[n]
		}
	}
	if removed > 0 {
		err = s.fail("sweep", s.handle.collect())
	}
	return removed, err
}

// sweep looks at what the entries d with the first n of these keys are about. It stops when it has much to write, because
// sessions were extended.
func (s *store) sweep(ctx context.Context, keys [][]byte) (swept []gone, n int, err error) {
	locked := make([][]byte, len(keys))
	for i, key := range keys {
		_, about := s.parseDue(key)
		locked[i] = s.sessionKey(idOf(about)) // of no session, if the key has another form
	}
	err = s.update(ctx, "sweep", locked, func(c *change) error {
		for _, key := range keys {
			if c.size() > stepSize {
				break
			}
			n++
			due, about := s.parseDue(key)
			switch {
			case about == nil:
			case about[len(s.prefix)] == ofUser:
				if err := c.sweepReservation(key, due, about); err != nil {
					return err
				}
			default:
				one, err := c.sweepSession(key, due, idOf(about))
				if err != nil {
					return err
				}
				if one != nil {
					swept = append(swept, *one)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	return swept, n, nil
}

// sweepSession removes a session or a mark that has expired, and returns the session. The entry key of one whose deadline
// was moved gets the new one.
func (c *change) sweepSession(key []byte, due int64, id []byte) (*gone, error) {
	st, err := c.at(id)
	switch {
	case errors.Is(err, driver.ErrCorrupt): // another version's
		return nil, nil
	case err != nil:
		return nil, err
	case st == nil || st.due != due: // of something unreadable that was deleted
		c.remove(key)
		return nil, nil
	case st.live(c.now):
		return nil, c.put(id, st, &st.rec)
	case st.isMark():
		return nil, c.put(id, st, nil)
	}
	return &gone{naming.Key(id), st.rec.User}, c.put(id, st, nil)
}

// sweepReservation removes a reservation that has lapsed.
func (c *change) sweepReservation(key []byte, due int64, about []byte) error {
	value, err := c.r.Get(about)
	if err == nil {
		c.remove(key)
		if reservedUntil(value) == due {
			c.remove(about)
		}
	}
	return err
}

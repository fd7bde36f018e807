package kv

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/naming"
	"github.com/seed1a8f7c28/session/internal/pause"
)

var (
	errFull     = errors.New("every place is reserved")
	errUnlocked = errors.New("the sessions that have to go are not locked yet")
)

// The time between two looks for room, which doubles.
const firstPause, lastPause = time.Millisecond, 10 * time.Millisecond

// A place is what a Reserve asks for.
type place struct {
	user  string
	id    []byte
	until int64
	limit int
	evict bool
}

// Reserve implements [driver.UserLimiter]. It holds a lock of the user, so no other Reserve counts at the same time. It
// removes sessions and takes the place in one step.
func (s *store) Reserve(ctx context.Context, user, key string, until time.Time, limit int, evict bool) (evicted []string, err error) {
	p := place{user: user, id: s.id(key), until: until.UnixMilli(), limit: limit, evict: evict}
	// The lock of the index's prefix is the user's: no session has such a key.
	base := [][]byte{s.indexKey(ofUser, user, nil), s.sessionKey(p.id)}
	locked := slices.Clone(base)
	for between := firstPause; ; {
		var victims []driver.Entry
		err := s.update(ctx, "reserve", locked, func(c *change) (err error) {
			victims, err = c.reserve(p, locked)
			return err
		})
		switch {
		case errors.Is(err, errUnlocked):
			locked = slices.Clone(base)
			for _, v := range victims {
				locked = append(locked, s.sessionKey(s.id(v.Key)))
			}
		case errors.Is(err, errFull):
			if !pause.For(ctx, between) {
				return nil, s.fail("reserve", ctx.Err())
			}
			between = min(2*between, lastPause)
		case err != nil:
			return nil, err
		default:
			for _, v := range victims {
				evicted = append(evicted, v.Key)
			}
			return evicted, nil
		}
	}
}

// reserve takes the place if there is room, or makes room. It returns the sessions that go for it. If they are not among
// the locked ones it changes nothing and returns errUnlocked with them.
func (c *change) reserve(p place, locked [][]byte) (victims []driver.Entry, err error) {
	key := c.indexKey(ofUser, p.user, p.id)
	now := c.now.UnixMilli()
	if p.until <= now {
		return nil, c.giveBack(key)
	}
	var records []driver.Entry
	reserved, exists := 0, false
	err = c.eachOf(c.r, ofUser, p.user, func(id, value []byte, st *stored) {
		is := st.live(c.now) && st.rec.User == p.user
		switch {
		case slices.Equal(id, p.id):
			exists = is
		case is:
			records = append(records, entry(id, st))
		case reservedUntil(value) > now:
			reserved++
		}
	})
	over := len(records) + reserved + 1 - p.limit
	switch {
	case err != nil || exists: // the session that the place is for is there already
		return nil, err
	case over > 0 && !p.evict:
		return nil, driver.ErrTooManySessions
	case over > len(records):
		return nil, errFull
	}
	slices.SortFunc(records, func(a, b driver.Entry) int { return a.AuthTime.Compare(b.AuthTime) })
	victims = records[:max(over, 0)]
	for _, v := range victims {
		id := naming.ID(v.Key)
		if !slices.ContainsFunc(locked, func(key []byte) bool { return slices.Equal(key, c.sessionKey(id)) }) {
			return victims, errUnlocked
		}
		st, err := c.live(id)
		if err == nil {
			err = c.put(id, st, nil)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := c.unreserve(key); err != nil {
		return nil, err
	}
	c.set(key, reservation(p.until))
	c.set(c.dueKey(p.until, key), nil)
	return victims, nil
}

// giveBack ends a reservation, if there is one.
func (c *change) giveBack(key []byte) error {
	value, err := c.r.Get(key)
	if err == nil && reservedUntil(value) != 0 {
		if err = c.unreserve(key); err == nil {
			c.remove(key)
		}
	}
	return err
}

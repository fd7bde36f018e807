package kv

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/millis"
)

// A change collects what a call changes, while it reads the store as it is at one moment. The locks that the call holds keep
// others from changing what it has read before its own changes are made.
type change struct {
	*store
	r       Reader
	now     time.Time
	changes []Change
}

// update locks the keys, has f read and collect changes, and makes them. It makes none if f returns an error.
func (s *store) update(ctx context.Context, call string, keys [][]byte, f func(c *change) error) error {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = string(key)
	}
	if s.closed.Load() {
		return s.fail(call, driver.ErrClosed)
	}
	unlock, err := s.handle.locks.lock(ctx, names...)
	if err != nil {
		return s.fail(call, err)
	}
	defer unlock()
	c := &change{store: s}
	err = s.handle.view(func(r Reader) error {
		c.r, c.now = r, time.Now()
		return f(c)
	})
	if err == nil && len(c.changes) > 0 {
		err = s.handle.write(c.changes)
	}
	return s.fail(call, err)
}

// one is update for a call about one session.
func (s *store) one(ctx context.Context, call, key string, f func(c *change, id []byte) error) error {
	id := s.id(key)
	return s.update(ctx, call, [][]byte{s.sessionKey(id)}, func(c *change) error { return f(c, id) })
}

// set and remove collect a change. Both keep their arguments, which must not be the store's memory.
func (c *change) set(key, value []byte) {
	c.changes = append(c.changes, Change{Key: key, Value: value})
}

func (c *change) remove(key []byte) { c.changes = append(c.changes, Change{Key: key, Delete: true}) }

// size returns how many bytes of values the changes have.
func (c *change) size() (n int) {
	for _, one := range c.changes {
		n += len(one.Value)
	}
	return n
}

// at returns what stands under a session's key, live or not, and nil if nothing does.
func (c *change) at(id []byte) (*stored, error) { return c.find(c.r, id) }

// live returns the live session.
func (c *change) live(id []byte) (*stored, error) {
	st, err := c.at(id)
	if err != nil {
		return nil, err
	}
	if !st.live(c.now) || st.isMark() {
		return nil, driver.ErrNotFound
	}
	return st, nil
}

// liveAt returns the live session if it has this version.
func (c *change) liveAt(id []byte, version uint64) (*stored, error) {
	st, err := c.live(id)
	if err == nil && st.rec.Version != version {
		return nil, &driver.ConflictError{Record: st.own()}
	}
	return st, err
}

// free returns what a new session or mark under the key replaces, which may be nil. It returns an error if that is live.
func (c *change) free(id []byte) (*stored, error) {
	st, err := c.at(id)
	if err == nil && st.live(c.now) {
		return nil, driver.ErrExists
	}
	return st, err
}

// put puts rec, and its entries, in the place of old. Each may be nil for nothing.
func (c *change) put(id []byte, old *stored, rec *driver.Record) error {
	kept := old.live(c.now) // its entries are its own; under an expired one's key there may be a reservation by now
	if old == nil {
		old = new(stored)
	}
	if rec == nil {
		rec = new(driver.Record)
	}
	if err := c.index(ofUser, id, kept, old.rec.User, rec.User); err != nil {
		return err
	}
	if err := c.index(ofAlias, id, kept, old.rec.Alias, rec.Alias); err != nil {
		return err
	}
	key, is := c.sessionKey(id), rec.Version != 0
	due := dueOf(rec)
	if old.raw != nil && is && c.now.UnixMilli() < old.due && old.due <= due {
		due = old.due // early enough
	} else {
		if old.raw != nil {
			c.remove(c.dueKey(old.due, key))
		}
		if is {
			c.set(c.dueKey(due, key), nil)
		}
	}
	if !is {
		c.remove(key)
		return nil
	}
	value, err := encode(due, rec)
	if err == nil {
		c.set(key, value)
	}
	return err
}

// index moves the session's entry from one name to another, each of which may be empty. A reservation under the new name
// ends. One under the old name, which is there only if the session was not kept until now, stays.
func (c *change) index(of byte, id []byte, kept bool, old, name string) error {
	if old == name && (kept || name == "") {
		return nil
	}
	if old != "" && old != name {
		key := c.indexKey(of, old, id)
		value, err := c.r.Get(key)
		if err != nil {
			return err
		}
		if reservedUntil(value) == 0 {
			c.remove(key)
		}
	}
	if name == "" {
		return nil
	}
	key := c.indexKey(of, name, id)
	if err := c.unreserve(key); err != nil {
		return err
	}
	c.set(key, nil)
	return nil
}

// unreserve removes the entry d of a reservation. If key has none, it does nothing.
func (c *change) unreserve(key []byte) error {
	value, err := c.r.Get(key)
	if until := reservedUntil(value); until != 0 {
		c.remove(c.dueKey(until, key))
	}
	return err
}

// drop removes what cannot be read. Its user and its alias are unknown: their entries stay, and find nothing.
func (c *change) drop(id []byte, old *stored) {
	key := c.sessionKey(id)
	c.remove(key)
	if len(old.raw) >= timeLen {
		c.remove(c.dueKey(old.due, key))
	}
}

// extend moves the deadline of a stored record, in place.
func (c *change) extend(id []byte, old *stored, expires time.Time) {
	value := append([]byte(nil), old.raw...)
	binary.BigEndian.PutUint64(value[timeLen+driver.RecordExpiresOffset:], uint64(millis.Of(expires)))
	c.set(c.sessionKey(id), value)
}

// find returns what stands under a session's key, and nil if nothing does.
func (s *store) find(r Reader, id []byte) (*stored, error) {
	value, err := r.Get(s.sessionKey(id))
	if err != nil || len(value) == 0 {
		return nil, err
	}
	return decode(value)
}

func (st *stored) live(now time.Time) bool { return st != nil && st.rec.Live(now) }
func (st *stored) isMark() bool            { return st.rec.Version == driver.MarkVersion }

// fail wraps an error of the store, and leaves those of the contract as they are.
func (s *store) fail(call string, err error) error {
	if err == nil || isOurs(err) {
		return err
	}
	return fmt.Errorf("session/%s: %s: %w", s.engine, call, err)
}

package kv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/naming"
)

// A store is the [driver.Backend] of one namespace in one store.
type store struct {
	engine string
	handle *handle
	prefix []byte // of all keys
	closed atomic.Bool
}

var (
	_ driver.Renamer     = (*store)(nil)
	_ driver.Marker      = (*store)(nil)
	_ driver.Counter     = (*store)(nil)
	_ driver.Sweeper     = (*store)(nil)
	_ driver.Lister      = (*store)(nil)
	_ driver.UserLister  = (*store)(nil)
	_ driver.AliasLister = (*store)(nil)
	_ driver.UserLimiter = (*store)(nil)
	_ driver.Clearer     = (*store)(nil)
	_ driver.Pinger      = (*store)(nil)
	_ io.Closer          = (*store)(nil)
)

func (s *store) id(key string) []byte { return naming.ID(key) }

// isOurs reports whether the contract says what err means. Such an error is no failure of the store.
func isOurs(err error) bool {
	_, conflict := errors.AsType[*driver.ConflictError](err)
	for _, known := range []error{
		driver.ErrNotFound, driver.ErrExists, driver.ErrTooManySessions, driver.ErrCorrupt, driver.ErrTooLarge, driver.ErrClosed,
	} {
		conflict = conflict || errors.Is(err, known)
	}
	return conflict
}

// view reads the store as it is at one moment.
func (s *store) view(call string, f func(r Reader) error) error {
	if s.closed.Load() {
		return s.fail(call, driver.ErrClosed)
	}
	return s.fail(call, s.handle.view(f))
}

// Close implements [io.Closer]. The last one that shares the store closes it, after the calls that are under way.
func (s *store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.fail("close", s.handle.release())
}

// Ping implements [driver.Pinger]. It deletes a key that does not exist, as durably as any other change.
func (s *store) Ping(ctx context.Context) error {
	key := s.key(ofPing)
	return s.update(ctx, "ping", [][]byte{key}, func(c *change) error {
		c.remove(key)
		return nil
	})
}

// Create implements [driver.Backend].
func (s *store) Create(ctx context.Context, key string, rec *driver.Record) error {
	next := *rec
	next.Version = 1
	err := s.one(ctx, "create", key, func(c *change, id []byte) error {
		old, err := c.free(id)
		if err != nil {
			return err
		}
		return c.put(id, old, &next)
	})
	if err == nil {
		rec.Version = 1
	}
	return err
}

// Load implements [driver.Backend].
func (s *store) Load(_ context.Context, key string, rec *driver.Record) error {
	return s.view("load", func(r Reader) error {
		st, err := s.find(r, s.id(key))
		switch {
		case err != nil:
			return err
		case !st.live(time.Now()):
			return driver.ErrNotFound
		case st.isMark():
			mark, _ := st.own().Mark()
			return &driver.MarkedError{Mark: mark}
		case rec.MaxData > 0 && len(st.rec.Data) > rec.MaxData:
			return fmt.Errorf("%w: the values have more than %d bytes", driver.ErrTooLarge, rec.MaxData)
		}
		*rec = *st.own()
		return nil
	})
}

// Save implements [driver.Backend].
func (s *store) Save(ctx context.Context, key string, rec *driver.Record) error {
	next := *rec
	next.Version++
	err := s.one(ctx, "save", key, func(c *change, id []byte) error {
		old, err := c.liveAt(id, rec.Version)
		if err != nil {
			return err
		}
		if next.Expires = rec.Expires; old.rec.Expires.After(next.Expires) && !rec.Shorten {
			next.Expires = old.rec.Expires
		}
		return c.put(id, old, &next)
	})
	if err == nil {
		rec.Version = next.Version
	}
	return err
}

// Touch implements [driver.Backend]. It writes nothing if the deadline is already that late.
func (s *store) Touch(ctx context.Context, key string, expires time.Time) error {
	return s.one(ctx, "touch", key, func(c *change, id []byte) error {
		old, err := c.live(id)
		if err == nil && expires.After(old.rec.Expires) {
			c.extend(id, old, expires)
		}
		return err
	})
}

// Delete implements [driver.Backend]. It writes nothing if there is nothing to remove.
func (s *store) Delete(ctx context.Context, key string, version uint64) error {
	return s.one(ctx, "delete", key, func(c *change, id []byte) error {
		if version != 0 {
			old, err := c.liveAt(id, version)
			if err != nil {
				return err
			}
			return c.put(id, old, nil)
		}
		old, err := c.at(id)
		switch {
		case errors.Is(err, driver.ErrCorrupt): // a logout must work
			c.drop(id, old)
			return nil
		case err != nil || old == nil || old.live(c.now) && old.isMark():
			return err
		}
		return c.put(id, old, nil)
	})
}

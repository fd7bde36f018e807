package memcache

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/framing"
)

// A store is the [driver.Backend] of one namespace.
type store struct {
	*client
	layout layout
}

var errKey = errors.New("session/memcache: a storage key must consist of letters, digits, - and _")

func (s *store) exptime(expires time.Time) int32 {
	return exptime(expires, time.Now(), s.layout.later())
}

// Create implements [driver.Backend].
func (s *store) Create(ctx context.Context, key string, rec *driver.Record) error {
	name, ok := s.layout.name(key)
	if !ok {
		return errKey
	}
	first := *rec
	first.Version = 0
	value, version, err := s.encode(first)
	if err != nil {
		return err
	}
	err = s.place(ctx, "create", &memcache.Item{Key: name, Value: value, Expiration: s.exptime(rec.Expires)})
	if err == nil {
		rec.Version = version
	}
	return err
}

// encode returns the layout's encoding, or an error if no connection would let the value through when it is read.
func (s *store) encode(rec driver.Record) (value []byte, version uint64, err error) {
	value, version, err = s.layout.encode(rec)
	if err == nil && len(value) > framing.MaxValue {
		err = fmt.Errorf("session/memcache: %w: %d bytes, %d allowed", driver.ErrTooLarge, len(value), framing.MaxValue)
	}
	return value, version, err
}

// place stores item if the key has no record and no mark. If the connection is cut it looks whether item was stored, and does not send
// it again: the server may get the first one late, and bring back what has been deleted in between.
func (s *store) place(ctx context.Context, op string, item *memcache.Item) error {
	for {
		err := s.add(ctx, item)
		switch {
		case cut(err):
			if there, getErr := s.get(ctx, item.Key); getErr == nil && bytes.Equal(there.Value, item.Value) {
				return nil
			}
		case errors.Is(err, memcache.ErrNotStored):
			err = s.replace(ctx, item)
		}
		switch {
		case errors.Is(err, memcache.ErrCacheMiss): // it was removed in between
		case errors.Is(err, driver.ErrExists):
			return err
		default:
			return fail(op, err)
		}
	}
}

// replace stores item in place of a record that has expired but that memcached has not dropped yet.
func (s *store) replace(ctx context.Context, item *memcache.Item) error {
	there, err := s.get(ctx, item.Key)
	if err != nil {
		return err
	}
	if rec, err := s.layout.decode(there.Value); err != nil || rec.Live(time.Now()) {
		return driver.ErrExists
	}
	expired := *item
	expired.CasID = there.CasID
	if err = s.cas(ctx, &expired); errors.Is(err, memcache.ErrCASConflict) {
		return memcache.ErrCacheMiss // look again
	}
	return err
}

// Load implements [driver.Backend].
func (s *store) Load(ctx context.Context, key string, rec *driver.Record) error {
	found, item, err := s.load(ctx, "load", key)
	if err != nil {
		if mark, marked := found.Mark(); marked {
			err = &driver.MarkedError{Mark: mark}
		}
		return err
	}
	s.seen.Put(key, sighting{Version: found.Version, Expires: found.Expires, State: item.CasID})
	*rec = found
	return nil
}

// load returns the live record under key, and its item. For a mark it returns both and [driver.ErrNotFound].
func (s *store) load(ctx context.Context, op, key string) (rec driver.Record, item *memcache.Item, err error) {
	name, ok := s.layout.name(key)
	if !ok {
		return rec, nil, driver.ErrNotFound
	}
	item, err = s.get(ctx, name)
	if errors.Is(err, memcache.ErrCacheMiss) {
		return rec, nil, driver.ErrNotFound
	} else if err != nil {
		return rec, nil, fail(op, err)
	}
	found, err := s.layout.decode(item.Value)
	if err != nil {
		return rec, nil, err
	}
	if !found.Live(time.Now()) {
		return rec, nil, driver.ErrNotFound
	}
	if _, marked := found.Mark(); marked {
		return found, item, driver.ErrNotFound
	}
	return found, item, nil
}

// Save implements [driver.Backend].
func (s *store) Save(ctx context.Context, key string, rec *driver.Record) error {
	var version uint64
	err := s.swap(ctx, "save", key, rec.Version, func(item *memcache.Item, expires time.Time) (err error) {
		next := *rec
		if !rec.Shorten && expires.After(rec.Expires) {
			next.Expires = expires
		}
		item.Expiration = s.exptime(next.Expires)
		item.Value, version, err = s.encode(next)
		return err
	})
	if err == nil {
		rec.Version = version
	}
	return err
}

// swap replaces the live record under key, if it has this version, with the result of change for an empty item. expires is
// the time in the stored record. If the version was loaded here and nobody has written since, swap takes one round trip.
func (s *store) swap(
	ctx context.Context, op, key string, version uint64, change func(item *memcache.Item, expires time.Time) error,
) error {
	name, ok := s.layout.name(key)
	if !ok {
		return driver.ErrNotFound
	}
	at, known := s.seen.Take(key, version, time.Now())
	for {
		if !known {
			found, item, err := s.load(ctx, op, key)
			switch {
			case err != nil:
				return err
			case found.Version != version:
				s.seen.Put(key, sighting{Version: found.Version, Expires: found.Expires, State: item.CasID}) // the caller will try again
				now := found
				return &driver.ConflictError{Record: &now}
			}
			at = sighting{Version: version, Expires: found.Expires, State: item.CasID}
		}
		item := &memcache.Item{Key: name, CasID: at.State}
		if err := change(item, at.Expires); err != nil {
			return err
		}
		switch err := s.cas(ctx, item); {
		case errors.Is(err, memcache.ErrCacheMiss):
			return driver.ErrNotFound
		case !errors.Is(err, memcache.ErrCASConflict):
			return fail(op, err)
		}
		known = false // somebody has written: a new version, or only a later deadline
	}
}

// Touch implements [driver.Backend]. memcached's own touch would not change the deadline in the record.
func (s *store) Touch(ctx context.Context, key string, expires time.Time) error {
	for {
		found, item, err := s.load(ctx, "touch", key)
		if err != nil {
			return err
		}
		if !expires.After(found.Expires) {
			return nil
		}
		binary.BigEndian.PutUint64(item.Value[driver.RecordExpiresOffset:], uint64(expires.UnixMilli()))
		item.Expiration = s.exptime(expires)
		switch err = s.cas(ctx, item); {
		case errors.Is(err, memcache.ErrCacheMiss):
			return driver.ErrNotFound
		case !errors.Is(err, memcache.ErrCASConflict):
			return fail("touch", err)
		}
	}
}

// Delete implements [driver.Backend]. memcached's delete removes any version. For a certain version, Delete stores an empty
// item that expires at once.
func (s *store) Delete(ctx context.Context, key string, version uint64) error {
	if version != 0 {
		return s.swap(ctx, "delete", key, version, func(item *memcache.Item, _ time.Time) error {
			item.Expiration = atOnce
			return nil
		})
	}
	name, ok := s.layout.name(key)
	if !ok {
		return nil
	}
	return fail("delete", s.remove(ctx, name))
}

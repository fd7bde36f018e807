// Package cas stores records in single items with compare-and-set, as memcached and Couchbase have them. It is the whole
// [driver.Backend] over a few calls of an engine.
//
// Every write is an [Items.Add] or an [Items.Replace], never a set. So a save changes nothing unless the version is the
// expected one. Load remembers the item's number in this process, for a few thousand items. Saving a session that was loaded
// here, and has not been changed since, therefore takes one call.
package cas

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/seen"
)

// An Item is what stands under a name.
type Item struct {
	Value   []byte    // belongs to the receiver
	Number  uint64    // changes with each write; 0 to add an item
	Expires time.Time // of an item to be written: when the record ends. The engine may keep the item for longer
}

// Items are the calls of an engine. They are safe for concurrent use, and end at the deadline of their context. They return
// errors of this package, and otherwise errors of the client, which Fail wraps.
type Items interface {
	// Get returns an item, or [ErrMiss].
	Get(ctx context.Context, name string) (Item, error)
	// Add stores an item, or returns [ErrTaken].
	Add(ctx context.Context, name string, item Item) error
	// Replace stores an item in place of the one with item.Number, or returns [ErrMiss] or [ErrChanged].
	Replace(ctx context.Context, name string, item Item) error
	// Remove removes the item with this number, 0 for any, or returns [ErrMiss] or [ErrChanged].
	Remove(ctx context.Context, name string, number uint64) error
	// Touch only moves the time until when the engine keeps the item, or returns [ErrMiss].
	Touch(ctx context.Context, name string, expires time.Time) error

	driver.Pinger
	io.Closer

	// Fail returns the error of an operation as callers see it: once wrapped, and without names and values. It returns nil
	// for nil.
	Fail(op string, err error) error
	// Cut reports whether a call with this error may have been made although its answer is lost. For nil it returns false.
	Cut(err error) bool
}

// Seen is what a process knows of the items' numbers: see [seen.Map]. An engine whose numbers may begin again, as after a
// restart, clears it then.
type Seen = seen.Map[uint64]

// The answers about an item.
var (
	ErrMiss    = errors.New("no such item")
	ErrTaken   = errors.New("there is such an item")
	ErrChanged = errors.New("the item has another number")
)

// A Form is how an engine wants names and values.
type Form struct {
	Name     string // of the provider, for errors
	MaxName  int    // maximum bytes of a name
	MaxValue int    // maximum bytes of a value
}

// New returns a backend for c. It implements [driver.Pinger], [io.Closer] and, except with c.Beego, [driver.Marker]. An engine
// of this kind cannot list its items, so the result implements no interface that needs a list.
func New(items Items, known *Seen, form Form, c driver.Config) driver.Backend {
	if c.Beego {
		return &beegoStore{store{items, form, beego{form, c.Lifetime}, known}}
	}
	return &marker{store{items, form, records{form, Prefix(c.Namespace)}, known}}
}

// Later is how much longer an engine keeps an item than the record lives, at least: the deadline in the record ends the
// session, and the engine's clock may be a little ahead. In beego's layout nothing else ends the session.
func Later(isBeego bool) time.Duration {
	if isBeego {
		return time.Second
	}
	return time.Minute
}

// A store is the [driver.Backend] of one namespace.
type store struct {
	Items
	form   Form
	layout layout
	seen   *Seen
}

// A sighting is what is known of an item. Its State is the item's number.
type sighting = seen.At[uint64]

func (f Form) wrap(err error) error { return fmt.Errorf("session/%s: %w", f.Name, err) }

// errKey returns the error for a key that cannot be a storage key.
func (s *store) errKey() error {
	return s.form.wrap(errors.New("a storage key must consist of letters, digits, - and _"))
}

// Create implements [driver.Backend].
func (s *store) Create(ctx context.Context, key string, rec *driver.Record) error {
	name, ok := s.layout.name(key)
	if !ok {
		return s.errKey()
	}
	first := *rec
	first.Version = 0
	value, version, err := s.encode(first)
	if err != nil {
		return err
	}
	if err = s.place(ctx, "create", name, Item{Value: value, Expires: rec.Expires}); err == nil {
		rec.Version = version
	}
	return err
}

// encode returns the layout's encoding, or an error if nothing so long can be stored, or read again.
func (s *store) encode(rec driver.Record) (value []byte, version uint64, err error) {
	value, version, err = s.layout.encode(rec)
	if most := s.form.MaxValue; err == nil && len(value) > most {
		err = s.form.wrap(fmt.Errorf("%w: %d bytes, %d allowed", driver.ErrTooLarge, len(value), most))
	}
	return value, version, err
}

// place stores item if there is no record and no mark. If the answer is lost it looks whether item was stored, and does not
// send it again: the engine may get the first one late, and bring back what has been deleted in between.
func (s *store) place(ctx context.Context, op, name string, item Item) error {
	for {
		err := s.Add(ctx, name, item)
		switch {
		case s.Cut(err):
			if there, getErr := s.Get(ctx, name); getErr == nil && bytes.Equal(there.Value, item.Value) {
				return nil
			}
		case errors.Is(err, ErrTaken):
			err = s.overExpired(ctx, name, item)
		}
		switch {
		case errors.Is(err, ErrMiss): // it was removed in between
		case errors.Is(err, driver.ErrExists):
			return err
		default:
			return s.Fail(op, err)
		}
	}
}

// overExpired stores item in place of a record that has expired but that the engine still has.
func (s *store) overExpired(ctx context.Context, name string, item Item) error {
	there, err := s.Get(ctx, name)
	if err != nil {
		return err
	}
	if rec, err := s.layout.decode(there.Value); err != nil || rec.Live(time.Now()) {
		return driver.ErrExists
	}
	item.Number = there.Number
	if err = s.Replace(ctx, name, item); errors.Is(err, ErrChanged) {
		return ErrMiss // look again
	}
	return err
}

// Load implements [driver.Backend].
func (s *store) Load(ctx context.Context, key string, rec *driver.Record) error {
	name, ok := s.layout.name(key)
	if !ok {
		return driver.ErrNotFound
	}
	found, item, err := s.load(ctx, "load", name)
	if err != nil {
		if mark, marked := found.Mark(); marked {
			err = &driver.MarkedError{Mark: mark}
		}
		return err
	}
	s.seen.Put(key, sighting{Version: found.Version, Expires: found.Expires, State: item.Number})
	*rec = found
	return nil
}

// load returns the live record under name, and its item. For a mark it returns both and [driver.ErrNotFound].
func (s *store) load(ctx context.Context, op, name string) (rec driver.Record, item Item, err error) {
	item, err = s.Get(ctx, name)
	if errors.Is(err, ErrMiss) {
		return rec, item, driver.ErrNotFound
	} else if err != nil {
		return rec, item, s.Fail(op, err)
	}
	found, err := s.layout.decode(item.Value)
	if err != nil {
		return rec, item, err
	}
	if !found.Live(time.Now()) {
		return rec, item, driver.ErrNotFound
	}
	if _, marked := found.Mark(); marked {
		return found, item, driver.ErrNotFound
	}
	return found, item, nil
}

// Save implements [driver.Backend].
func (s *store) Save(ctx context.Context, key string, rec *driver.Record) error {
	var version uint64
	err := s.swap(ctx, "save", key, rec.Version, func(item *Item, expires time.Time) (err error) {
		next := *rec
		if !rec.Shorten && expires.After(rec.Expires) {
			next.Expires = expires
		}
		item.Expires = next.Expires
		item.Value, version, err = s.encode(next)
		return err
	})
	if err == nil {
		rec.Version = version
	}
	return err
}

// swap replaces the live record under key, if it has this version, with the item that change fills in, or removes it if
// change is nil. expires is the time in the stored record. If the version was loaded here and nobody has written since, swap
// takes one call.
func (s *store) swap(
	ctx context.Context, op, key string, version uint64, change func(item *Item, expires time.Time) error,
) error {
	name, ok := s.layout.name(key)
	if !ok {
		return driver.ErrNotFound
	}
	at, known := s.seen.Take(key, version, time.Now())
	for {
		if !known {
			found, item, err := s.load(ctx, op, name)
			switch {
			case err != nil:
				return err
			case found.Version != version:
				s.seen.Put(key, sighting{Version: found.Version, Expires: found.Expires, State: item.Number}) // the caller will try again
				return &driver.ConflictError{Record: &found}
			}
			at = sighting{Version: version, Expires: found.Expires, State: item.Number}
		}
		var err error
		if change == nil {
			err = s.Remove(ctx, name, at.State)
		} else {
			item := Item{Number: at.State}
			if err := change(&item, at.Expires); err != nil {
				return err
			}
			err = s.Replace(ctx, name, item)
		}
		switch {
		case errors.Is(err, ErrMiss):
			return driver.ErrNotFound
		case !errors.Is(err, ErrChanged):
			return s.Fail(op, err)
		}
		known = false // somebody has written: a new version, or only a later deadline
	}
}

// Touch implements [driver.Backend]. [Items.Touch] would not change the deadline in the record.
func (s *store) Touch(ctx context.Context, key string, expires time.Time) error {
	name, ok := s.layout.name(key)
	if !ok {
		return driver.ErrNotFound
	}
	for {
		found, item, err := s.load(ctx, "touch", name)
		if err != nil {
			return err
		}
		if !expires.After(found.Expires) {
			return nil
		}
		binary.BigEndian.PutUint64(item.Value[driver.RecordExpiresOffset:], uint64(expires.UnixMilli()))
		item.Expires = expires
		switch err = s.Replace(ctx, name, item); {
		case errors.Is(err, ErrMiss):
			return driver.ErrNotFound
		case !errors.Is(err, ErrChanged):
			return s.Fail("touch", err)
		}
	}
}

// Delete implements [driver.Backend].
func (s *store) Delete(ctx context.Context, key string, version uint64) error {
	if version != 0 {
		return s.swap(ctx, "delete", key, version, nil)
	}
	name, ok := s.layout.name(key)
	if !ok {
		return nil
	}
	err := s.Remove(ctx, name, 0)
	if errors.Is(err, ErrMiss) {
		return nil
	}
	return s.Fail("delete", err)
}

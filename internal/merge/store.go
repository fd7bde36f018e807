package merge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A Store keeps the sessions of one manager in a backend. Its methods may be called at the same time, for different Drafts.
type Store struct {
	Backend  driver.Backend // where they are
	Envelope Envelope       // how their values are packed
	Queue    *Queue         // all Stores of a backend in this process have the same
	Local    bool           // all nodes are in this process: nobody else saves, and nothing waits
	MarkFor  time.Duration  // for how long a mark stands where a session has got another key; 0 if there are none
}

// Moved is the kind of a mark that stands where a session has got another key, or where a login has found none. It has no
// target.
const Moved = 1

// mark returns the mark that a session leaves under its key now, or none.
func (s *Store) mark() driver.Mark {
	if s.MarkFor == 0 {
		return driver.Mark{}
	}
	return driver.Mark{Kind: Moved, Expires: time.Now().Add(s.MarkFor)}
}

// Mark leaves a mark under key, if nothing stands there.
func (s *Store) Mark(ctx context.Context, key string) error {
	m, ok := driver.As[driver.Marker](s.Backend)
	if !ok || s.MarkFor == 0 {
		return nil
	}
	if err := m.Mark(ctx, key, 0, s.mark()); !errors.Is(err, driver.ErrExists) {
		return err
	}
	return nil
}

// An Outcome is what a call has met. It is valid with an error, too.
type Outcome struct {
	Conflicts int       // tries that others were faster than
	Failed    bool      // the backend has failed, or has refused to create
	Gone      bool      // there is no record any more: the error wraps driver.ErrNotFound
	Sooner    time.Time // the new idle deadline, if it may be an earlier one
	Due       bool      // what was loaded is due to have its idle deadline moved
}

// failed notes an error of the backend, which it returns.
func (o *Outcome) failed(err error) error {
	o.Gone = errors.Is(err, driver.ErrNotFound)
	o.Failed = !o.Gone
	return err
}

// Load makes the live record under key d's view, without changes. What is not live is [driver.ErrNotFound].
func (s *Store) Load(ctx context.Context, key string, d *Draft) (out Outcome, err error) {
	rec := NewRecord()
	defer FreeRecord(rec)
	if err := s.load(ctx, key, rec); err != nil {
		return out, out.failed(err)
	}
	now := time.Now()
	if !rec.Live(now) {
		return out, out.failed(driver.ErrNotFound)
	}
	c, err := s.Envelope.Open(key, rec)
	if err != nil {
		return out, err
	}
	d.Key, rec.Expires = key, Bounded(now, rec.Expires, rec.Deadline)
	d.Take(rec, &c, s.Envelope.Lifetimes.Of(c.Meta))
	if d.Log != nil {
		d.Log.Reset()
	}
	out.Due = s.Envelope.Lifetimes.Due(now, &d.View)
	return out, nil
}

// Reload makes the record under d's key d's view, with d's changes as they are on it. With an error d is as it was.
func (s *Store) Reload(ctx context.Context, d *Draft) (out Outcome, err error) {
	if d.isUnclear() {
		return out, errUnclear // which Save finds out, as long as the versions are those that it was made at
	}
	var now Draft
	if out, err = s.Load(ctx, d.Key, &now); err != nil {
		return out, err
	}
	return out, s.Rebase(d, &now)
}

// load is the backend's Load, of a record that can be opened.
func (s *Store) load(ctx context.Context, key string, rec *driver.Record) error {
	rec.MaxData = s.Envelope.MaxData()
	return s.Backend.Load(ctx, key, rec)
}

// Create stores a session for the first time, with d's changes, under key and for user, who logs in unless it is "". It is
// [driver.ErrExists] if there is one under key.
func (s *Store) Create(ctx context.Context, key string, d *Draft, user string) (out Outcome, err error) {
	p, err := s.Envelope.Apply(s.Envelope.head(), Contents{Codec: s.Envelope.Codec}, d.Changes(), d.cookieSent())
	if err != nil {
		return out, err
	}
	rec := NewRecord()
	defer FreeRecord(rec)
	*rec = p.Life.Begin(time.Now())
	if user != "" {
		p.Life.LogIn(rec, s.Envelope.StoredNames(user)[0])
	}
	s.Envelope.pack(key, rec, &p)
	if err := s.Backend.Create(ctx, key, rec); err != nil {
		out.Failed = true
		return out, fmt.Errorf("session: create: %w", err)
	}
	s.stored(d, key, rec, &p)
	return out, nil
}

// stored makes rec, which was stored under key with this payload, the view, with nothing left to store.
func (s *Store) stored(d *Draft, key string, rec *driver.Record, p *Payload) {
	d.Key = key
	d.Take(rec, &p.Contents, p.Life)
	if d.Log != nil {
		d.Log.stored()
	}
}

// Touch moves the idle deadline to the session's lifetime from now. It is a save where the record must be sealed anew, or has to
// say when the cookie was sent.
func (s *Store) Touch(ctx context.Context, d *Draft) (out Outcome, err error) {
	if d.Stale || d.cookieSent() != 0 {
		return s.refresh(ctx, d, false)
	}
	expires := d.Life.Extended(time.Now(), d.Expires(), d.Deadline())
	if err := s.Backend.Touch(ctx, d.Key, expires); err != nil {
		return out, fmt.Errorf("session: touch: %w", out.failed(err))
	}
	d.SetExpires(expires)
	return out, nil
}

// Reseal brings the record under key to the first key of encryption, if it is not there yet. That it is gone is no error.
func (s *Store) Reseal(ctx context.Context, key string) error {
	var d Draft
	_, err := s.Load(ctx, key, &d)
	if err == nil && d.Stale {
		_, err = s.refresh(ctx, &d, true)
	}
	if errors.Is(err, driver.ErrNotFound) {
		return nil
	}
	return err
}

// Rebase gives d the key and the view of another Draft, which is of the same session under another key. Updates run again, on
// its values. It is an error if those may hold an update already.
func (s *Store) Rebase(d, onto *Draft) error {
	if d.isUnclear() {
		for _, was := range d.Log.sent {
			if d.Log.repeats(was.changes) {
				return fmt.Errorf("session: save: %w", errUnclear)
			}
		}
		d.Log.sent = nil // versions under another key tell nothing
	}
	if c := d.Changes(); !c.Empty() {
		changes, err := c.replayed(onto.Codec, s.Envelope.Codec, onto.Values)
		if err != nil {
			return err
		}
		d.Log.Changes = changes
	}
	d.Key, d.View = onto.Key, onto.View
	return nil
}

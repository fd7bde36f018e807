package merge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A Store keeps the sessions of one manager in a backend. Its methods may be called concurrently, for different Drafts.
type Store struct {
	Backend  driver.Backend // stores the sessions
	Keeper   Keeper         // the Backend, if it is a Keeper; otherwise nil
	Envelope Envelope       // packs the values
	Queue    *Queue         // shared by all Stores of a backend in this process
	Local    bool           // all nodes are in this process: nobody else saves, and nothing waits
	MarkFor  time.Duration  // how long a mark stays when a session gets another key; 0 for no marks
}

// Moved is the kind of a mark under the old key of a session that has got another key, or under a key for which a login has
// found no session. It has no target.
const Moved = 1

// mark returns the mark that a session leaves under its key now, or no mark.
func (s *Store) mark() driver.Mark {
	if s.MarkFor == 0 {
		return driver.Mark{}
	}
	return driver.Mark{Kind: Moved, Expires: time.Now().Add(s.MarkFor)}
}

// Mark leaves a mark under key, if the key has neither a record nor a mark.
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

// An Outcome reports what happened during a call. It is valid even if the call returns an error.
type Outcome struct {
	Conflicts int       // tries in which others were faster
	Failed    bool      // the backend has failed, or has refused to create
	Gone      bool      // there is no record any more: the error wraps driver.ErrNotFound
	Sooner    time.Time // the new idle deadline, if it may be earlier than before
	Due       bool      // the idle deadline of what was loaded must be moved
}

// failed records an error of the backend, and returns it.
func (o *Outcome) failed(err error) error {
	o.Gone = errors.Is(err, driver.ErrNotFound)
	o.Failed = !o.Gone
	return err
}

// Load makes the live record under key d's view, without changes. If there is none, the error is [driver.ErrNotFound].
func (s *Store) Load(ctx context.Context, key string, d *Draft) (out Outcome, err error) {
	if s.keeps() {
		now := time.Now()
		switch opened, err := s.loadKept(key, now, d); {
		case err != nil:
			return out, out.failed(err)
		case opened:
			out.Due = s.loaded(key, now, d)
			return out, nil
		}
	}
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
	rec.Expires = Bounded(now, rec.Expires, rec.Deadline)
	d.Take(rec, &c)
	out.Due = s.loaded(key, now, d)
	return out, nil
}

// loaded records that d's version was just loaded from key. It reports whether the idle deadline must be moved.
func (s *Store) loaded(key string, now time.Time, d *Draft) (due bool) {
	d.Key = key
	if d.Log != nil {
		d.Log.Reset()
	}
	return s.Envelope.Lifetimes.Due(now, d)
}

// Reload makes the record under d's key d's view, and keeps d's changes. After an error d is unchanged.
func (s *Store) Reload(ctx context.Context, d *Draft) (out Outcome, err error) {
	if d.isUnclear() {
		return out, errUnclear // Save will find out, but only while the versions are those on which it was made
	}
	var now Draft
	if out, err = s.Load(ctx, d.Key, &now); err != nil {
		return out, err
	}
	return out, s.Rebase(d, &now)
}

// load is the backend's Load, for a record that can be opened.
func (s *Store) load(ctx context.Context, key string, rec *driver.Record) error {
	rec.MaxData = s.Envelope.MaxData()
	return s.Backend.Load(ctx, key, rec)
}

// Create stores a new session with d's changes, under key and for user, who logs in unless user is "". The error is
// [driver.ErrExists] if key already has a session.
func (s *Store) Create(ctx context.Context, key string, d *Draft, user string) (out Outcome, err error) {
	head := s.Envelope.head()
	if s.keeps() {
		head = 0
	}
	p, err := s.Envelope.Apply(head, Contents{Codec: s.Envelope.Codec}, d.Changes(), d.cookieSent())
	if err != nil {
		return out, err
	}
	rec := NewRecord()
	defer FreeRecord(rec)
	*rec = p.Life.Begin(time.Now())
	if user != "" {
		p.Life.LogIn(rec, s.Envelope.StoredNames(user)[0])
	}
	if s.keeps() {
		err = s.createKept(key, d, rec, &p)
	} else {
		s.Envelope.pack(key, rec, &p)
		if err = s.Backend.Create(ctx, key, rec); err == nil {
			s.stored(d, key, rec, &p)
		}
	}
	if err != nil {
		out.Failed = true
		return out, fmt.Errorf("session: create: %w", err)
	}
	return out, nil
}

// stored makes rec, which was stored under key with payload p, the view, with an empty log.
func (s *Store) stored(d *Draft, key string, rec *driver.Record, p *Payload) {
	d.Take(rec, &p.Contents)
	d.stored(key)
}

// Touch moves the idle deadline to the session's lifetime from now. It saves the record instead if the record must be
// sealed again or must store when the cookie was sent.
func (s *Store) Touch(ctx context.Context, d *Draft) (out Outcome, err error) {
	if d.rare().stale || d.cookieSent() != 0 {
		return s.refresh(ctx, d, false)
	}
	expires := s.Envelope.Lifetimes.Of(d.rare().meta).Extended(time.Now(), d.Expires(), d.Deadline())
	if err := s.Backend.Touch(ctx, d.Key, expires); err != nil {
		return out, fmt.Errorf("session: touch: %w", out.failed(err))
	}
	d.SetExpires(expires)
	return out, nil
}

// Reseal seals the record under key with the first key, if it is not yet. A missing record is not an error.
func (s *Store) Reseal(ctx context.Context, key string) error {
	var d Draft
	_, err := s.Load(ctx, key, &d)
	if err == nil && d.rare().stale {
		_, err = s.refresh(ctx, &d, true)
	}
	if errors.Is(err, driver.ErrNotFound) {
		return nil
	}
	return err
}

// Rebase gives d the key and the view of another Draft, which is of the same session under another key. It runs updates
// again on the other's values. It returns an error if those may already contain an update.
func (s *Store) Rebase(d, onto *Draft) error {
	if d.isUnclear() {
		for _, was := range d.Log.sent {
			if d.Log.repeats(was.changes) {
				return fmt.Errorf("session: save: %w", errUnclear)
			}
		}
		d.Log.sent = nil // versions under another key say nothing about these
	}
	if c := d.Changes(); !c.Empty() {
		changes, err := c.replayed(onto.Codec(), s.Envelope.Codec, onto.Values())
		if err != nil {
			return err
		}
		d.Log.Changes = changes
	}
	d.Key, d.Version, d.expires = onto.Key, onto.Version, onto.expires
	return nil
}

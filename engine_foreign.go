package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed1a8f7c28/session/internal/codec"
	"github.com/seed1a8f7c28/session/internal/merge"
)

// A third-party provider written for beego keeps its own Stores. The Manager makes and checks the sids,
// sends the cookies and bounds the time; values, merging and expiry are the provider's.

// foreignEngine is the engine of a third-party [Provider].
type foreignEngine struct {
	m *Manager
	p Provider
}

// find fills s with the provider's session of sid, if it exists. It asks first, because SessionRead would begin one.
func (e *foreignEngine) find(ctx context.Context, s *Session, sid string) error {
	exists, err := e.p.SessionExist(ctx, sid)
	if err != nil {
		return hideSID(err, sid)
	}
	if !exists {
		return ErrNotFound
	}
	return e.read(ctx, s, sid)
}

func (e *foreignEngine) read(ctx context.Context, s *Session, sid string) error {
	store, err := e.p.SessionRead(ctx, sid)
	return e.took(s, sid, store, hideSID(err, sid))
}

// took notes the Store that the provider has returned for sid. It must be released later.
func (e *foreignEngine) took(s *Session, sid string, store Store, err error) error {
	if err == nil && store == nil {
		err = errors.New("session: the provider returned no store")
	}
	if err != nil {
		return err
	}
	a := s.addExtra()
	a.store, a.unreleased = store, true
	s.named(sid)
	return nil
}

func (e *foreignEngine) arrived(s *Session, c candidate) error {
	if c.by == byHeader {
		s.r.reply.header(c.sid)
	}
	return nil
}

// renew is not called: a third-party provider has no lifetimes of sessions.
func (*foreignEngine) renew(*Session, int) {}

func (*foreignEngine) resend(_ context.Context, s *Session) error {
	sid := s.sidNow()
	if sid == "" {
		return ErrDestroyed
	}
	s.r.answerSID(sid, s.maxAge())
	return nil
}

func (e *foreignEngine) begin(ctx context.Context, s *Session) error {
	if err := s.promisable(); err != nil {
		return err
	}
	if s.r.reply.moved() { // another Session of this request has begun it
		if sid := s.r.reply.current(); sid != "" {
			s.r.original = sid
			return e.read(ctx, s, sid)
		}
	}
	sid, err := s.r.newSID()
	if err != nil {
		return err
	}
	if err := e.unused(ctx, sid); err != nil {
		return err
	}
	if err := e.read(ctx, s, sid); err != nil {
		return fmt.Errorf("session: create: %w", err)
	}
	s.isNew = true
	s.answer(s.r.movedFrom(s.extra().was))
	s.begun(ctx)
	return nil
}

// unused returns an error if a SessionIDGenerator has made a sid that another session has: the provider would return that
// session.
func (e *foreignEngine) unused(ctx context.Context, sid string) error {
	if e.m.cfg.SessionIDGenerator == nil {
		return nil
	}
	exists, err := e.p.SessionExist(ctx, sid)
	if err == nil && exists {
		err = ErrExists
	}
	if err != nil {
		return fmt.Errorf("session: create: %w", hideSID(err, sid))
	}
	return nil
}

// get returns the provider's value. There are no values until the session has begun.
func (e *foreignEngine) get(ctx context.Context, s *Session, key any) (v any, ok bool, err error) {
	if store := s.extra().store; store != nil {
		v = store.Get(ctx, key)
	}
	return v, v != nil, nil
}

func (e *foreignEngine) all(*Session) (codec.Codec, string, error) {
	return nil, "", e.m.cannot[listValues]
}

// frozen returns the value itself: the provider keeps it as it is.
func (e *foreignEngine) frozen(value any) (any, error) { return value, nil }

// reload is not called: only the provider knows how to load.
func (*foreignEngine) reload(context.Context, *Session) error { return nil }

// change makes a change in the provider's Store. A change that only removes something does not begin a session.
func (e *foreignEngine) change(ctx context.Context, s *Session, ed edit) error {
	value := ed.value
	switch ed.op {
	case opUpdate: // not run again: what others change meanwhile is the provider's business
		old, _, err := e.get(ctx, s, ed.key)
		if err == nil {
			value, err = ed.fn(old)
		}
		if err != nil {
			return err
		}
		if ed.op = opSet; value == nil {
			ed.op = opRemove
		}
	case opPop:
		if *ed.popped, _, _ = e.get(ctx, s, ed.key); *ed.popped == nil {
			return nil
		}
		ed.op = opRemove
	}
	adds := ed.op == opSet || ed.op == opSetAll
	if s.extra().store == nil && (s.state == unstored || s.state == withheld) && !adds {
		return nil
	}
	store, err := e.changing(ctx, s)
	if err != nil {
		return err
	}
	switch ed.op {
	case opSet:
		return store.Set(ctx, ed.key, value)
	case opSetAll:
		return setAll(ctx, store, ed.values)
	case opRemove:
		return store.Delete(ctx, ed.key)
	case opWipe:
		return wipe(ctx, store)
	}
	return store.Flush(ctx)
}

// changing returns the Store of s for a change, and begins the session if it has not begun.
func (e *foreignEngine) changing(ctx context.Context, s *Session) (Store, error) {
	if s.state == dismissed {
		return nil, ErrDestroyed
	}
	if s.extra().store == nil {
		ctx, cancel := e.m.saveContext(ctx)
		defer cancel()
		if err := e.begin(ctx, s); err != nil {
			return nil, err
		}
	}
	s.extras.unreleased = true
	return s.extras.store, nil
}

// setAll sets all values in a Store. If one is refused, it puts back the values from before.
func setAll(ctx context.Context, store Store, values map[any]any) error {
	before := make(map[any]any)
	for key, value := range values {
		before[key] = store.Get(ctx, key)
		err := store.Set(ctx, key, value)
		if err == nil {
			continue
		}
		for key, value := range before {
			undo := store.Delete
			if value != nil {
				undo = func(ctx context.Context, key any) error { return store.Set(ctx, key, value) }
			}
			if undone := undo(ctx, key); undone != nil {
				return fmt.Errorf("%w; not all changes could be undone: %w", err, undone)
			}
		}
		return err
	}
	return nil
}

// wipe removes all values except the flash messages.
func wipe(ctx context.Context, store Store) error {
	kept := make(map[any]any)
	for _, key := range [...]string{flashList, flashNamed} {
		if v := store.Get(ctx, key); v != nil {
			kept[key] = v
		}
	}
	if err := store.Flush(ctx); err != nil {
		return err
	}
	return setAll(ctx, store, kept)
}

// save releases the provider's Store, if there is anything to release since the last time. If this request has destroyed or
// regenerated the session, it calls SessionReleaseIfPresent, which must not create it again.
func (e *foreignEngine) save(ctx context.Context, s *Session) error {
	if a := s.extra(); a.store == nil || !a.unreleased {
		return nil
	}
	s.extras.unreleased = false
	ctx, cancel := e.m.saveContext(ctx)
	defer cancel()
	w, moved := s.r.http.w, s.r.reply.moved()
	if moved && !s.r.leadsFrom(s.sid) {
		s.dismiss()
	}
	if moved || s.state == dismissed {
		s.extras.store.SessionReleaseIfPresent(ctx, w)
	} else {
		s.extras.store.SessionRelease(ctx, w)
	}
	return nil
}

// move lets the provider give its session a new sid.
func (e *foreignEngine) move(ctx context.Context, s *Session, sid, _ string) error {
	if s.extra().store == nil {
		return nil
	}
	// What the old store holds must be in before the provider gives it the new sid, and it must not bring the
	// old sid back later.
	if err := e.save(ctx, s); err != nil {
		return err
	}
	if err := e.unused(ctx, sid); err != nil {
		return err
	}
	was := s.sid
	store, err := e.p.SessionRegenerate(ctx, was, sid)
	if err := e.took(s, sid, store, hideSID(err, was, sid)); err != nil {
		return fmt.Errorf("session: regenerate: %w", err)
	}
	s.answer(s.r.movedFrom(was))
	s.regenerated(ctx, was)
	return nil
}

func (e *foreignEngine) shift(context.Context, *Session) error { return e.m.cannot[deadlines] }

func (e *foreignEngine) fix(context.Context, *Session, merge.Lifetime) error {
	return e.m.cannot[deadlines]
}

func (e *foreignEngine) remove(ctx context.Context, sid string) ([]func(), error) {
	return nil, hideSID(e.p.SessionDestroy(ctx, sid), sid)
}

func (e *foreignEngine) leave(ctx context.Context, s *Session) error { return e.save(ctx, s) }

// abandon releases the store, which may hold a connection or a lock.
func (e *foreignEngine) abandon(d *deferred, s *Session) { _, _ = s.release(d.r.context()) }

func (e *foreignEngine) sweep(ctx context.Context) (int, error) {
	e.p.SessionGC(ctx)
	return 0, nil
}

// ping asks for a session that nobody has.
func (e *foreignEngine) ping(ctx context.Context) error {
	sid, err := e.m.unusedSID()
	if err == nil {
		_, err = e.p.SessionExist(ctx, sid)
	}
	return hideSID(err, sid)
}

func (*foreignEngine) watched(*Session) string { return "" }

func (*foreignEngine) deadline(context.Context, string) (time.Time, error) {
	return time.Time{}, ErrNotFound
}

// A hiddenError is an error of a third-party provider, which may show a sid, in a file's path for example.
type hiddenError struct {
	error
	sids []string
}

// hideSID returns err without the sids in its text.
func hideSID(err error, sids ...string) error {
	if err == nil {
		return nil
	}
	return &hiddenError{err, sids}
}

func (e *hiddenError) Error() string {
	text := e.error.Error()
	for _, sid := range e.sids {
		text = strings.ReplaceAll(text, sid, "(sid)")
	}
	return text
}

func (e *hiddenError) Unwrap() error { return e.error }

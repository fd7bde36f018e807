package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A third-party provider written for beego keeps its own Stores. The Manager makes and checks the sids,
// sends the cookies and bounds the time; values, merging and expiry are the provider's.

// findRaw fills s with the provider's session of sid, if it exists. SessionRead would begin one.
func (s *Session) findRaw(ctx context.Context, sid string) error {
	exists, err := s.m.raw.SessionExist(ctx, sid)
	if err != nil {
		return hideSID(err, sid)
	}
	if !exists {
		return ErrNotFound
	}
	return s.readRaw(ctx, sid)
}

func (s *Session) readRaw(ctx context.Context, sid string) error {
	store, err := s.m.raw.SessionRead(ctx, sid)
	if err == nil && store == nil {
		err = errors.New("session: the provider returned no store")
	}
	if err != nil {
		return hideSID(err, sid)
	}
	s.took(store)
	s.named(sid)
	return nil
}

// took notes the store of the provider, which waits for its release.
func (s *Session) took(store Store) {
	a := s.setAside()
	a.raw, a.unreleased = store, true
}

// beginRaw begins a session under a new sid.
func (s *Session) beginRaw(ctx context.Context) error {
	if err := s.promisable(); err != nil {
		return err
	}
	if s.r.reply.moved() { // another Session of this request has begun it
		if sid := s.r.reply.current(); sid != "" {
			s.r.original = sid
			return s.readRaw(ctx, sid)
		}
	}
	sid, err := s.m.newSID()
	if err != nil {
		return err
	}
	if err := s.m.unusedRaw(ctx, sid); err != nil {
		return err
	}
	if err := s.readRaw(ctx, sid); err != nil {
		return fmt.Errorf("session: create: %w", err)
	}
	s.isNew = true
	s.answer(s.r.movedFrom(s.besides().was))
	s.begun(ctx)
	return nil
}

// unusedRaw returns an error if a SessionIDGenerator has made the sid of another session: the provider would hand
// it out.
func (m *Manager) unusedRaw(ctx context.Context, sid string) error {
	if m.cfg.SessionIDGenerator == nil {
		return nil
	}
	exists, err := m.raw.SessionExist(ctx, sid)
	if err == nil && exists {
		err = ErrExists
	}
	if err != nil {
		return fmt.Errorf("session: create: %w", hideSID(err, sid))
	}
	return nil
}

// getRaw returns the provider's value, nil as long as the session has not begun.
func (s *Session) getRaw(ctx context.Context, key any) any {
	if raw := s.besides().raw; raw != nil {
		return raw.Get(ctx, key)
	}
	return nil
}

// changeRaw makes a change in the provider's store.
func (s *Session) changeRaw(ctx context.Context, do func(ctx context.Context, store Store) error) error {
	ctx = orBackground(ctx)
	if s.state == dismissed {
		return ErrDestroyed
	}
	if s.besides().raw == nil {
		ctx, cancel := s.m.saveContext(ctx)
		defer cancel()
		if err := s.beginRaw(ctx); err != nil {
			return err
		}
	}
	s.aside.unreleased = true
	return do(ctx, s.aside.raw)
}

// removeRaw is changeRaw for what only removes: a session that has not begun does not begin.
func (s *Session) removeRaw(ctx context.Context, do func(ctx context.Context, store Store) error) error {
	if s.besides().raw == nil && s.state == unstored {
		return nil
	}
	return s.changeRaw(ctx, do)
}

// updateRaw is Update in the provider's store. Nothing is run again: what others change meanwhile is the
// provider's business.
func (s *Session) updateRaw(ctx context.Context, key any, fn func(old any) (any, error)) error {
	v, err := fn(s.getRaw(ctx, key))
	if err != nil {
		return err
	}
	if v == nil {
		return s.removeRaw(ctx, func(ctx context.Context, store Store) error { return store.Delete(ctx, key) })
	}
	return s.changeRaw(ctx, func(ctx context.Context, store Store) error { return store.Set(ctx, key, v) })
}

// releaseRaw releases the provider's store, if there is anything to release since the last time. A store
// whose session this request destroyed or regenerated is asked not to create it again.
func (s *Session) releaseRaw(ctx context.Context) error {
	if a := s.besides(); a.raw == nil || !a.unreleased {
		return nil
	}
	s.aside.unreleased = false
	ctx, cancel := s.m.saveContext(ctx)
	defer cancel()
	w, moved := s.r.http.w, s.r.reply.moved()
	if moved && !s.r.leadsFrom(s.sid) {
		s.dismiss()
	}
	if moved || s.state == dismissed {
		s.aside.raw.SessionReleaseIfPresent(ctx, w)
	} else {
		s.aside.raw.SessionRelease(ctx, w)
	}
	return nil
}

// regenerateRaw has the provider give its session a new sid.
func (s *Session) regenerateRaw(ctx context.Context, sid string) error {
	if s.besides().raw == nil {
		return nil
	}
	// What the old store holds must be in before the provider gives it the new sid, and it must not bring the
	// old sid back later.
	if err := s.releaseRaw(ctx); err != nil {
		return err
	}
	if err := s.m.unusedRaw(ctx, sid); err != nil {
		return err
	}
	store, err := s.m.raw.SessionRegenerate(ctx, s.sid, sid)
	if err == nil && store == nil {
		err = errors.New("session: the provider returned no store")
	}
	if err != nil {
		return fmt.Errorf("session: regenerate: %w", hideSID(err, s.sid, sid))
	}
	s.took(store)
	was := s.sid
	s.named(sid)
	s.answer(s.r.movedFrom(was))
	s.regenerated(ctx, was)
	return nil
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

package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// A third-party provider written for beego keeps its own Stores. The Manager makes and checks the sids,
// sends the cookies and bounds the time; values, merging and expiry are the provider's.

// findRaw fills s with the provider's session of sid, if it exists. SessionRead would begin one.
func (s *Session) findRaw(ctx context.Context, sid string) error {
	exists, err := s.m.raw.SessionExist(ctx, sid)
	if err != nil {
		return err
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
		return err
	}
	s.raw, s.unreleased = store, true
	s.named(sid, sid)
	return nil
}

// beginRaw begins a session under a new sid.
func (s *Session) beginRaw(ctx context.Context) error {
	if err := s.promisable(); err != nil {
		return err
	}
	sid, err := s.m.newSID()
	if err != nil {
		return err
	}
	if err := s.readRaw(ctx, sid); err != nil {
		return fmt.Errorf("session: create: %w", err)
	}
	s.isNew = true
	s.answer()
	return nil
}

// getRaw returns the provider's value, nil as long as the session has not begun.
func (s *Session) getRaw(ctx context.Context, key any) any {
	if s.raw == nil {
		return nil
	}
	return s.raw.Get(ctx, key)
}

// changeRaw makes a change in the provider's store.
func (s *Session) changeRaw(ctx context.Context, do func(ctx context.Context, store Store) error) error {
	ctx = orBackground(ctx)
	if s.status == dismissed {
		return ErrDestroyed
	}
	if s.raw == nil {
		ctx, cancel := s.m.saveContext(ctx)
		defer cancel()
		if err := s.beginRaw(ctx); err != nil {
			return err
		}
	}
	s.unreleased = true
	return do(ctx, s.raw)
}

// releaseRaw releases the provider's store, if there is anything to release since the last time. A store
// whose session this request destroyed is asked not to create it again.
func (s *Session) releaseRaw(ctx context.Context) error {
	if s.raw == nil || !s.unreleased {
		return nil
	}
	s.unreleased = false
	ctx, cancel := s.m.saveContext(ctx)
	defer cancel()
	var w http.ResponseWriter
	if s.v != nil {
		w = s.v.http.w
		if s.v.handled == nil && s.v.moved() && s.v.current() == "" {
			s.status = dismissed
		}
	}
	if s.status == dismissed {
		s.raw.SessionReleaseIfPresent(ctx, w)
	} else {
		s.raw.SessionRelease(ctx, w)
	}
	return nil
}

// regenerateRaw has the provider give its session a new sid.
func (s *Session) regenerateRaw(ctx context.Context, sid string) error {
	if s.raw == nil {
		return nil
	}
	store, err := s.m.raw.SessionRegenerate(ctx, s.sid, sid)
	if err == nil && store == nil {
		err = errors.New("session: the provider returned no store")
	}
	if err != nil {
		return fmt.Errorf("session: regenerate: %w", err)
	}
	s.raw, s.unreleased = store, true
	s.named(sid, sid)
	s.answer()
	return nil
}

package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

func (e *storedEngine) move(ctx context.Context, s *Session, sid, user string) error {
	if s.r.reply.moved() { // another Session of this request began it, or gave it a new sid
		if err := e.follow(ctx, s); err != nil {
			return s.hold(err)
		}
		if sid == s.sid {
			return errOwnSID
		}
	}
	switch s.state {
	case dismissed:
		return ErrDestroyed
	case unstored:
		return e.moveUnstored(ctx, s, sid, user)
	}
	was, old := s.sid, s.draft.Key
	for {
		err := e.moveOnce(ctx, s, sid, user)
		if errors.Is(err, ErrTooManySessions) { // the session stays as it was
			return err
		}
		if err != nil {
			return s.hold(err)
		}
		if !s.isStored() { // this request has destroyed it
			return ErrDestroyed
		}
		if s.sid == sid {
			break
		}
		was, old = s.sid, s.draft.Key // another Session of this request has just given it this one
	}
	e.m.watched.end(old)
	e.markDead(ctx, s)
	s.answer(s.r.movedFrom(was))
	s.regenerated(ctx, was)
	return nil
}

// moveUnstored gives a new sid to a session that is not stored and that nobody else knows.
func (e *storedEngine) moveUnstored(ctx context.Context, s *Session, sid, user string) error {
	if s.sid != "" || user != "" {
		s.sid = sid
	}
	if user == "" {
		return nil
	}
	if err := e.reserve(ctx, s, sid, user); err != nil {
		return err
	}
	return e.create(ctx, s, user)
}

// markDead leaves marks for the sids of this request that named no session. Otherwise another request that carries them and
// comes after this login would be answered with a new cookie, which would replace that of the login. If it fails, the login
// stands.
func (e *storedEngine) markDead(ctx context.Context, s *Session) {
	for _, sid := range s.extra().dead {
		if err := e.store.Mark(ctx, e.m.storageKey(sid)); err != nil {
			e.m.stats.count(failures)
		}
	}
}

// moveOnce makes room for the user who logs in, if any, and then moves the session. It does both in one turn of the queue,
// after it has checked that the session still exists: of two requests that log in with one session, the second then ends no
// other session to make room.
func (e *storedEngine) moveOnce(ctx context.Context, s *Session, sid, user string) error {
	turn, err := e.store.Queue.Enter(ctx, s.draft.Key)
	if err != nil {
		return fmt.Errorf("session: regenerate: %w", err)
	}
	defer e.store.Queue.Leave(s.draft.Key, turn)
	limited := e.isLimited(s, user)
	if limited {
		rec := e.m.newRecord()
		switch err := e.store.Backend.Load(ctx, s.draft.Key, &rec); {
		case errors.Is(err, ErrNotFound):
			return e.lost(ctx, s)
		case errors.Is(err, ErrTooLarge): // it is there
		case err != nil:
			e.m.stats.count(failures)
			return fmt.Errorf("session: load: %w", err)
		}
	}
	if err := e.reserve(ctx, s, sid, user); err != nil {
		return err
	}
	s.state = held // also if an update panics
	s.sends(s.r.answersNewSID())
	before := s.draft.User()
	out, err := e.store.Move(ctx, turn, &s.draft, e.m.storageKey(sid), user, s.isFixed())
	e.met(ctx, s, before, out)
	switch {
	case out.Gone:
		err = e.lost(ctx, s)
	case err == nil:
		s.named(sid)
		s.setDue(false)
	}
	if limited && (errors.Is(err, ErrDestroyed) || errors.Is(err, ErrTooLarge)) { // nobody can log in by this
		e.unreserve(ctx, sid, user)
	}
	return err
}

// isLimited reports whether a login of user needs room for one more session. "" means that nobody logs in.
func (e *storedEngine) isLimited(s *Session, user string) bool {
	return user != "" && e.m.cfg.MaxPerUser > 0 && !(s.isStored() && e.m.userName(s.draft.User()) == user)
}

// reserve makes room for one more session of user, unless user is "". The caller holds mu.
func (e *storedEngine) reserve(ctx context.Context, s *Session, sid, user string) error {
	if !e.isLimited(s, user) {
		return nil
	}
	l, ok := driver.As[driver.UserLimiter](e.store.Backend)
	if !ok { // the manager would not have been made
		return e.m.cannot[userLimits]
	}
	stored, err := e.onFirstKey(ctx, user)
	if err != nil {
		return err
	}
	// For as long as this call may take to create the record, and a little for clocks that differ.
	until := time.Now().Add(e.m.cfg.opTimeout + 5*time.Second)
	evicted, err := l.Reserve(ctx, stored, e.m.storageKey(sid), until, e.m.cfg.MaxPerUser, e.m.cfg.OnLimit != "refuse")
	for _, key := range evicted {
		s.queue(e.m.destroyed(ctx, key, stored, ReasonLimit))
	}
	if err != nil {
		return fmt.Errorf("session: login: %w", err)
	}
	return nil
}

// onFirstKey returns the stored form of user. Before that it moves the sessions that are stored under an older form to it,
// because a limit counts the sessions of one form.
func (e *storedEngine) onFirstKey(ctx context.Context, user string) (stored string, err error) {
	names := e.m.envelope.StoredNames(user)
	l, ok := driver.As[driver.UserLister](e.store.Backend)
	if len(names) == 1 || !ok { // a provider that limits users also lists them
		return names[0], nil
	}
	older, err := e.m.entriesOf(ctx, l, names[1:])
	if err != nil {
		return "", err
	}
	for _, entry := range older {
		if err := e.store.Reseal(ctx, entry.Key); err != nil {
			e.m.stats.count(failures)
			return "", fmt.Errorf("session: login: %w", err)
		}
	}
	return names[0], nil
}

// unreserve gives back the room that reserve has made. Without it, or if it fails, others must wait until the reservation
// lapses.
func (e *storedEngine) unreserve(ctx context.Context, sid, user string) {
	if l, ok := driver.As[driver.UserLimiter](e.store.Backend); ok {
		past := time.Now().Add(-5 * time.Second) // also by clocks that differ
		_, _ = l.Reserve(ctx, e.m.envelope.StoredNames(user)[0], e.m.storageKey(sid), past, e.m.cfg.MaxPerUser, false)
	}
}

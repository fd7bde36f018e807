package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/merge"
)

// SessionRegenerateID is [Manager.Regenerate] with the name and the result that beego's API has.
func (m *Manager) SessionRegenerateID(w http.ResponseWriter, r *http.Request) (Store, error) {
	return asStore(m.Regenerate(w, r))
}

// Regenerate gives the request's session a new sid: see [Session.Regenerate]. A request without a live
// session gets a fresh one; one whose session others have ended since it was started gets [ErrDestroyed],
// and no cookie: theirs counts. What an older Session of the same request has changed, or will change, goes to
// the new sid too. The caller must release the result.
func (m *Manager) Regenerate(w http.ResponseWriter, r *http.Request) (*Session, error) {
	return m.regenerate(arrivalOf(w, r))
}

// RegenerateExchange is [Manager.Regenerate] for another HTTP stack than net/http.
func (m *Manager) RegenerateExchange(x Exchange) (*Session, error) {
	return m.regenerate(arrival{x: x})
}

func (m *Manager) regenerate(a arrival) (*Session, error) {
	request, err := a.context()
	if err != nil {
		return nil, err
	}
	ctx, cancel := m.saveContext(request)
	defer cancel()
	s, err := m.open(ctx, request, a)
	switch {
	case err == nil:
		s.takePlace()
		err = s.regenerate(ctx)
	case s != nil:
		s.r.hold()
	}
	if err == nil && !m.cfg.Lazy {
		err = s.ensure(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// takePlace notes the sid that the request came with. If s is not stored it is dead, and an older Session of
// the request may have it.
func (s *Session) takePlace() {
	s.mu.Lock()
	defer s.unlock()
	s.setAside().was = s.r.original
}

// Regenerate gives the session a new sid, as must be done at each login or change of privilege. Changes
// that are not saved yet are stored under the new sid alone; the old one is dead when Regenerate returns.
// No save that another request has been told of is lost. With an error the client keeps the old sid, and
// nothing that this Session has changed or will change is stored under it: Save returns an error until a
// Regenerate has succeeded. Under Handler it returns [ErrCommitted] once the response headers are sent.
func (s *Session) Regenerate(ctx context.Context) error {
	ctx, cancel := s.m.saveContext(ctx)
	defer cancel()
	return s.regenerate(ctx)
}

func (s *Session) regenerate(ctx context.Context) error {
	sid, err := s.m.newSID()
	if err != nil {
		return err
	}
	return s.regenerateAs(ctx, sid, "")
}

// regenerateAs gives the session a new sid, and, unless user is "", to user.
func (s *Session) regenerateAs(ctx context.Context, sid, user string) error {
	s.mu.Lock()
	defer s.unlock()
	if err := s.promisable(); err != nil {
		return err
	}
	switch {
	case s.isOver():
		return ErrDestroyed
	case sid == s.sid:
		return errOwnSID
	case s.m.sealer != nil:
		return s.resealAs(sid, user)
	case s.m.raw != nil:
		return s.regenerateRaw(ctx, sid)
	case s.r.reply.moved(): // another Session of this request began it, or gave it a new sid
		if err := s.follow(ctx); err != nil {
			return s.hold(err)
		}
		if sid == s.sid {
			return errOwnSID
		}
	}
	switch s.state {
	case dismissed:
		return ErrDestroyed
	case unstored: // nobody knows the old sid
		if s.sid != "" || user != "" {
			s.sid = sid
		}
		if user == "" {
			return nil
		}
		if err := s.reserve(ctx, user, sid); err != nil {
			return err
		}
		return s.create(ctx, user)
	}
	was, old := s.sid, s.draft.Key
	for {
		err := s.moveAs(ctx, sid, user)
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
	s.m.watched.end(old)
	s.answer(s.r.movedFrom(was))
	s.regenerated(ctx, was)
	return nil
}

var errOwnSID = fmt.Errorf("session: regenerate: %w: the new sid is the old one", ErrExists)

// moveAs makes room for who logs in, if somebody does, and then moves. Both are in one turn, after a look whether the
// session is still there: of two requests that log in with one session, the second ends no other to make room.
func (s *Session) moveAs(ctx context.Context, sid, user string) error {
	turn, err := s.m.store.Queue.Enter(ctx, s.draft.Key)
	if err != nil {
		return fmt.Errorf("session: regenerate: %w", err)
	}
	defer s.m.store.Queue.Leave(s.draft.Key, turn)
	limited := s.isLimited(user)
	if limited {
		switch err := s.m.backend.Load(ctx, s.draft.Key, new(driver.Record)); {
		case errors.Is(err, ErrNotFound):
			return s.lost(ctx)
		case err != nil:
			s.m.stats.count(failures)
			return fmt.Errorf("session: load: %w", err)
		}
	}
	if err := s.reserve(ctx, user, sid); err != nil {
		return err
	}
	s.state = held // also if an update panics
	err = s.move(ctx, turn, sid, user)
	if limited && (errors.Is(err, ErrDestroyed) || errors.Is(err, ErrTooLarge)) { // nobody can log in by this
		s.unreserve(ctx, user, sid)
	}
	return err
}

// regenerated counts a new sid, and tells of it.
func (s *Session) regenerated(ctx context.Context, was string) {
	s.m.stats.count(regenerated)
	if h := s.m.cfg.OnRegenerate; h != nil {
		s.later(ctx, h, Event{ID: s.m.publicID(s.sid), Previous: s.m.publicID(was), User: s.m.userName(s.draft.User)})
	}
}

// errHeld is what Save returns after a failed Regenerate: the changes may be those of a login, and somebody
// else may know the old sid.
var errHeld = errors.New("session: not saved: Regenerate has failed, and the old sid must not get the changes")

// move stores the session under a new sid, and ends it under the old one.
func (s *Session) move(ctx context.Context, turn *merge.Turn, sid, user string) error {
	before := s.draft.User
	out, err := s.m.store.Move(ctx, turn, &s.draft, s.m.storageKey(sid), user, s.isFixed())
	s.met(ctx, before, out)
	switch {
	case out.Gone:
		return s.lost(ctx)
	case err != nil:
		return err
	}
	s.named(sid)
	s.setDue(false)
	return nil
}

package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
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
	s.addExtra().was = s.r.original
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
	sid, err := s.r.newSID()
	if err != nil {
		return err
	}
	return s.regenerateAs(ctx, sid, "")
}

// regenerateAs gives the session a new sid, and, unless user is "", to user.
func (s *Session) regenerateAs(ctx context.Context, sid, user string) error {
	s.mu.Lock()
	defer s.unlock()
	if s.state == replaced || s.state == withheld {
		return s.beginAs(ctx, sid, user)
	}
	if err := s.promisable(); err != nil {
		return err
	}
	switch {
	case s.isOver():
		return ErrDestroyed
	case sid == s.sid:
		return errOwnSID
	}
	return s.m.engine.move(ctx, s, sid, user)
}

// beginAs is regenerateAs for a request whose session nothing else begins. With an error nothing does after it, either.
func (s *Session) beginAs(ctx context.Context, sid, user string) error {
	before := s.state
	s.state = unstored
	err := s.promisable()
	if err == nil {
		err = s.m.engine.move(ctx, s, sid, user)
	}
	if err == nil && s.state == unstored && !s.m.cfg.Lazy && !s.r.reply.waits() {
		err = s.m.engine.begin(ctx, s)
	}
	switch {
	case err != nil && s.state == unstored:
		s.state, s.sid = before, ""
	case err == nil:
		s.isNew = true
		if s.draft.Log != nil { // what Save has refused is stored now
			s.draft.Log.Told = false
		}
	}
	return err
}

var errOwnSID = fmt.Errorf("session: regenerate: %w: the new sid is the old one", ErrExists)

// regenerated counts a new sid, and tells of it.
func (s *Session) regenerated(ctx context.Context, was string) {
	s.m.stats.count(regenerated)
	if h := s.m.cfg.OnRegenerate; h != nil {
		s.later(ctx, h, Event{ID: s.m.publicID(s.sid), Previous: s.m.publicID(was), User: s.m.userName(s.draft.User)})
	}
}

// errHeld is what Save returns after a failed Regenerate: the changes may be those of a login, and somebody
// else may know the old sid.
var errHeld = errors.New("session: not saved: Regenerate failed, and the changes must not be stored under the old sid")

// maxUser is how many bytes the name of a user may have: as many as an e-mail address, and one.
const maxUser = 255

// Login makes the session user's: it gets a new sid, the old one is dead when Login returns, and both its
// lifetimes begin anew. The values stay, but for those of another user who was logged in: then all are dropped, also
// what this request has set so far. user is whatever names a user for good, up to 255 bytes.
//
// With MaxPerUser, no user has more sessions than that when Login returns, on all nodes together: the
// ones that logged in first end, or Login returns an error wrapping [ErrTooManySessions] and the session stays as it
// was. A session that already is user's takes its own place. One that is gone ends no other.
//
// What Login has said is stored when it returns; no Save is needed for that. For other errors see
// [Session.Regenerate]. A third-party provider keeps no users: the error wraps [errors.ErrUnsupported].
func (s *Session) Login(ctx context.Context, user string) error {
	switch {
	case user == "":
		return errors.New("session: login: the user name is empty")
	case len(user) > maxUser:
		return fmt.Errorf("session: login: %w: the user's name has %d bytes, %d allowed", ErrTooLarge, len(user), maxUser)
	case s.m.cannot[users] != nil:
		return s.m.cannot[users]
	}
	ctx, cancel := s.m.saveContext(ctx)
	defer cancel()
	sid, err := s.r.newSID()
	if err != nil {
		return err
	}
	return s.regenerateAs(ctx, sid, user)
}

// User returns who is logged in, "" for nobody.
func (s *Session) User() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.userName(s.draft.User)
}

// AuthTime returns when the user logged in, the zero time if nobody is.
func (s *Session) AuthTime() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draft.AuthTime()
}

// RequireFresh returns an error wrapping [ErrNotFresh] unless a user is logged in and has logged in less than d
// ago: the application then asks for the password again, and calls Login once more.
func (s *Session) RequireFresh(d time.Duration) error {
	if at := s.AuthTime(); at.IsZero() || time.Since(at) >= d {
		return ErrNotFresh
	}
	return nil
}

// userName returns the name of a user that stands in the store.
func (m *Manager) userName(stored string) string { return m.envelope.Name(stored) }

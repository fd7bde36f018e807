package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// SessionRegenerateID is [Manager.Regenerate] with the name and the result type of beego's API.
func (m *Manager) SessionRegenerateID(w http.ResponseWriter, r *http.Request) (Store, error) {
	return asStore(m.Regenerate(w, r))
}

// Regenerate gives the request's session a new sid: see [Session.Regenerate]. A request without a live session gets a new
// one. If others have ended the session since this request started it, Regenerate returns [ErrDestroyed] and sends no
// cookie, so that the cookie of the other request stays. Changes that an older Session of the same request has made or
// makes later are stored under the new sid too. The caller must release the result.
func (m *Manager) Regenerate(w http.ResponseWriter, r *http.Request) (*Session, error) {
	return m.regenerate(arrivalOf(w, r))
}

// RegenerateExchange is [Manager.Regenerate] for an HTTP stack other than net/http.
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
	s, _, err := m.open(ctx, request, a)
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

// takePlace notes the sid that the request came with. If s is not stored, that sid is dead, but an older Session of the
// request may still have it.
func (s *Session) takePlace() {
	s.mu.Lock()
	defer s.unlock()
	s.addExtra().was = s.r.original
}

// Regenerate gives the session a new sid. This must be done at each login and change of privilege; [Session.Login] does it.
// Changes that are not saved yet are stored only under the new sid. When Regenerate returns, the old sid is no longer
// valid, and no save that was reported to another request as successful is lost.
//
// After an error the client keeps the old sid, and nothing that this Session has changed or changes later is stored under
// it: Save returns an error until a Regenerate succeeds. Under Handler, Regenerate returns [ErrCommitted] once the response
// headers are sent.
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

// regenerateAs gives the session a new sid, and logs user in unless it is "".
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

// beginAs is regenerateAs for a request in which nothing else begins a session. After an error that is still so.
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

// regenerated counts a new sid, and queues the event for OnRegenerate.
func (s *Session) regenerated(ctx context.Context, was string) {
	s.m.stats.count(regenerated)
	if h := s.m.cfg.OnRegenerate; h != nil {
		s.later(ctx, h, Event{ID: s.m.publicID(s.sid), Previous: s.m.publicID(was), User: s.m.userName(s.draft.User())})
	}
}

// errHeld is the error of Save after a Regenerate that failed: the changes may be those of a login, and somebody else may
// know the old sid.
var errHeld = errors.New("session: not saved: Regenerate failed, and the changes must not be stored under the old sid")

// maxUser is how many bytes the name of a user may have: one more than an e-mail address can have.
const maxUser = 255

// Login logs user into the session. The session gets a new sid, the old sid is no longer valid when Login returns, and the
// idle and the absolute lifetime begin anew. The values stay, unless another user was logged in: then all of them are
// dropped, including those that this request has set so far. user is whatever identifies a user permanently, in 1 to 255
// bytes.
//
// With MaxPerUser, no user has more sessions than that when Login returns, on all nodes together. Depending on OnLimit,
// either the sessions that logged in first end, or Login returns an error wrapping [ErrTooManySessions] and the session
// stays as it was. A session that already belongs to user takes its own place. A Login on a session that has ended ends no
// other session.
//
// The login is stored when Login returns; no Save is needed. For other errors see [Session.Regenerate]. A third-party
// provider keeps no users: the error wraps [errors.ErrUnsupported].
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

// User returns the user who is logged in, or "" if nobody is.
func (s *Session) User() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.userName(s.draft.User())
}

// AuthTime returns when the user logged in, or the zero time if nobody is logged in.
func (s *Session) AuthTime() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draft.AuthTime()
}

// RequireFresh returns nil if a user is logged in and the login is less than d ago. Otherwise it returns [ErrNotFresh]: the
// application should then ask for the password again and call Login once more.
func (s *Session) RequireFresh(d time.Duration) error {
	if at := s.AuthTime(); at.IsZero() || time.Since(at) >= d {
		return ErrNotFresh
	}
	return nil
}

// userName returns the name of a user from its stored form.
func (m *Manager) userName(stored string) string { return m.envelope.Name(stored) }

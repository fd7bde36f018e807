package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed1a8f7c28/session/internal/merge"
)

// Every lifetime is in this range, whoever sets it: stores keep times in milliseconds and can hold a time a century from
// now, and no sum overflows.
const (
	minLifetime = time.Millisecond
	maxLifetime = merge.MaxLifetime
)

func isLifetime(d time.Duration) bool { return d >= minLifetime && d <= maxLifetime }

// storedLife returns the lifetime as it was loaded or stored last.
func (s *Session) storedLife() merge.Lifetime {
	return s.m.envelope.Lifetimes.Of(s.draft.Contents().Meta)
}

// lifetime returns the lifetime as this request sees it.
func (s *Session) lifetime() merge.Lifetime {
	return s.m.envelope.Lifetimes.Planned(&s.draft)
}

// Expires returns when the session ends if it is not used again, as of the last load or save; a release may move it. It
// returns the zero time while nothing is stored, once the session has ended, and with a third-party provider.
func (s *Session) Expires() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isStored() {
		return time.Time{}
	}
	return s.draft.Expires()
}

// Deadline returns the absolute deadline, at which the session ends even if it is used. It returns the zero time if there
// is none, and where Expires does.
func (s *Session) Deadline() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isStored() {
		return time.Time{}
	}
	return s.draft.Deadline()
}

// SetLifetime sets how long this session lives when it is not used, instead of the manager's Maxlifetime. The lifetime
// applies from the next save on, on every node, and stays after a Regenerate. That save moves the deadline, to an earlier
// time too, but never past the absolute deadline. A request that began before it may move the deadline once more by the old
// lifetime. If the cookie has a Max-Age, it becomes d.
//
// d is from a millisecond to the absolute lifetime, or to a century if there is none, and is cut to milliseconds. Zero
// undoes SetLifetime and RememberMe, and so does Flush. Errors are those of Set. With a third-party provider, which has
// lifetimes of its own, the error wraps [errors.ErrUnsupported].
func (s *Session) SetLifetime(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.unlock()
	return s.setLifetime(ctx, d, s.lifetime().Remembered)
}

// RememberMe does what SetLifetime does, and makes the browser keep the cookie for d, but at most for 400 days. The cookie
// is renewed while the session is used. It stays after a Login of the same user, so call it with zero, which undoes it, when a
// login is not to be remembered. If AbsoluteLifetime is shorter than d, call SetAbsoluteLifetime first. RememberMe returns
// [ErrCommitted] once the response headers are sent, and an error wrapping [errors.ErrUnsupported] on a Session that
// belongs to no request. Other errors are those of SetLifetime.
func (s *Session) RememberMe(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.unlock()
	if s.r.isNone() {
		return unsupported("RememberMe needs a request")
	}
	if err := s.promisable(); err != nil {
		return err
	}
	return s.setLifetime(ctx, d, true)
}

func (s *Session) setLifetime(ctx context.Context, d time.Duration, remembered bool) error {
	switch {
	case s.m.cannot[lifetimes] != nil:
		return s.m.cannot[lifetimes]
	case d != 0 && !isLifetime(d):
		return errors.New("session: a lifetime must be 0 or between a millisecond and a century")
	}
	if absolute := s.lifetime().Absolute; absolute > 0 && d > absolute {
		return fmt.Errorf("session: a lifetime of %v is longer than the absolute lifetime of %v (absoluteLifetime or SetAbsoluteLifetime)", d, absolute)
	}
	ms, before := d.Milliseconds(), s.m.maxAge(s.lifetime())
	if remembered {
		ms = -ms
	}
	err := s.changeLocked(ctx, edit{op: opMeta, field: merge.OwnIdle, value: ms})
	if age := s.m.maxAge(s.lifetime()); err == nil && (age > 0 || before > 0) {
		s.m.engine.renew(s, age)
	}
	return err
}

// SetAbsoluteLifetime sets how long this session lives at most, however often it is used, counted from its beginning or its
// user's login. It replaces the manager's AbsoluteLifetime, and may be shorter or longer. It applies from the next save on,
// and stays after a Regenerate and after a Login of the same user.
//
// d is from a millisecond to a century and is cut to milliseconds. Zero undoes it. If the session is already older than d,
// SetAbsoluteLifetime returns an error and changes nothing; Logout ends the session. Other errors are those of
// [Session.SetLifetime].
func (s *Session) SetAbsoluteLifetime(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.unlock()
	switch {
	case s.m.cannot[lifetimes] != nil:
		return s.m.cannot[lifetimes]
	case d != 0 && !isLifetime(d):
		return errors.New("session: a lifetime must be 0 or between a millisecond and a century")
	case d != 0 && s.isStored() && time.Since(s.draft.Created()) >= d:
		return errors.New("session: the session is already older than the new absolute lifetime")
	}
	return s.changeLocked(ctx, edit{op: opMeta, field: merge.OwnAbsolute, value: d.Milliseconds()})
}

// maxAge returns the Max-Age, in seconds, of the cookie of a session with lifetime l, or 0 if the cookie has none.
func (m *Manager) maxAge(l merge.Lifetime) int {
	if l.Remembered || l.Own && m.cfg.cookieMaxAge > 0 {
		return cookieAge(l.Idle)
	}
	return m.cfg.cookieMaxAge
}

// maxAgeUntil is maxAge for a session that expires at the given time. A deadline that UpdateExpiration has set replaces the
// lifetime: in its own request, for which fixed is true, and later as long as it is further away than the lifetime.
func (m *Manager) maxAgeUntil(expires time.Time, l merge.Lifetime, fixed bool) int {
	age := m.maxAge(l)
	if age == 0 || expires.IsZero() {
		return age
	}
	left, differs := time.Until(expires), min(l.Idle/20, time.Minute) // clocks do, too
	if left > l.Idle+differs || fixed && left < l.Idle-differs {
		return cookieAge(left)
	}
	return age
}

// maxAge returns the Max-Age that the session's cookie gets if it is sent now.
func (s *Session) maxAge() int {
	life := s.lifetime()
	if s.m.maxAge(life) == 0 { // isFixed may have to look through the request
		return 0
	}
	return s.m.maxAgeUntil(s.draft.Expires(), life, s.isFixed())
}

// cookieDue reports whether the cookie has a Max-Age and was last sent at least a twentieth of that time ago. The time when
// it was sent is stored with the session, so saves that do not send it make no difference.
func (s *Session) cookieDue() bool {
	age := s.maxAge()
	if age == 0 || !s.r.answersCookie() || s.promisable() != nil {
		return false
	}
	sent := time.UnixMilli(s.draft.Meta().Int(merge.CookieSent))
	return time.Since(sent) >= time.Duration(age)*time.Second/20
}

// sends notes for the next save that the cookie is sent now, if answered is true and the cookie has a Max-Age.
func (s *Session) sends(answered bool) {
	if answered && s.m.maxAge(s.lifetime()) > 0 {
		s.draft.WriteLog().Sends(time.Now().UnixMilli())
	}
}

// cookieAge returns d in seconds, but not more than browsers keep a cookie.
func cookieAge(d time.Duration) int {
	return int(min((d+time.Second-1)/time.Second, maxCookieAge))
}

// renewCookie sends the cookie again, if it has a Max-Age and the sid came in a cookie.
func (s *Session) renewCookie(maxAge int) {
	if maxAge > 0 {
		s.m.engine.renew(s, maxAge)
	}
}

// ShiftExpiration moves the idle deadline of the request's session to its lifetime from now. It does so at once and for
// every node, and does not wait for the release or for touchInterval. It moves no deadline to an earlier time, and none
// past the absolute deadline. A cookie with a Max-Age is renewed. A session that under Handler would begin with the
// response is stored at once.
//
// It returns [ErrNotFound] if there is no session, [ErrDestroyed] if the session has ended during the request, and an error
// wrapping [errors.ErrUnsupported] with a third-party provider.
func (m *Manager) ShiftExpiration(w http.ResponseWriter, r *http.Request) error {
	return m.withSession(arrivalOf(w, r), (*Session).shift)
}

// ShiftExpirationExchange is [Manager.ShiftExpiration] for an HTTP stack other than net/http.
func (m *Manager) ShiftExpirationExchange(x Exchange) error {
	return m.withSession(arrival{x: x}, (*Session).shift)
}

func (s *Session) shift(ctx context.Context) error {
	s.sends(s.r.answersCookie())
	err := s.m.engine.shift(ctx, s)
	if err == nil {
		s.renewCookie(s.maxAge())
	}
	return err
}

// UpdateExpiration sets the idle deadline of the request's session to d from now, at once and for every node. The new
// deadline may be earlier or later than the old one, but not past the absolute deadline. If the cookie has a Max-Age, it
// becomes d.
//
// Later saves of this request do not move the deadline. The next request that uses the session moves it if the session's
// lifetime from then on ends later; [Session.SetLifetime] changes that lifetime. d is from a millisecond to a century; to
// end a session use [Manager.Destroy]. Other errors are those of [Manager.ShiftExpiration].
func (m *Manager) UpdateExpiration(w http.ResponseWriter, r *http.Request, d time.Duration) error {
	return m.updateExpiration(arrivalOf(w, r), d)
}

// UpdateExpirationExchange is [Manager.UpdateExpiration] for an HTTP stack other than net/http.
func (m *Manager) UpdateExpirationExchange(x Exchange, d time.Duration) error {
	return m.updateExpiration(arrival{x: x}, d)
}

func (m *Manager) updateExpiration(a arrival, d time.Duration) error {
	if !isLifetime(d) {
		return errors.New("session: the time until a deadline must be between a millisecond and a century")
	}
	return m.withSession(a, func(s *Session, ctx context.Context) error {
		err := s.m.engine.fix(ctx, s, merge.Lifetime{Idle: d})
		if err != nil {
			return err
		}
		if s.m.maxAge(s.storedLife()) > 0 {
			s.m.engine.renew(s, cookieAge(d))
		}
		s.idle = fixed
		s.r.fix()
		return nil
	})
}

// withSession calls do with the request's session, which is locked, if it is live.
func (m *Manager) withSession(a arrival, do func(s *Session, ctx context.Context) error) error {
	request, err := a.context()
	switch {
	case err != nil:
		return err
	case m.cannot[deadlines] != nil:
		return m.cannot[deadlines]
	case m.isClosed():
		return ErrClosed
	}
	ctx, cancel := m.saveContext(request)
	defer cancel()
	s, _, err := m.open(ctx, request, a)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.unlock()
	if s.state == unstored && s.draft.IsChanged() { // under Handler it would begin later
		if err := m.engine.begin(ctx, s); err != nil {
			return err
		}
	}
	switch s.state {
	case unstored, replaced, withheld:
		return ErrNotFound
	case gone, dismissed:
		return ErrDestroyed
	}
	return do(s, ctx)
}

// isFixed reports whether this request has set the deadline.
func (s *Session) isFixed() bool {
	return s.idle == fixed || s.m.fixed.Load() && s.r.reply.note().fixed
}

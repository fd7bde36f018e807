package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed1a8f7c28/session/internal/merge"
)

// Every lifetime is in this range, whoever sets it: stores keep times in milliseconds, have room for one a century from now, and
// no sum overflows.
const (
	minLifetime = time.Millisecond
	maxLifetime = merge.MaxLifetime
)

func isLifetime(d time.Duration) bool { return d >= minLifetime && d <= maxLifetime }

// lifetime returns the lifetime as this request sees it.
func (s *Session) lifetime() merge.Lifetime {
	return s.m.envelope.Lifetimes.Planned(&s.draft)
}

// Expires returns when the session ends if it is not used again, as it was loaded or stored last: releasing it may move that. It is
// the zero time while nothing is stored, once the session has ended, and with a third-party provider.
func (s *Session) Expires() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isStored() {
		return time.Time{}
	}
	return s.draft.Expires()
}

// Deadline returns when the session ends, used or not; the zero time for never, and where Expires returns that.
func (s *Session) Deadline() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.isStored() {
		return time.Time{}
	}
	return s.draft.Deadline()
}

// SetLifetime sets how long this session lives when it is not used, instead of the manager's Maxlifetime: from
// its next save on, on every node, and over a Regenerate. The deadline moves then, to an earlier time too; a request
// that has begun before may move it once more by the lifetime that it has seen. It never passes the absolute
// deadline. d is from a millisecond to AbsoluteLifetime, or else to a century, and is cut to milliseconds; zero
// takes back SetLifetime and RememberMe, as Flush does. A cookie with Max-Age gets d as that. Errors are those of
// Set; third-party providers have a lifetime of their own: [errors.ErrUnsupported].
func (s *Session) SetLifetime(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.unlock()
	return s.setLifetime(ctx, d, s.lifetime().Remembered)
}

// RememberMe is SetLifetime with a cookie that the browser keeps for d, at most 400 days, and that is renewed
// when the session is used. Zero takes it back. It returns [ErrCommitted] once the response headers are sent, and an
// error wrapping [errors.ErrUnsupported] on a Session that belongs to no request.
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

// SetAbsoluteLifetime sets how long this session lives at most, however much it is used, since it began or its user logged in,
// instead of the manager's absoluteLifetime: shorter or longer, from its next save on, over a Regenerate and a Login of the
// same user. d is from a millisecond to a century and is cut to milliseconds; zero takes it back. It is an error, and changes
// nothing, if the session is older than d: Logout ends it. Other errors are those of [Session.SetLifetime].
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

// maxAge returns the Max-Age of the cookie of a session with lifetime l, in seconds, 0 for none.
func (m *Manager) maxAge(l merge.Lifetime) int {
	if l.Remembered || l.Own && m.cfg.cookieMaxAge > 0 {
		return cookieAge(l.Idle)
	}
	return m.cfg.cookieMaxAge
}

// maxAgeUntil is maxAge for a session that expires then. A deadline that UpdateExpiration has set counts instead of the
// lifetime: in its own request, which fixed says, and later as long as it is beyond the lifetime.
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

// maxAge returns the Max-Age of the session's cookie, if it is sent now.
func (s *Session) maxAge() int {
	life := s.lifetime()
	if s.m.maxAge(life) == 0 { // isFixed may have to look through the request
		return 0
	}
	return s.m.maxAgeUntil(s.draft.Expires(), life, s.isFixed())
}

// cookieDue reports whether the browser keeps the cookie, and was last sent it a twentieth of its life ago. That is
// stored with the session, so that other saves do not matter.
func (s *Session) cookieDue() bool {
	age := s.maxAge()
	if age == 0 || !s.r.answersCookie() || s.promisable() != nil {
		return false
	}
	sent := time.UnixMilli(s.draft.Meta().Int(merge.CookieSent))
	return time.Since(sent) >= time.Duration(age)*time.Second/20
}

// sends notes, for what is stored next, that the cookie is sent if it is, and if the browser keeps it.
func (s *Session) sends(answered bool) {
	if answered && s.m.maxAge(s.lifetime()) > 0 {
		s.draft.WriteLog().Sends(time.Now().UnixMilli())
	}
}

// cookieAge returns d in seconds, as far as browsers keep a cookie.
func cookieAge(d time.Duration) int {
	return int(min((d+time.Second-1)/time.Second, maxCookieAge))
}

// renewCookie answers the cookie once more, if the browser keeps it and the sid came in one.
func (s *Session) renewCookie(maxAge int) {
	if maxAge > 0 {
		s.m.engine.renew(s, maxAge)
	}
}

// ShiftExpiration moves the idle deadline of the request's session to its lifetime from now, at once and for
// every node, instead of when the session is released and touchInterval has passed. A cookie with Max-Age is renewed. It
// moves no deadline earlier and none past the absolute one. A session that under Handler would begin with the response is stored at
// once. Without a session it returns [ErrNotFound], with a third-party provider an error wrapping [errors.ErrUnsupported].
func (m *Manager) ShiftExpiration(w http.ResponseWriter, r *http.Request) error {
	return m.withSession(arrivalOf(w, r), (*Session).shift)
}

// ShiftExpirationExchange is [Manager.ShiftExpiration] for another HTTP stack than net/http.
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

// UpdateExpiration sets the idle deadline of the request's session to d from now, at once and for every node, be it
// later or earlier, but not past the absolute deadline. What this request stores later does not move it; the next
// request that uses the session does, if its lifetime from then is longer: SetLifetime changes that. A cookie with
// Max-Age gets d. d is from a millisecond to a century: [Manager.Destroy] ends a session. Other errors are those of ShiftExpiration.
func (m *Manager) UpdateExpiration(w http.ResponseWriter, r *http.Request, d time.Duration) error {
	return m.updateExpiration(arrivalOf(w, r), d)
}

// UpdateExpirationExchange is [Manager.UpdateExpiration] for another HTTP stack than net/http.
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
		if s.m.maxAge(s.draft.Life) > 0 {
			s.m.engine.renew(s, cookieAge(d))
		}
		s.idle = fixed
		s.r.fix()
		return nil
	})
}

// withSession calls do with the request's session, locked, if it is live.
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
	s, err := m.open(ctx, request, a)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.unlock()
	if s.state == unstored && !s.draft.Changes().Empty() { // under Handler it would begin later
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

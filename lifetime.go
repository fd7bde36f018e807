package session

import (
	"context"
	"errors"
	"time"

	"github.com/seed1a8f7c28/session/internal/merge"
)

const maxLifetime = merge.MaxLifetime

// lifetime returns the lifetime as this request sees it.
func (s *Session) lifetime() merge.Lifetime { return s.m.envelope.Lifetimes.Of(&s.draft, s.m.codec) }

// SetLifetime sets how long this session lives when it is not used, instead of the manager's Maxlifetime: from
// its next save on, on every node, and over a Regenerate. The deadline moves then, to an earlier time too; a request
// that has begun before may move it once more by the lifetime that it has seen. It never passes the absolute
// deadline. d is from a millisecond to a century and is cut to milliseconds; zero takes back SetLifetime and
// RememberMe, as Flush does. A cookie with Max-Age gets d as that. Errors are those of Set; third-party providers
// have a lifetime of their own: [errors.ErrUnsupported].
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
	if s.r == s.m.none {
		return unsupported("RememberMe needs a request")
	}
	if err := s.promisable(); err != nil {
		return err
	}
	return s.setLifetime(ctx, d, true)
}

func (s *Session) setLifetime(ctx context.Context, d time.Duration, remembered bool) error {
	switch {
	case s.m.raw != nil:
		return unsupported("the sessions of a third-party provider have its lifetime")
	case d != 0 && d < time.Millisecond || d > maxLifetime:
		return errors.New("session: a lifetime is from a millisecond to a century, or 0")
	}
	ms, before := d.Milliseconds(), s.m.maxAge(s.lifetime())
	if remembered {
		ms = -ms
	}
	err := s.change(ctx, func(log *merge.Log) error {
		if ms == 0 {
			return s.drop(log, merge.LifetimeKey)
		}
		k, v, err := s.encode(log, merge.LifetimeKey, ms)
		if err == nil {
			log.Put(k, v)
		}
		return err
	})
	if age := s.m.maxAge(s.lifetime()); err == nil && (age > 0 || before > 0) {
		s.answerCookie(age)
	}
	return err
}

// maxAge returns the Max-Age of the cookie of a session with lifetime l, in seconds, 0 for none.
func (m *Manager) maxAge(l merge.Lifetime) int {
	if l.Remembered || l.Own && m.cfg.cookieMaxAge > 0 {
		return cookieAge(l.Idle)
	}
	return m.cfg.cookieMaxAge
}

// cookieAge returns d in seconds, as far as browsers keep a cookie.
func cookieAge(d time.Duration) int {
	return int(min((d+time.Second-1)/time.Second, maxCookieAge))
}

// renewCookie answers the cookie once more, if the browser keeps it and the sid came in one.
func (s *Session) renewCookie(maxAge int) {
	if maxAge > 0 {
		s.answerCookie(maxAge)
	}
}

// answerCookie answers the cookie with another Max-Age. That of a new session is answered when it is stored, a
// sealed one with each change.
func (s *Session) answerCookie(maxAge int) {
	if s.m.sealer == nil && s.isStored() {
		s.r.answerCookie(s.sid, maxAge)
	}
}

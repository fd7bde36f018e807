package session

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/codec"
)

// lifetimeKey is where a session has a lifetime of its own: an int64 of milliseconds, negative if the browser
// is to keep the cookie.
const lifetimeKey = reservedPrefix + "lifetime"

var lifetimeKeyEnc, _ = codec.AppendKey(nil, lifetimeKey)

// A lifetime is how long a session lives when it is not used.
type lifetime struct {
	idle       time.Duration
	own        bool // it is the session's, not the manager's
	remembered bool // the cookie outlives the browser
}

func (m *Manager) usualLifetime() lifetime { return lifetime{idle: m.cfg.idle} }

// lifetimeIn returns the lifetime of a session with these values. It is asked with every request: that a session
// has none of its own is found without decoding it.
func (m *Manager) lifetimeIn(c codec.Codec, values []byte) lifetime {
	if len(values) == 0 || !c.Seeks() && !bytes.Contains(values, lifetimeKeyEnc[2:]) { // not what JSON escapes
		return m.usualLifetime()
	}
	v, _, err := c.Get(values, lifetimeKeyEnc)
	if err != nil {
		return m.usualLifetime()
	}
	return m.lifetimeOf(v)
}

// lifetimeOf reads what is stored under lifetimeKey.
func (m *Manager) lifetimeOf(v any) lifetime {
	ms, ok := v.(int64)
	remembered := ms < 0
	if remembered {
		ms = -ms
	}
	if !ok || ms <= 0 || ms > int64(maxLifetime/time.Millisecond) {
		return m.usualLifetime()
	}
	return lifetime{time.Duration(ms) * time.Millisecond, true, remembered}
}

// maxLifetime is a century: a deadline so far off is a time in every store.
const maxLifetime = 100 * 365 * 24 * time.Hour

// lifetime returns the lifetime as this request sees it.
func (s *Session) lifetime() lifetime {
	if c := s.log.find(lifetimeKeyEnc); c != nil && c.Value != nil {
		if v, err := s.m.codec.Value(c.Value); err == nil {
			return s.m.lifetimeOf(v)
		}
	} else if c != nil || s.log.flush {
		return s.m.usualLifetime()
	}
	return s.life
}

// SetLifetime sets how long this session lives when it is not used, instead of the manager's Maxlifetime: from
// its next save on, on every node, and over a Regenerate. The deadline moves then, to an earlier time too; a request
// that has begun before may move it once more by the lifetime that it has seen. It never passes the absolute
// deadline. d is from a millisecond to a century and is cut to milliseconds; zero takes back SetLifetime and
// RememberMe, as Flush does. A cookie with Max-Age gets d as that. Errors are those of Set; third-party providers
// have a lifetime of their own: [errors.ErrUnsupported].
func (s *Session) SetLifetime(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.unlock()
	return s.setLifetime(ctx, d, s.lifetime().remembered)
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
	err := s.change(ctx, func() error {
		k, v, err := s.encode(lifetimeKey, ms)
		if ms == 0 {
			v = nil
		}
		if err == nil {
			s.log.put(k, v)
		}
		return err
	})
	if age := s.m.maxAge(s.lifetime()); err == nil && (age > 0 || before > 0) {
		s.answerCookie(age)
	}
	return err
}

// maxAge returns the Max-Age of the cookie of a session with lifetime l, in seconds, 0 for none.
func (m *Manager) maxAge(l lifetime) int {
	if l.remembered || l.own && m.cfg.cookieMaxAge > 0 {
		return cookieAge(l.idle)
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

// deadline returns the idle deadline of base when it is stored now with lifetime l, and whether it may be an
// earlier one: only a lifetime that this request has changed makes it so.
func (s *Session) deadline(now time.Time, base *driver.Record, l lifetime) (expires time.Time, shorten bool) {
	switch {
	case s.log.find(lifetimeKeyEnc) != nil || s.log.flush && s.life.own:
		return s.m.idleUntil(now, base.Deadline, l), true
	case s.isFixed():
		return base.Expires, false
	}
	return s.m.extended(now, base, l), false
}

// due reports whether a session that is used now is due to have its idle deadline moved.
func (m *Manager) due(now time.Time, rec *driver.Record, l lifetime) bool {
	every := m.cfg.touchEvery
	if l.own && l.idle < m.cfg.idle {
		every = min(every, l.idle/20)
	}
	return m.idleUntil(now, rec.Deadline, l).Sub(rec.Expires) >= max(every, time.Millisecond)
}

// extended returns the idle deadline of rec when it is stored now, which is never an earlier one.
func (m *Manager) extended(now time.Time, rec *driver.Record, l lifetime) time.Time {
	if t := m.idleUntil(now, rec.Deadline, l); t.After(rec.Expires) {
		return t
	}
	return rec.Expires
}

// idleUntil returns the idle deadline of a session that is used now.
func (m *Manager) idleUntil(now, deadline time.Time, l lifetime) time.Time {
	t := now.Add(l.idle)
	if !deadline.IsZero() && deadline.Before(t) {
		t = deadline
	}
	return time.UnixMilli(t.UnixMilli())
}

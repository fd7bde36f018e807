package session

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/seed1a8f7c28/session/internal/merge"
)

// ShiftExpiration moves the idle deadline of the request's session to its lifetime from now, at once and for
// every node, instead of when the session is released and touchInterval has passed. A cookie with Max-Age is renewed. It
// moves no deadline earlier and none past the absolute one. Without a live session it returns [ErrNotFound],
// with a third-party provider an error wrapping [errors.ErrUnsupported].
func (m *Manager) ShiftExpiration(w http.ResponseWriter, r *http.Request) error {
	return m.withSession(arrivalOf(w, r), (*Session).shiftNow)
}

// ShiftExpirationExchange is [Manager.ShiftExpiration] for another HTTP stack than net/http.
func (m *Manager) ShiftExpirationExchange(x Exchange) error {
	return m.withSession(arrival{x: x}, (*Session).shiftNow)
}

func (s *Session) shiftNow(ctx context.Context) error {
	err := s.shift(ctx)
	if err == nil {
		s.renewCookie(s.m.maxAge(s.draft.Life))
	}
	return err
}

// UpdateExpiration sets the idle deadline of the request's session to d from now, at once and for every node, be it
// later or earlier, but not past the absolute deadline. What this request stores later does not move it; the next
// request that uses the session does, if its lifetime from then is longer: SetLifetime changes that. A cookie with
// Max-Age gets d. d is more than zero: [Manager.Destroy] ends a session. Other errors are those of ShiftExpiration.
func (m *Manager) UpdateExpiration(w http.ResponseWriter, r *http.Request, d time.Duration) error {
	return m.updateExpiration(arrivalOf(w, r), d)
}

// UpdateExpirationExchange is [Manager.UpdateExpiration] for another HTTP stack than net/http.
func (m *Manager) UpdateExpirationExchange(x Exchange, d time.Duration) error {
	return m.updateExpiration(arrival{x: x}, d)
}

func (m *Manager) updateExpiration(a arrival, d time.Duration) error {
	if d <= 0 || d > maxLifetime {
		return errors.New("session: the time to a deadline is more than zero, and a century at most")
	}
	return m.withSession(a, func(s *Session, ctx context.Context) error {
		err := s.fix(ctx, merge.Lifetime{Idle: d})
		if err != nil {
			return err
		}
		if s.m.maxAge(s.draft.Life) > 0 {
			s.answerCookie(cookieAge(d))
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
	case m.raw != nil:
		return unsupported("the sessions of a third-party provider expire when it says")
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
	switch s.state {
	case unstored:
		return ErrNotFound
	case gone, dismissed:
		return ErrDestroyed
	}
	return do(s, ctx)
}

// shift moves the deadline later.
func (s *Session) shift(ctx context.Context) error {
	if s.m.sealer == nil {
		return s.touch(ctx)
	}
	if err := s.resealable(); err != nil {
		return err
	}
	return s.sealUntil(s.draft.Life.Extended(time.Now(), s.draft.Expires(), s.draft.Deadline()))
}

// fix sets the deadline.
func (s *Session) fix(ctx context.Context, l merge.Lifetime) error {
	if s.m.sealer != nil {
		return s.fixSealed(l)
	}
	user := s.draft.User
	out, err := s.m.store.Expire(ctx, &s.draft, l)
	s.met(ctx, user, out)
	switch {
	case out.Gone:
		return s.lost(ctx)
	case err != nil:
		return err
	}
	s.m.stats.count(saved)
	return nil
}

func (s *Session) fixSealed(l merge.Lifetime) error {
	if err := s.resealable(); err != nil {
		return err
	}
	return s.sealUntil(l.Until(time.Now(), s.draft.Deadline()))
}

// sealUntil seals the session with this deadline.
func (s *Session) sealUntil(expires time.Time) error {
	before, idle := s.draft.Expires(), s.idle
	s.draft.SetExpires(expires)
	s.idle = fixed
	err := s.seal(s.sid, "")
	if s.idle = idle; err != nil {
		s.draft.SetExpires(before)
		return err
	}
	s.m.watched.sooner(s.sid, expires)
	return nil
}

// isFixed reports whether this request has set the deadline.
func (s *Session) isFixed() bool {
	return s.idle == fixed || s.m.fixed.Load() && s.r.reply.note().fixed
}

package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// SessionStart is [Manager.Start] with the name and the result that beego's API has.
func (m *Manager) SessionStart(w http.ResponseWriter, r *http.Request) (Store, error) {
	return asStore(m.Start(w, r))
}

// Start returns the request's session. A visitor without one gets one, with a cookie: at once, or, if the
// manager is lazy, with the first value that is stored. The caller must call SessionRelease or Save,
// usually deferred. An error means that the store could not be asked: then nothing was answered, and the
// visitor still has the session.
//
// Start looks at cookies, then the query, then the header, as configured. When it answers a new sid it
// also puts it into r, so that a second Start with r finds the same session. Under Handler it returns the
// request's one Session.
func (m *Manager) Start(w http.ResponseWriter, r *http.Request) (*Session, error) {
	if r == nil {
		return nil, errNoRequest
	}
	return m.start(r.Context(), nil, httpExchange{w, r})
}

// StartExchange is [Manager.Start] for another HTTP stack than net/http.
func (m *Manager) StartExchange(x Exchange) (*Session, error) {
	if x == nil {
		return nil, errNoRequest
	}
	return m.start(orBackground(x.Context()), x, httpExchange{})
}

func (m *Manager) start(request context.Context, x Exchange, h httpExchange) (*Session, error) {
	ctx, cancel := m.loadContext(request)
	defer cancel()
	s, err := m.open(ctx, request, x, h)
	if err == nil && !m.cfg.Lazy {
		err = s.ensure(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// open returns the session that the request carries, or one that is not stored yet. Without x it is h's, which the
// Session then keeps in itself.
func (m *Manager) open(ctx, request context.Context, x Exchange, h httpExchange) (*Session, error) {
	if v := m.handledVisit(request); v != nil {
		return v.session(ctx, request)
	}
	s := m.newSession()
	s.own = visit{m: m, x: x, http: h}
	if x == nil {
		s.own.x = &s.own.http
	}
	return s, s.arrive(ctx, &s.own)
}

// arrive fills s with the session that the request carries, if any is live.
func (s *Session) arrive(ctx context.Context, v *visit) error {
	m := s.m
	s.v = v
	if m.closing.Err() != nil {
		return ErrClosed
	}
	v.answerRead()
	var buf [maxCandidates + 2]candidate
	candidates := v.candidates(buf[:0])
	if v.malformed > 0 {
		m.stats.add(malformed, v.malformed)
	}
	for i, c := range candidates {
		if i == 0 {
			v.original = c.sid
		}
		err := s.find(ctx, c.sid)
		if errors.Is(err, ErrNotFound) {
			m.stats.count(unknown)
			continue
		}
		if err != nil {
			return fmt.Errorf("session: load: %w", err)
		}
		m.stats.count(found)
		if v.came = c.by; len(candidates) > 1 {
			v.rewrite(c.sid, v.trace(), candidates[i+1:]...)
		}
		return s.arrived(v, c)
	}
	if len(candidates) > 0 {
		v.retract() // a Session of this request may have renewed the cookie before its session ended
	}
	return nil
}

// arrived answers a request whose sid c is live.
func (s *Session) arrived(v *visit, c candidate) error {
	switch {
	case s.m.sealer != nil:
		return s.renewSealed()
	case c.by == byHeader:
		v.answerHeader(c.sid)
	case s.due:
		s.renewCookie(s.m.maxAge(s.life))
	}
	return nil
}

// find fills s with the live session of a sid that came from a client.
func (s *Session) find(ctx context.Context, sid string) error {
	switch {
	case s.m.raw != nil:
		return s.findRaw(ctx, sid)
	case s.m.sealer != nil:
		return s.unseal(sid)
	}
	return s.load(ctx, sid)
}

// ensure stores a session that is not stored yet.
func (s *Session) ensure(ctx context.Context) error {
	s.mu.Lock()
	defer s.unlock()
	if s.status != unstored {
		return nil
	}
	if err := s.promisable(); err != nil {
		return err
	}
	if s.m.sealer != nil {
		return s.reseal(nil)
	}
	if s.m.raw != nil {
		return s.beginRaw(ctx)
	}
	return s.create(ctx)
}

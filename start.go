package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/seed1a8f7c28/session/driver"
)

// SessionStart is [Manager.Start] with the name and the result type of beego's API.
func (m *Manager) SessionStart(w http.ResponseWriter, r *http.Request) (Store, error) {
	return asStore(m.Start(w, r))
}

// Start returns the request's session. A visitor without a session gets one and a cookie: at once, or with Lazy when the
// first value is stored. The caller must call SessionRelease or Save, usually in a defer. An error means that the session
// could not be loaded or stored, for example because the store could not be reached. In that case nothing was sent to the
// client, and the visitor still has the session.
//
// Two kinds of requests begin no session, because the cookie of a new session would replace a valid cookie in the browser:
//
//   - A late request: a Login or Regenerate has replaced its sid within MarkLifetime, by default a minute, and the browser
//     has the new sid by now. Its Session is empty and not new, and changes to it return [ErrDestroyed].
//   - A request that another site has caused and that came without the cookie because of SameSite, for example a payment
//     that returns by POST. Values can be set, but Save returns [ErrCrossSite]. See [ManagerConfig.CrossSiteCookies].
//
// Login and Regenerate begin a session for both kinds; in the second case the session has the values that were set.
//
// Start looks for a sid in the cookies, then in the query, then in the header, as configured. When it sends a new sid, it
// also puts it into r, with a note for this request alone, so that a second Start with r finds the same session. A Start
// with the same w and another *http.Request, such as an earlier clone, finds it by the response header. Under Handler,
// Start returns the one Session of the request.
func (m *Manager) Start(w http.ResponseWriter, r *http.Request) (*Session, error) {
	return m.start(arrivalOf(w, r))
}

// StartExchange is [Manager.Start] for an HTTP stack other than net/http.
func (m *Manager) StartExchange(x Exchange) (*Session, error) {
	return m.start(arrival{x: x})
}

func (m *Manager) start(a arrival) (*Session, error) {
	request, err := a.context()
	if err != nil {
		return nil, err
	}
	ctx, cancel := m.loadContext(request)
	defer cancel()
	s, alone, err := m.open(ctx, request, a)
	if err != nil {
		return nil, err
	}
	if m.cfg.Lazy || alone && s.state != unstored {
		return s, nil
	}
	if err := s.ensure(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// arrive fills s with the session that the request carries, if any is live.
func (s *Session) arrive(ctx context.Context, r *request) error {
	m := s.m
	s.r = r
	if m.isClosed() {
		return ErrClosed
	}
	r.reply.read()
	var buf [maxCandidates + 2]candidate
	lines := r.cookieLines()
	candidates, refused := r.candidates(lines, buf[:0])
	if refused > 0 {
		m.stats.add(malformed, uint64(refused))
	}
	if len(candidates) > 0 {
		r.original = candidates[0].sid
	}
	carriesNone := len(candidates) == 0
	others, removed := r.answeredBesides(candidates)
	if len(others) > 0 {
		if _, live, err := s.tryEach(ctx, lines, others); live || err != nil {
			s.isNew = s.isNew || carriesNone
			if r.original == "" { // else an older Session of this *http.Request is to find that its own is gone
				r.reply.rewrite(others[0].sid, "", note{begun: true})
			}
			return err
		}
	}
	if removed {
		r.removed = true
		candidates = slices.DeleteFunc(candidates, func(c candidate) bool { return c.by == byCookie })
	}
	late, live, err := s.tryEach(ctx, lines, candidates)
	if live || err != nil {
		return err
	}
	switch {
	case late:
		s.state = replaced
	case r.isWithheld(candidates, refused):
		s.state = withheld
	default:
		s.isNew = true
	}
	if len(candidates) > 0 {
		r.reply.retract() // a Session of this request may have renewed the cookie before its session ended
	}
	return nil
}

// tryEach fills s with the session of the first candidate that is live, and reports whether there is one. late says that a
// candidate is a sid that was replaced. lines are those of the Cookie header.
func (s *Session) tryEach(ctx context.Context, lines []string, candidates []candidate) (late, live bool, err error) {
	m, r := s.m, s.r
	for i, c := range candidates {
		err := m.engine.find(ctx, s, c.sid)
		if _, is := errors.AsType[*driver.MarkedError](err); is {
			late = true
			continue
		}
		if errors.Is(err, ErrNotFound) {
			m.stats.count(unknown)
			s.addExtra().dead = append(s.extras.dead, c.sid)
			continue
		}
		if err != nil {
			return late, false, fmt.Errorf("session: load: %w", err)
		}
		m.stats.count(found)
		s.isNew = r.hasBegun(lines)
		if r.came = c.by; len(candidates) > 1 {
			r.reply.rewrite(c.sid, r.pairs(candidates[i+1:]), r.reply.note())
		}
		return late, true, m.engine.arrived(s, c)
	}
	return late, false, nil
}

// ensure stores a session that is not stored yet.
func (s *Session) ensure(ctx context.Context) error {
	s.mu.Lock()
	defer s.unlock()
	if s.state != unstored {
		return nil
	}
	return s.m.engine.begin(ctx, s)
}

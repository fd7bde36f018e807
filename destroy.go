package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/seed1a8f7c28/session/driver"
)

// SessionDestroy is [Manager.Destroy] for callers of beego's API; an error goes to the ErrorHandler and the
// Logger.
func (m *Manager) SessionDestroy(w http.ResponseWriter, r *http.Request) {
	if err := m.Destroy(w, r); err != nil {
		ctx, x := context.Background(), Exchange(nil)
		if r != nil {
			ctx, x = r.Context(), &httpExchange{w, r}
		}
		m.report(ctx, x, "destroy failed", err)
	}
}

// Destroy ends the session of the request, by whichever channel its sid came, and removes the cookie. No
// request that still uses the session can bring it back. With an error the session may still be there, and
// the client keeps its cookie. Later in the same request a Start begins a new session.
func (m *Manager) Destroy(w http.ResponseWriter, r *http.Request) error {
	if r == nil {
		return errNoRequest
	}
	if v := m.handledVisit(r.Context()); v != nil {
		return v.destroy(nil)
	}
	v := &visit{m: m, http: httpExchange{w, r}}
	v.x = &v.http
	return v.endAndTell()
}

// DestroyExchange is [Manager.Destroy] for another HTTP stack than net/http.
func (m *Manager) DestroyExchange(x Exchange) error {
	if x == nil {
		return errNoRequest
	}
	if v := m.handledVisit(x.Context()); v != nil {
		return v.destroy(nil)
	}
	v := &visit{m: m, x: x}
	return v.endAndTell()
}

func (v *visit) endAndTell() error {
	events, err := v.end("")
	tell(events)
	return err
}

// end destroys every session whose sid the request carries, and the one of sid, if there is one. It returns what
// is to be told of, also with an error.
func (v *visit) end(sid string) (events []func(), err error) {
	if v.m.closing.Err() != nil {
		return nil, ErrClosed
	}
	ctx, cancel := v.m.saveContext(v.x.Context())
	defer cancel()
	var buf [maxCandidates + 3]candidate
	candidates := v.requested(buf[:0])
	if sid != "" && !slices.ContainsFunc(candidates, func(c candidate) bool { return c.sid == sid }) {
		candidates = append(candidates, candidate{sid: sid})
	}
	if v.m.sealer == nil {
		for _, c := range candidates {
			told, err := v.m.end(ctx, c.sid)
			events = append(events, told...)
			if err != nil {
				return events, fmt.Errorf("session: destroy: %w", err)
			}
		}
	}
	v.answerNothing()
	return events, nil
}

// end removes what is stored for a well-formed sid.
func (m *Manager) end(ctx context.Context, sid string) (events []func(), err error) {
	if m.raw != nil {
		return nil, hideSID(m.raw.SessionDestroy(ctx, sid), sid)
	}
	key, told := m.storageKey(sid), m.cfg.OnDestroy
	var rec driver.Record
	if told != nil { // of what was there, and whose it was
		switch err := m.backend.Load(ctx, key, &rec); {
		case errors.Is(err, ErrNotFound) && m.sweeps(): // a sweep tells of what has expired
			m.watched.end(key)
			return nil, nil
		case errors.Is(err, ErrNotFound): // by this node's clock; another's may be behind
			told = nil
		case err != nil:
			m.stats.count(failures)
			return nil, err
		}
	}
	if err := m.backend.Delete(ctx, key, 0); err != nil {
		m.stats.count(failures)
		return nil, err
	}
	m.watched.end(key)
	m.stats.count(loggedOut)
	if told != nil {
		e := Event{ID: m.publicIDOf(key), User: m.userName(rec.User), Reason: ReasonLogout}
		ctx = context.WithoutCancel(ctx)
		events = append(events, func() { told(ctx, e) })
	}
	return events, nil
}

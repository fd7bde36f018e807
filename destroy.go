package session

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
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
	return m.destroy(arrivalOf(w, r))
}

// DestroyExchange is [Manager.Destroy] for another HTTP stack than net/http.
func (m *Manager) DestroyExchange(x Exchange) error { return m.destroy(arrival{x: x}) }

func (m *Manager) destroy(a arrival) error {
	ctx, err := a.context()
	if err != nil {
		return err
	}
	return m.replyTo(ctx, &a).end(ctx, nil)
}

// endAll destroys every session whose sid the request carries, and the one of sid, if there is one. It returns what
// is to be told of, also with an error.
func (r *request) endAll(sid string) (events []func(), err error) {
	if r.m.isClosed() {
		return nil, ErrClosed
	}
	ctx, cancel := r.m.saveContext(r.context())
	defer cancel()
	var buf [maxCandidates + 3]candidate
	candidates, _ := r.requested(buf[:0])
	others, _ := r.answeredBesides(candidates)
	candidates = append(candidates, others...)
	if sid != "" && !slices.ContainsFunc(candidates, func(c candidate) bool { return c.sid == sid }) {
		candidates = append(candidates, candidate{sid: sid})
	}
	for _, c := range candidates {
		told, err := r.m.engine.remove(ctx, c.sid)
		events = append(events, told...)
		if err != nil {
			return events, fmt.Errorf("session: destroy: %w", err)
		}
	}
	r.answerNothing()
	return events, nil
}

// siteData are the directives of Clear-Site-Data, https://www.w3.org/TR/clear-site-data/ and what browsers added.
var siteData = []string{
	"*", "cache", "clientHints", "cookies", "executionContexts", "prefetchCache", "prerenderCache", "storage",
}

// Logout ends the session and removes the cookie, as [Manager.Destroy] does. clearSiteData are directives of the
// header Clear-Site-Data, which tells the browser what else of this site to forget: "cache", "cookies", "storage" or
// "*" for example. Another word is an error, before anything is done.
//
// The Session itself is over: a flash message for the next page is [ErrDestroyed] on it. FromContext or Start then give another
// one, for a visitor who is logged out.
//
// Once the response headers are sent the session still ends, and the client keeps a cookie that names nothing.
func (s *Session) Logout(ctx context.Context, clearSiteData ...string) error {
	for _, directive := range clearSiteData {
		if !slices.Contains(siteData, directive) {
			return fmt.Errorf("session: logout: %q is not a directive of Clear-Site-Data", directive)
		}
	}
	if err := s.r.reply.end(ctx, s); err != nil {
		return err
	}
	if len(clearSiteData) > 0 {
		s.r.reply.clear(`"` + strings.Join(clearSiteData, `", "`) + `"`)
	}
	return nil
}

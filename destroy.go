package session

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// SessionDestroy is [Manager.Destroy] with the name of beego's API. An error goes to ErrorHandler and Logger.
func (m *Manager) SessionDestroy(w http.ResponseWriter, r *http.Request) {
	if err := m.Destroy(w, r); err != nil {
		ctx, x := context.Background(), Exchange(nil)
		if r != nil {
			ctx, x = r.Context(), &httpExchange{w, r}
		}
		m.report(ctx, x, "destroy failed", err)
	}
}

// Destroy ends the session of the request, whether its sid came in a cookie, the query or the header, and removes the
// cookie. No request that still uses the session can bring it back. A later Start in the same request begins a new session.
// After an error the session may still exist, and the client keeps its cookie. It is not an error if there is no session.
func (m *Manager) Destroy(w http.ResponseWriter, r *http.Request) error {
	return m.destroy(arrivalOf(w, r))
}

// DestroyExchange is [Manager.Destroy] for an HTTP stack other than net/http.
func (m *Manager) DestroyExchange(x Exchange) error { return m.destroy(arrival{x: x}) }

func (m *Manager) destroy(a arrival) error {
	ctx, err := a.context()
	if err != nil {
		return err
	}
	return m.replyTo(ctx, &a).end(ctx, nil)
}

// endAll destroys every session whose sid the request carries, and the session of sid unless that is "". It returns the
// events to tell, also with an error.
func (r *request) endAll(sid string) (events []func(), err error) {
	if r.m.isClosed() {
		return nil, ErrClosed
	}
	ctx, cancel := r.m.saveContext(r.context())
	defer cancel()
	var buf [maxCandidates + 3]candidate
	candidates, _ := r.requested(r.cookieLines(), buf[:0])
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

// Logout ends the session and removes the cookie, as [Manager.Destroy] does. clearSiteData are directives of the header
// Clear-Site-Data, which tell the browser what else to delete for this site, for example "cache", "cookies", "storage" or
// "*". An unknown directive is an error, and then nothing is done.
//
// After Logout this Session has ended: on it, even a flash message for the next page returns [ErrDestroyed]. FromContext
// and Start then return another Session, in which nobody is logged in. If the response headers are already sent, the
// session ends all the same, and the client keeps a cookie that names no session.
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

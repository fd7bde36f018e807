package session

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// siteData are the directives of Clear-Site-Data, https://www.w3.org/TR/clear-site-data/ and what browsers added.
var siteData = []string{
	"*", "cache", "clientHints", "cookies", "executionContexts", "prefetchCache", "prerenderCache", "storage",
}

// Logout ends the session and removes the cookie, as [Manager.Destroy] does. clearSiteData are directives of the
// header Clear-Site-Data, which tells the browser what else of this site to forget: "cache", "cookies", "storage" or
// "*" for example. Another word is an error, before anything is done.
//
// Once the response headers are sent the session still ends, and the client keeps a cookie that names nothing.
func (s *Session) Logout(ctx context.Context, clearSiteData ...string) error {
	for _, directive := range clearSiteData {
		if !slices.Contains(siteData, directive) {
			return fmt.Errorf("session: logout: %q is no directive of Clear-Site-Data", directive)
		}
	}
	if err := s.logout(ctx); err != nil {
		return err
	}
	if s.v != nil && len(clearSiteData) > 0 {
		s.v.answerClear(`"` + strings.Join(clearSiteData, `", "`) + `"`)
	}
	return nil
}

func (s *Session) logout(ctx context.Context) error {
	if s.v != nil && s.v.handled != nil {
		return s.v.destroy(s)
	}
	s.mu.Lock()
	defer s.unlock()
	switch {
	case s.status == gone || s.status == dismissed:
		return nil
	case s.v != nil:
		sid := ""
		if s.status == stored {
			sid = s.sid
		}
		events, err := s.v.end(sid)
		s.queue(events...)
		if err != nil {
			return err
		}
	case s.status == stored:
		ctx, cancel := s.m.saveContext(ctx)
		defer cancel()
		events, err := s.m.end(ctx, s.sid)
		s.queue(events...)
		if err != nil {
			return fmt.Errorf("session: destroy: %w", err)
		}
	}
	s.status = dismissed
	if s.m.sealer != nil {
		s.m.watched.end(s.sid)
	}
	if s.m.raw != nil {
		return s.releaseRaw(orBackground(ctx))
	}
	return nil
}

// answerClear tells the browser what else to forget.
func (v *visit) answerClear(directives string) {
	if v.handled != nil {
		v.handled.answer(func(a *answer) { a.clear = directives })
		return
	}
	v.x.SetResponseHeader("Clear-Site-Data", []string{directives})
}

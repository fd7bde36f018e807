package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seed1a8f7c28/session/driver"
)

// A reply answers a request, and lets the Sessions of one request learn of each other: at once (atOnce), when the response
// headers are sent (deferred, under Handler), or not at all (noReply). Its methods take values, because a closure or a
// slice of the caller would have to be allocated.
type reply interface {
	// promise returns an error if the response can no longer, or never could, carry a sid.
	promise() error
	// waits reports whether a session that begins is stored only when the response headers are sent.
	waits() bool

	// cookies makes lines the only Set-Cookie lines for the session's cookies.
	cookies(lines []string)
	// await keeps a record that is to be sealed into the cookies later, and their Max-Age. It returns the record that it has kept
	// until now, or nil. It must only be called if waits returns true.
	await(rec *driver.Record, maxAge int) (before *driver.Record)
	// awaiting returns the record that await keeps, or nil. A call of cookies or retract drops it.
	awaiting() (rec *driver.Record, maxAge int)
	// header answers a sid in the sid's header.
	header(sid string)
	// clear answers Clear-Site-Data.
	clear(directives string)
	// read notes that the response depends on the request's cookie.
	read()
	// retract takes back cookies and header, if they are not sent yet.
	retract()
	// gone is retract after a save has found that the session is gone, if a save may change the response.
	gone()
	// answered returns the lines of a response header, if it is certain that nobody else is writing to it.
	answered(name string) []string

	// replaced returns the request's new sid, if the reply keeps it instead of changing the request.
	replaced() (sid string, is bool)
	// moved reports whether another Session of this request has changed the request's sid, and current returns the new one.
	moved() bool
	current() string
	// rewrite makes sid the request's sid, followed by a note and the cookies that were not tried.
	rewrite(sid, untried string, n note)
	// note returns the note beside the sid, and annotate changes it.
	note() note
	annotate(n note)

	// end ends s, the Session of this request, or, if s is nil, whatever session the request has, and removes the cookie.
	end(ctx context.Context, s *Session) error
}

// atOnce writes answers into the response header immediately, and keeps a new sid in the request.
type atOnce struct{ r *request }

func (a atOnce) promise() error {
	if c, ok := a.r.x.(Committer); ok && c.Committed() { // on net/http nobody knows
		return ErrCommitted
	}
	return nil
}

func (atOnce) waits() bool { return false }

func (a atOnce) cookies(lines []string) { a.r.setCookies(lines) }

func (atOnce) await(rec *driver.Record, _ int) *driver.Record { return rec }

func (atOnce) awaiting() (*driver.Record, int) { return nil, 0 }

func (a atOnce) header(sid string) {
	a.r.x.SetResponseHeader(a.r.m.cfg.headerName, []string{sid})
	a.r.setNoStore()
}

func (a atOnce) clear(directives string) {
	a.r.x.SetResponseHeader("Clear-Site-Data", []string{directives})
}

func (a atOnce) read() { a.r.setVary() }

func (a atOnce) retract() {
	a.r.setCookies(nil)
	if a.r.m.cfg.EnableSidInHTTPHeader {
		a.r.x.SetResponseHeader(a.r.m.cfg.headerName, nil)
	}
}

// gone does not change the response: during a save other goroutines of the handler may be writing to its header.
func (atOnce) gone() {}

func (a atOnce) answered(name string) []string { return a.r.x.ResponseHeader(name) }

func (atOnce) replaced() (string, bool) { return "", false }

func (a atOnce) moved() bool { return a.r.current() != a.r.original }

func (a atOnce) current() string { return a.r.current() }

func (a atOnce) rewrite(sid, untried string, n note) { a.r.rewrite(sid, untried, n) }

func (a atOnce) note() note { return a.r.note() }

func (a atOnce) annotate(n note) {
	if n.held {
		a.r.m.held.Store(true)
	}
	if n.fixed {
		a.r.m.fixed.Store(true)
	}
	var buf [maxCandidates + 2]candidate
	candidates, _ := a.r.requested(a.r.cookieLines(), buf[:0])
	others := slices.DeleteFunc(candidates, func(c candidate) bool { return c.sid == a.r.original })
	a.r.rewrite(a.r.original, a.r.pairs(others), n)
}

func (a atOnce) end(_ context.Context, s *Session) error {
	if s == nil {
		events, err := a.r.endAll("")
		tell(events...)
		return err
	}
	s.mu.Lock()
	defer s.unlock()
	if s.isOver() {
		return nil
	}
	events, err := a.r.endAll(s.storedSID())
	s.queue(events...)
	if err != nil {
		return err
	}
	return s.endHere(a.r.context())
}

// noReply is the reply of Sessions without a request.
type noReply struct{ m *Manager }

func (n noReply) promise() error {
	return n.m.cannot[detached]
}

func (noReply) waits() bool                     { return false }
func (noReply) cookies([]string)                {}
func (noReply) awaiting() (*driver.Record, int) { return nil, 0 }
func (noReply) header(string)                   {}
func (noReply) clear(string)                    {}
func (noReply) read()                           {}
func (noReply) retract()                        {}
func (noReply) gone()                           {}
func (noReply) answered(string) []string        { return nil }
func (noReply) replaced() (string, bool)        { return "", false }
func (noReply) moved() bool                     { return false }
func (noReply) current() string                 { return "" }
func (noReply) rewrite(string, string, note)    {}
func (noReply) note() note                      { return note{} }
func (noReply) annotate(note)                   {}

func (noReply) await(rec *driver.Record, _ int) *driver.Record { return rec }

func (n noReply) end(ctx context.Context, s *Session) error {
	s.mu.Lock()
	defer s.unlock()
	if s.isOver() {
		return nil
	}
	if sid := s.storedSID(); sid != "" {
		ctx, cancel := n.m.saveContext(ctx)
		defer cancel()
		events, err := n.m.engine.remove(ctx, sid)
		s.queue(events...)
		if err != nil {
			return fmt.Errorf("session: destroy: %w", err)
		}
	}
	return s.endHere(orBackground(ctx))
}

// outsideReply is the reply of a Session that was found by its id. Nobody but its visitor may get the sid.
type outsideReply struct{ noReply }

var errNoSID = errors.New("session: a session that was found by its id cannot get a new sid: that would log its visitor out")

func (outsideReply) promise() error { return errNoSID }

func (o outsideReply) end(ctx context.Context, s *Session) error {
	s.mu.Lock()
	defer s.unlock()
	if s.isOver() {
		return nil
	}
	event, err := o.m.endKey(ctx, s.draft.Key)
	if err != nil {
		return err
	}
	s.queue(event)
	s.dismiss()
	return nil
}

// noRequest returns the request of Sessions that have none.
func noRequest(m *Manager, r reply) *request {
	return &request{m: m, x: noExchange{}, reply: r}
}

// isNone reports whether there is no request.
func (r *request) isNone() bool { return r == r.m.none || r == r.m.outside }

// noExchange is an Exchange without any content.
type noExchange struct{}

func (noExchange) Context() context.Context           { return context.Background() }
func (noExchange) Method() string                     { return "" }
func (noExchange) RequestHeader(string) []string      { return nil }
func (noExchange) SetRequestHeader(string, string)    {}
func (noExchange) Query() string                      { return "" }
func (noExchange) SetQuery(string)                    {}
func (noExchange) TLS() bool                          { return false }
func (noExchange) RemoteAddr() string                 { return "" }
func (noExchange) ResponseHeader(string) []string     { return nil }
func (noExchange) SetResponseHeader(string, []string) {}

// setCookies makes lines the only ones of the session's cookies in the response header.
func (r *request) setCookies(lines []string) {
	set, answered := r.x.ResponseHeader("Set-Cookie"), len(lines) > 0
	if slices.ContainsFunc(set, r.ours) {
		set = slices.DeleteFunc(slices.Clone(set), r.ours)
	}
	if len(set) > 0 {
		lines = append(slices.Clip(set), lines...)
	}
	r.x.SetResponseHeader("Set-Cookie", lines)
	if answered {
		r.setNoStore()
	}
}

// aboutCaches are headers that some shared caches obey before Cache-Control or instead of it.
var aboutCaches = []string{
	"Cdn-Cache-Control", "Surrogate-Control", "X-Accel-Expires", "Edge-Control", "Akamai-Cache-Control",
	"Cloudflare-Cdn-Cache-Control", "Fastly-Cdn-Cache-Control", "Netlify-Cdn-Cache-Control", "Vercel-Cdn-Cache-Control",
}

// setNoStore keeps caches from giving the sid in the response to another visitor.
func (r *request) setNoStore() {
	if r.m.cfg.DisableCacheHeaders {
		return
	}
	r.x.SetResponseHeader("Cache-Control", []string{"no-store"})
	for _, name := range aboutCaches {
		r.x.SetResponseHeader(name, nil)
	}
}

// ours reports whether a Set-Cookie line is about one of the session's cookies.
func (r *request) ours(line string) bool {
	name, _, ok := strings.Cut(line, "=")
	_, ours := r.m.part(strings.TrimLeft(name, " \t"))
	return ok && ours
}

// setVary tells caches which request headers carried the session.
func (r *request) setVary() {
	if r.m.cfg.DisableCacheHeaders {
		return
	}
	lines := r.x.ResponseHeader("Vary")
	if len(lines) == 0 {
		r.vary[0] = "Cookie"
		lines = r.vary[:]
	} else {
		lines = withField(lines, "Cookie")
	}
	if r.m.cfg.EnableSidInHTTPHeader {
		lines = withField(lines, r.m.cfg.headerName)
	}
	r.x.SetResponseHeader("Vary", lines)
}

// withField returns the lines of Vary with field, unless they name it already.
func withField(lines []string, field string) []string {
	for _, line := range lines {
		for named := range strings.SplitSeq(line, ",") {
			if named = strings.Trim(named, " \t"); named == "*" || strings.EqualFold(named, field) {
				return lines
			}
		}
	}
	return append(slices.Clip(lines), field)
}

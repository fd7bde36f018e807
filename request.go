package session

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/seed1a8f7c28/session/internal/cookies"
)

// A channel is how a sid travels.
type channel uint8

const (
	noChannel channel = iota
	byCookie
	byQuery
	byHeader
)

// maxCandidates is how many cookies of the session's name are tried. A subdomain or an attacker in the network can add
// cookies of any name. The live one must be found among them, at a limited cost.
const maxCandidates = 4

// A candidate is a sid from a request. It has the right shape, but the store has not been asked for it yet. With a Sealer
// it is the sealed cookie.
type candidate struct {
	sid string
	by  channel
}

// An arrival is what the application passes in: an Exchange, or the request and response of net/http.
type arrival struct {
	x    Exchange
	http httpExchange
}

var errNoRequest = errors.New("session: request is nil")

func arrivalOf(w http.ResponseWriter, r *http.Request) arrival {
	return arrival{http: httpExchange{w, r}}
}

// context returns the context of the request.
func (a *arrival) context() (context.Context, error) {
	switch {
	case a.x != nil:
		return orBackground(a.x.Context()), nil
	case a.http.r != nil:
		return a.http.r.Context(), nil
	}
	return nil, errNoRequest
}

// A request is one exchange as one manager sees it: which sid came, and by which channel. The reply answers it. Outside
// Handler each Session has a request of its own; under Handler there is one request with one Session.
type request struct {
	m     *Manager
	x     Exchange     // never nil
	http  httpExchange // what x points to on net/http
	reply reply

	came     channel
	removed  bool   // this request has removed the cookie, so a new session replaces none
	original string // the request's sid as it was last seen or written here
	vary     [1]string
}

// init makes r the request of a, with an atOnce reply.
func (r *request) init(m *Manager, a *arrival) {
	*r = request{m: m, x: a.x, http: a.http, reply: atOnce{r}}
	if a.x == nil {
		r.x = &r.http
	}
}

func (r *request) context() context.Context { return orBackground(r.x.Context()) }

// cookieLines returns the lines of the Cookie header. It can be expensive outside net/http.
func (r *request) cookieLines() []string { return r.x.RequestHeader("Cookie") }

// candidates returns the sids that may name the request's session, in the order in which they are tried, and the number of
// session cookies that hold no sid of the right shape. lines are those of the Cookie header.
func (r *request) candidates(lines []string, buf []candidate) (_ []candidate, malformed int) {
	sid, replaced := r.reply.replaced()
	switch {
	case !replaced:
		return r.requested(lines, buf)
	case sid == "":
		return buf, 0
	}
	return append(buf, candidate{sid, r.came}), 0
}

// requested returns the sids that the request carries: cookies, query, header.
func (r *request) requested(lines []string, buf []candidate) (_ []candidate, malformed int) {
	m := r.m
	buf, malformed = r.inCookies(lines, buf)
	if m.cfg.EnableSidInURLQuery {
		if sid := queryValue(r.x.Query(), m.cfg.CookieName); m.validSID(sid) {
			buf = append(buf, candidate{sid, byQuery})
		}
	}
	if m.cfg.EnableSidInHTTPHeader {
		// Two values could be meant for two readers: one behind another header parser, and us.
		if lines := r.x.RequestHeader(m.cfg.headerName); len(lines) == 1 && m.validSID(lines[0]) {
			buf = append(buf, candidate{lines[0], byHeader})
		}
	}
	return buf, malformed
}

// answeredBesides returns the sid that the response already answers, unless it is one of carried, the sids that the request
// carries. removed reports whether the response removes the cookie instead. Either happens when a Session of another
// *http.Request, for example of this one's original or clone, has begun a session, given it a new sid, or ended it.
func (r *request) answeredBesides(carried []candidate) (found []candidate, removed bool) {
	var lines []string
	for _, line := range r.reply.answered("Set-Cookie") {
		if r.ours(line) {
			pair, _, _ := strings.Cut(line, ";")
			lines = append(lines, pair)
		}
	}
	if len(lines) > 0 {
		found, _ = r.inCookies(lines, nil)
	}
	if r.m.cfg.EnableSidInHTTPHeader && len(found) == 0 {
		for _, sid := range r.reply.answered(r.m.cfg.headerName) {
			if r.m.validSID(sid) {
				found = append(found, candidate{sid, byHeader})
			}
		}
	}
	if len(found) == 0 {
		return nil, len(lines) > 0 && r.deletesCookie()
	}
	if slices.Contains(carried, found[0]) {
		return nil, false
	}
	return found[:1], false
}

// inCookies returns the sids in the lines of a Cookie header.
func (r *request) inCookies(lines []string, buf []candidate) (_ []candidate, malformed int) {
	m := r.m
	scan := cookies.NewScan(lines, m.cfg.CookieName)
	left := maxDecodes
	for tries := maxCandidates; tries > 0; {
		value, ok := scan.Next()
		if !ok {
			break
		}
		if m.parts > 0 {
			value, ok = cookies.Join(lines, m.cfg.CookieName, value, m.parts)
			tries-- // in vain, too: it may have looked through all cookies for the other parts
		} else if value, ok = m.decodeSID(value, &left); ok {
			tries--
		}
		if !ok {
			malformed++
			continue
		}
		buf = append(buf, candidate{value, byCookie})
	}
	return buf, malformed
}

// current returns the sid that the request carries now, or "" if there is none. Only the manager changes it, and only to a
// sid that it has made or that was live.
func (r *request) current() string {
	rewriting.Lock()
	defer rewriting.Unlock()
	var buf [maxCandidates + 2]candidate
	candidates, _ := r.requested(r.cookieLines(), buf[:0])
	for _, c := range candidates {
		return c.sid
	}
	return ""
}

// rewriting guards the headers of requests in which sids are replaced. Several Sessions of one request, in several
// goroutines, look there for the request's new sid.
var rewriting sync.Mutex

// rewrite makes sid the only sid in the request, followed by a note, so that code that reads the request later finds this
// session. An empty sid leaves none. untried are cookies that stay after it: see pairs.
func (r *request) rewrite(sid, untried string, n note) {
	m, x := r.m, r.x
	own := ""
	if r.byCookie() && sid != "" {
		own = r.pair(sid) + untried
	}
	rewriting.Lock()
	defer rewriting.Unlock()
	line := cookies.Without(x.RequestHeader("Cookie"), m.cfg.CookieName, m.noteName) + own + m.noteCookie(n)
	x.SetRequestHeader("Cookie", strings.TrimPrefix(line, "; "))
	if m.cfg.EnableSidInURLQuery {
		x.SetQuery(withQueryValue(x.Query(), m.cfg.CookieName, only(r.came == byQuery, sid)))
	}
	if m.cfg.EnableSidInHTTPHeader {
		x.SetRequestHeader(m.cfg.headerName, only(r.came == byHeader, sid))
	}
	r.original = sid
}

// pairs returns the cookies of these sids in the form in which they stay in the request. Destroy ends their sessions too;
// otherwise a second live one would be found next.
func (r *request) pairs(untried []candidate) (pairs string) {
	for _, c := range untried {
		if c.by == byCookie {
			pairs += r.pair(c.sid)
		}
	}
	return pairs
}

// pair returns the session's cookie after "; ".
func (r *request) pair(sid string) string {
	value, err := r.m.encodeSID(sid)
	if err != nil {
		return ""
	}
	return "; " + r.m.cfg.CookieName + "=" + value
}

func only(wanted bool, sid string) string {
	if wanted {
		return sid
	}
	return ""
}

// byCookie reports whether the client's sid is in a cookie, or its channel is not known yet.
func (r *request) byCookie() bool { return r.came != byQuery && r.came != byHeader }

// answerSID sends a new sid by the channel that the request's sid came by. A new visitor gets the cookie and the header. A
// sid from a URL moves to the cookie: nobody would put the new sid into the next URL, and a login would be lost.
func (r *request) answerSID(sid string, maxAge int) {
	if r.leavesURL() {
		r.came = byCookie
	}
	r.answerCookie(sid, maxAge)
	if r.m.cfg.EnableSidInHTTPHeader && r.answersInHeader() {
		r.reply.header(sid)
	}
}

// answersCookie reports whether the client gets its sid in a cookie.
func (r *request) answersCookie() bool {
	return r.byCookie() && r.m.cfg.EnableSetCookie && !r.isNone()
}

// answersNewSID reports whether the client gets a new sid in a cookie: see answerSID.
func (r *request) answersNewSID() bool {
	return r.answersCookie() || r.leavesURL()
}

// leavesURL reports whether a new sid is answered in the cookie because the old one came in the URL.
func (r *request) leavesURL() bool { return r.came == byQuery && r.m.cfg.EnableSetCookie }

// answerCookie sends sid in the cookie, unless the client's sid travels by another channel.
func (r *request) answerCookie(sid string, maxAge int) {
	if !r.answersCookie() {
		return
	}
	value, err := r.m.encodeSID(sid)
	if err != nil { // newSID has tried it, but the application's function may not do the same each time
		r.m.report(r.context(), r.x, "no cookie was sent", err)
		return
	}
	c := r.cookie(maxAge)
	r.reply.cookies([]string{c.line(0, value)})
}

// answersInHeader reports whether the client gets its sid in a header. That is so for a client that sent it in a header and
// for a new visitor, but not for one whose sid is in a cookie that scripts cannot read. A visitor that began earlier in
// this request is answered in the header again.
func (r *request) answersInHeader() bool {
	switch r.came {
	case byHeader, noChannel:
		return true
	case byCookie:
		return len(r.reply.answered(r.m.cfg.headerName)) > 0
	}
	return false
}

// answerNothing removes the sid from the client and from the request.
func (r *request) answerNothing() {
	m := r.m
	var lines []string
	if r.carried()[0] || r.deletesCookie() {
		r.removed = true
		lines = append(lines, r.deletion(0))
	}
	lines = r.deletions(lines, 1)
	r.reply.retract()
	if len(lines) > 0 && m.cfg.EnableSetCookie {
		r.reply.cookies(lines)
	}
	r.came = noChannel
	r.reply.rewrite("", "", note{})
}

// deletesCookie reports whether the response removes the cookie already.
func (r *request) deletesCookie() bool {
	return slices.ContainsFunc(r.reply.answered("Set-Cookie"), func(line string) bool {
		return strings.HasPrefix(line, r.m.cfg.CookieName+"=;")
	})
}

// secure reports whether the cookie gets the attribute Secure.
func (r *request) secure() bool {
	return r.m.secure.Load() || r.x.TLS() || r.proxiedTLS()
}

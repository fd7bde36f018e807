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

// maxCandidates is how many cookies of the session's name are tried. A subdomain or an attacker in the
// network can add cookies of any name; the live one is to be found among them, at a bounded cost.
const maxCandidates = 4

// A candidate is a sid as it came with a request, well formed but not known to the store yet. For a
// Sealer it is the sealed cookie.
type candidate struct {
	sid string
	by  channel
}

// An arrival is what the application hands over: an Exchange, or what net/http has.
type arrival struct {
	x    Exchange
	http httpExchange
}

var errNoRequest = errors.New("session: request is nil")

func arrivalOf(w http.ResponseWriter, r *http.Request) arrival {
	return arrival{http: httpExchange{w, r}}
}

// context returns the request's.
func (a *arrival) context() (context.Context, error) {
	switch {
	case a.x != nil:
		return orBackground(a.x.Context()), nil
	case a.http.r != nil:
		return a.http.r.Context(), nil
	}
	return nil, errNoRequest
}

// A request is one exchange in the eyes of one manager: which sid came, and by which channel. How it is answered is
// the reply's business. Outside Handler each Session has a request of its own; under Handler there is one of each.
type request struct {
	m     *Manager
	x     Exchange     // never nil
	http  httpExchange // what x points to on net/http
	reply reply

	came     channel
	original string // the request's sid as it was last seen or written here
	vary     [1]string
}

// init makes r the request of a, answered at once.
func (r *request) init(m *Manager, a *arrival) {
	*r = request{m: m, x: a.x, http: a.http, reply: atOnce{r}}
	if a.x == nil {
		r.x = &r.http
	}
}

func (r *request) context() context.Context { return orBackground(r.x.Context()) }

// candidates returns the sids that may name the request's session, in the order in which they are tried, and how many
// cookies hold none that a manager has made.
func (r *request) candidates(buf []candidate) (_ []candidate, malformed int) {
	sid, replaced := r.reply.replaced()
	switch {
	case !replaced:
		return r.requested(buf)
	case sid == "":
		return buf, 0
	}
	return append(buf, candidate{sid, r.came}), 0
}

// requested returns the sids that the request carries: cookies, query, header.
func (r *request) requested(buf []candidate) (_ []candidate, malformed int) {
	m := r.m
	buf, malformed = r.inCookies(r.x.RequestHeader("Cookie"), buf)
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

// isWithheld reports whether SameSite may have kept the session's cookie back from the request, which carries these candidates and
// malformed cookies besides: draft-ietf-httpbis-rfc6265bis, section 5.2, by what the browser says in
// https://www.w3.org/TR/fetch-metadata/. A link that is followed carries a Lax cookie: who has none then is a new visitor.
func (r *request) isWithheld(candidates []candidate, malformed int) bool {
	c := r.m.cfg
	switch {
	case !c.EnableSetCookie || c.CrossSiteCookies || c.CookieSameSite == http.SameSiteNoneMode, r == r.m.none, malformed > 0,
		!r.says("Sec-Fetch-Site", "cross-site"):
		return false
	case slices.ContainsFunc(candidates, func(c candidate) bool { return c.by == byCookie }):
		return false
	case c.CookieSameSite == http.SameSiteStrictMode:
		return true
	}
	return !(r.says("Sec-Fetch-Mode", "navigate") && r.says("Sec-Fetch-Dest", "document") && isSafe(r.x.Method()))
}

// says reports whether a header of the request is this one word.
func (r *request) says(header, word string) bool {
	lines := r.x.RequestHeader(header)
	return len(lines) == 1 && lines[0] == word
}

// isSafe reports whether a method only reads: RFC 9110, section 9.2.1.
func isSafe(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// answeredBesides returns the sids that the response answers already, but for those of carried, which the request carries: a Session
// that was started with another *http.Request, this one's original or its clone, has begun a session or given it a new sid.
func (r *request) answeredBesides(carried []candidate) (sids []candidate) {
	var lines []string
	for _, line := range r.reply.answered("Set-Cookie") {
		if r.ours(line) {
			pair, _, _ := strings.Cut(line, ";")
			lines = append(lines, pair)
		}
	}
	sids, _ = r.inCookies(lines, nil)
	if r.m.cfg.EnableSidInHTTPHeader && len(sids) == 0 {
		for _, sid := range r.reply.answered(r.m.cfg.headerName) {
			sids = append(sids, candidate{sid, byHeader})
		}
	}
	return slices.DeleteFunc(sids, func(c candidate) bool { return slices.Contains(carried, c) })
}

// inCookies returns the sids in the lines of a header Cookie.
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

// current returns the sid that the request carries now, "" if none. Only the manager changes it, and only
// to a sid that it made or that was live.
func (r *request) current() string {
	rewriting.Lock()
	defer rewriting.Unlock()
	var buf [maxCandidates + 2]candidate
	candidates, _ := r.requested(buf[:0])
	for _, c := range candidates {
		return c.sid
	}
	return ""
}

// rewriting guards the headers of requests in which sids are replaced. Several Sessions of one request,
// in several goroutines, look there for what the request's sid has become.
var rewriting sync.Mutex

// rewrite makes sid the only one in the request, with a note beside it, so that whoever reads it later finds this session.
// An empty sid leaves none. untried are cookies that stay behind it: see pairs.
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

// pairs returns the cookies of these sids as they are to stay in the request: Destroy ends their sessions too, or a
// second live one would be next.
func (r *request) pairs(untried []candidate) (pairs string) {
	for _, c := range untried {
		if c.by == byCookie {
			pairs += r.pair(c.sid)
		}
	}
	return pairs
}

// pair returns the session's cookie behind "; ".
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

// byCookie reports whether the client's sid is in a cookie, as far as is known.
func (r *request) byCookie() bool { return r.came != byQuery && r.came != byHeader }

// answerSID sends a new sid on the channel that the request's came by; a new visitor gets the cookie and the header. From a URL the
// sid moves to the cookie: nobody knows to put the new one into the next URL, and a login would be lost.
func (r *request) answerSID(sid string, maxAge int) {
	if r.came == byQuery && r.m.cfg.EnableSetCookie {
		r.came = byCookie
	}
	r.answerCookie(sid, maxAge)
	if r.m.cfg.EnableSidInHTTPHeader && r.answersInHeader() {
		r.reply.header(sid)
	}
}

// answersCookie reports whether the client gets its sid in a cookie.
func (r *request) answersCookie() bool {
	return r.byCookie() && r.m.cfg.EnableSetCookie && r != r.m.none
}

// answersNewSID reports whether the client gets a new sid in a cookie: see answerSID.
func (r *request) answersNewSID() bool {
	return r.answersCookie() || r.came == byQuery && r.m.cfg.EnableSetCookie
}

// answerCookie sends sid in the cookie, unless it travels otherwise.
func (r *request) answerCookie(sid string, maxAge int) {
	if !r.answersCookie() {
		return
	}
	value, err := r.m.encodeSID(sid)
	if err != nil { // newSID has tried it, but the application's function may not do the same each time
		r.m.report(r.context(), r.x, "no cookie was sent", err)
		return
	}
	r.reply.cookies([]string{r.m.cookie.Line(0, value, r.secure(), maxAge)})
}

// answersInHeader reports whether the client learns its sid from a header: one that sent it so does, a new
// visitor does, and one whose cookie scripts cannot read does not. A visitor that was new a moment ago, in
// this very request, is answered again.
func (r *request) answersInHeader() bool {
	switch r.came {
	case byHeader, noChannel:
		return true
	case byCookie:
		return len(r.reply.answered(r.m.cfg.headerName)) > 0
	}
	return false
}

// answerNothing removes the sid from client and request.
func (r *request) answerNothing() {
	m := r.m
	var lines []string
	if r.carried()[0] || r.deletesCookie() {
		lines = append(lines, m.cookie.Deletion(0, r.secure()))
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

// A note is what this request has done to its session so far. It stands in the request, beside the sid, where another
// Session of the same request finds it: in a cookie that no client can have sent, since it begins with a word that the
// manager has made up.
//
//	name.was=<word>.new.fixed.<public id>.<public id>.held
type note struct {
	begun bool   // the session was not stored when the request arrived
	from  string // the public ids of the sids that the session had before, each behind a dot
	held  bool   // a Regenerate has failed: changes wait for one that does not
	fixed bool   // UpdateExpiration has set the deadline
}

const (
	begunNote = ".new"
	fixedNote = ".fixed"
	heldNote  = ".held"
)

// nameNotes makes what depends on the cookie's name.
func (m *Manager) nameNotes() {
	m.noteName = m.cfg.CookieName + ".was"
	m.begun = "; " + m.noteName + "=" + m.word + begunNote
}

// noteCookie returns the cookie of n behind "; ", or nothing. That of every new visitor is at hand.
func (m *Manager) noteCookie(n note) string {
	switch text := n.String(); text {
	case "":
		return ""
	case begunNote:
		return m.begun
	default:
		return "; " + m.noteName + "=" + m.word + text
	}
}

// String returns what follows the word, "" for the zero note.
func (n note) String() string {
	text := n.from
	if n.fixed {
		text = fixedNote + text
	}
	if n.begun {
		text = begunNote + text
	}
	if n.held {
		text += heldNote
	}
	return text
}

// parseNote is the opposite of String.
func parseNote(text string) (n note) {
	n.begun, text = cutNote(text, begunNote)
	n.fixed, text = cutNote(text, fixedNote)
	n.from, n.held = strings.CutSuffix(text, heldNote)
	return n
}

// cutNote reports whether text begins with this note, and returns what follows. A public id may begin so.
func cutNote(text, note string) (is bool, rest string) {
	rest, is = strings.CutPrefix(text, note)
	if is && (rest == "" || rest[0] == '.') {
		return true, rest
	}
	return false, text
}

// note returns the note in the request.
func (r *request) note() note {
	rewriting.Lock()
	defer rewriting.Unlock()
	return r.readNote()
}

// hasBegun reports whether the request began its session before it got to this Session.
func (r *request) hasBegun() bool {
	for _, line := range r.x.RequestHeader("Cookie") {
		if strings.Contains(line, r.m.noteName) {
			return r.readNote().begun
		}
	}
	return false
}

func (r *request) readNote() note {
	scan := cookies.NewScan(r.x.RequestHeader("Cookie"), r.m.noteName)
	for value, ok := scan.Next(); ok; value, ok = scan.Next() {
		if text, ours := strings.CutPrefix(value, r.m.word); ours {
			return parseNote(text)
		}
	}
	return note{}
}

// leadsFrom reports whether this request's session had sid before.
func (r *request) leadsFrom(sid string) bool {
	return sid != "" && strings.Contains(r.reply.note().from+".", "."+r.m.publicID(sid)+".")
}

// movedFrom returns the note of this request when its session has got another sid than this one.
func (r *request) movedFrom(sid string) note {
	if sid == "" {
		return note{}
	}
	n := r.reply.note()
	n.from, n.held = n.from+"."+r.m.publicID(sid), false
	return n
}

// hold notes that a Regenerate has failed: an older Session of the request must not store a login under the old sid.
func (r *request) hold() {
	n := r.reply.note()
	n.held = true
	r.reply.annotate(n)
}

// isHeld reports whether changes must wait for a Regenerate that succeeds.
func (s *Session) isHeld() bool {
	return s.state == held && !s.r.reply.moved() || s.m.held.Load() && s.r.reply.note().held
}

// fix notes that the deadline is set: older Sessions of the request must not move it.
func (r *request) fix() {
	if n := r.reply.note(); !n.fixed {
		n.fixed = true
		r.reply.annotate(n)
	}
}

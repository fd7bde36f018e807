package session

import (
	"net/netip"
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

// A visit is one exchange in the eyes of one manager: which sid came, by which channel, and what is
// answered. Outside Handler each Session has a visit of its own, and answers go into the response header
// at once. Under Handler one visit serves the request, and answers wait for the headers to be sent: other
// goroutines, such as http.TimeoutHandler's, may be writing to the header map. For the same reason the visit
// then remembers what the request's sid has become, and leaves the request as it is.
type visit struct {
	m    *Manager
	x    Exchange
	http httpExchange // what x points to on net/http

	came      channel
	replaced  bool   // under Handler: original stands for what the request carries
	original  string // the request's sid as this visit last saw or wrote it
	vary      [1]string
	malformed uint64 // cookies that no manager has made

	handled *handled // what Handler adds, nil elsewhere
}

// An answer is what a visit will put into the response header.
type answer struct {
	cookies []string // Set-Cookie lines
	header  string   // the value of the sid's response header
	clear   string   // the value of Clear-Site-Data
	read    bool     // the response depends on the cookie
}

// candidates returns the sids that may name the request's session, in the order in which they are tried.
func (v *visit) candidates(buf []candidate) []candidate {
	switch {
	case !v.replaced:
		return v.requested(buf)
	case v.original == "":
		return buf
	}
	return append(buf, candidate{v.original, v.came})
}

// requested returns the sids that the request carries: cookies, query, header.
func (v *visit) requested(buf []candidate) []candidate {
	m := v.m
	scan := cookies.NewScan(v.x.RequestHeader("Cookie"), m.cfg.CookieName)
	left := maxDecodes
	for tries := maxCandidates; tries > 0; {
		value, ok := scan.Next()
		if !ok {
			break
		}
		if m.sealer != nil {
			value, ok = cookies.Join(v.x.RequestHeader("Cookie"), m.cfg.CookieName, value, m.parts)
			tries-- // in vain, too: it may have looked through all cookies for the other parts
		} else if value, ok = m.decodeSID(value, &left); ok {
			tries--
		}
		if !ok {
			v.malformed++
			continue
		}
		buf = append(buf, candidate{value, byCookie})
	}
	if m.sealer != nil {
		return buf
	}
	if m.cfg.EnableSidInURLQuery {
		if sid := queryValue(v.x.Query(), m.cfg.CookieName); m.validSID(sid) {
			buf = append(buf, candidate{sid, byQuery})
		}
	}
	if m.cfg.EnableSidInHTTPHeader {
		// Two values could be meant for two readers: one behind another header parser, and us.
		if lines := v.x.RequestHeader(m.cfg.headerName); len(lines) == 1 && m.validSID(lines[0]) {
			buf = append(buf, candidate{lines[0], byHeader})
		}
	}
	return buf
}

// rewriting guards the headers of requests in which sids are replaced. Several Sessions of one request,
// in several goroutines, look there for what the request's sid has become.
var rewriting sync.Mutex

// rewrite makes sid the only one in the request, so that whoever reads it later finds this session. An
// empty sid leaves none. Cookies that were not tried stay, behind it: Destroy ends their sessions too, or a
// second live one would be next.
// trace is what is noted beside it.
func (v *visit) rewrite(sid, trace string, untried ...candidate) {
	if v.handled != nil {
		v.replaced, v.original = true, sid
		return
	}
	m, x := v.m, v.x
	own := ""
	if v.came != byQuery && v.came != byHeader && sid != "" {
		own = v.pairs(append([]candidate{{sid, byCookie}}, untried...))
	}
	rewriting.Lock()
	defer rewriting.Unlock()
	line := cookies.Without(x.RequestHeader("Cookie"), m.cfg.CookieName, m.traceName) + own
	if trace != "" {
		line += "; " + m.traceName + "=" + m.word + trace
	}
	x.SetRequestHeader("Cookie", strings.TrimPrefix(line, "; "))
	if m.cfg.EnableSidInURLQuery {
		x.SetQuery(withQueryValue(x.Query(), m.cfg.CookieName, only(v.came == byQuery, sid)))
	}
	if m.cfg.EnableSidInHTTPHeader {
		x.SetRequestHeader(m.cfg.headerName, only(v.came == byHeader, sid))
	}
	v.original = sid
}

// pairs returns the session's cookies with these sids, each behind "; ".
func (v *visit) pairs(sids []candidate) (pairs string) {
	for _, c := range sids {
		if value, err := v.m.encodeSID(c.sid); c.by == byCookie && err == nil {
			pairs += "; " + v.m.cfg.CookieName + "=" + value
		}
	}
	return pairs
}

func only(wanted bool, sid string) string {
	if wanted {
		return sid
	}
	return ""
}

// current returns the sid that the request carries now, "" if none. Only the manager changes it, and only
// to a sid that it made or that was live: by it a Session learns that another Session of the same request
// was regenerated or destroyed.
func (v *visit) current() string {
	rewriting.Lock()
	defer rewriting.Unlock()
	var buf [maxCandidates + 2]candidate
	for _, c := range v.candidates(buf[:0]) {
		return c.sid
	}
	return ""
}

// moved reports whether another Session of this request has changed the request's sid.
func (v *visit) moved() bool { return v.handled == nil && v.current() != v.original }

// answerSID sends sid on the channel that the request's came by; a new visitor gets the cookie and the
// header.
func (v *visit) answerSID(sid string, maxAge int) {
	m := v.m
	if v.came != byQuery && v.came != byHeader && m.cfg.EnableSetCookie {
		v.answerCookie(sid, maxAge)
	}
	if m.cfg.EnableSidInHTTPHeader && v.answersInHeader() {
		v.answerHeader(sid)
	}
}

// answerCookie sends sid in the cookie. That it can be encoded was tried when it was made.
func (v *visit) answerCookie(sid string, maxAge int) {
	value, err := v.m.encodeSID(sid)
	if err != nil {
		v.m.report(orBackground(v.x.Context()), v.x, "no cookie was sent", err)
		return
	}
	v.answerCookies([]string{v.m.cookie.Line(0, value, v.secure(), maxAge)})
}

// answersInHeader reports whether the client learns its sid from a header: one that sent it so does, a new
// visitor does, and one whose cookie scripts cannot read does not. A visitor that was new a moment ago, in
// this very request, is answered again.
func (v *visit) answersInHeader() bool {
	switch v.came {
	case byHeader, noChannel:
		return true
	case byCookie:
		return v.handled == nil && len(v.x.ResponseHeader(v.m.cfg.headerName)) > 0
	}
	return false
}

// answerNothing removes the sid from client and request.
func (v *visit) answerNothing() {
	m := v.m
	var lines []string
	if v.carried()[0] || v.handled == nil && v.deletesCookie() {
		lines = append(lines, m.cookie.Deletion(0, v.secure()))
	}
	lines = v.deletions(lines, 1)
	v.retract()
	if len(lines) > 0 && (m.cfg.EnableSetCookie || m.sealer != nil) {
		v.answerCookies(lines)
	}
	v.came = noChannel
	v.rewrite("", "")
}

// deletesCookie reports whether the response removes the cookie already.
func (v *visit) deletesCookie() bool {
	return slices.ContainsFunc(v.x.ResponseHeader("Set-Cookie"), func(line string) bool {
		return strings.HasPrefix(line, v.m.cfg.CookieName+"=;")
	})
}

// retract takes back what was answered and not sent yet.
func (v *visit) retract() {
	if v.handled != nil {
		v.handled.answer(func(a *answer) { a.cookies, a.header = nil, "" })
		return
	}
	v.setCookies(nil)
	if v.m.cfg.EnableSidInHTTPHeader {
		v.x.SetResponseHeader(v.m.cfg.headerName, nil)
	}
}

// isCommitted reports whether an answer would come too late. On net/http outside Handler nobody knows.
func (v *visit) isCommitted() bool {
	if v.handled != nil {
		return v.handled.isCommitted()
	}
	c, ok := v.x.(Committer)
	return ok && c.Committed()
}

func (v *visit) answerCookies(lines []string) {
	if v.handled != nil {
		v.handled.answer(func(a *answer) { a.cookies = lines })
		return
	}
	v.setCookies(lines)
}

func (v *visit) answerHeader(sid string) {
	if v.handled != nil {
		v.handled.answer(func(a *answer) { a.header = sid })
		return
	}
	v.x.SetResponseHeader(v.m.cfg.headerName, []string{sid})
}

// answerRead notes that the response depends on the request's cookie.
func (v *visit) answerRead() {
	if v.handled != nil {
		v.handled.answer(func(a *answer) { a.read = true })
		return
	}
	v.setVary()
}

// publish puts an answer that has waited into the response header.
func (v *visit) publish(a answer) {
	if len(a.cookies) > 0 {
		v.setCookies(a.cookies)
	}
	if a.header != "" {
		v.x.SetResponseHeader(v.m.cfg.headerName, []string{a.header})
	}
	if a.clear != "" {
		v.x.SetResponseHeader("Clear-Site-Data", []string{a.clear})
	}
	if a.read {
		v.setVary()
	}
}

// setCookies makes lines the only ones of the session's cookies in the response.
func (v *visit) setCookies(lines []string) {
	set, answered := v.x.ResponseHeader("Set-Cookie"), len(lines) > 0
	if slices.ContainsFunc(set, v.ours) {
		set = slices.DeleteFunc(slices.Clone(set), v.ours)
	}
	if len(set) > 0 {
		lines = append(slices.Clip(set), lines...)
	}
	v.x.SetResponseHeader("Set-Cookie", lines)
	if answered && !v.m.cfg.DisableCacheHeaders {
		v.x.SetResponseHeader("Cache-Control", []string{"no-store"})
	}
}

// ours reports whether a Set-Cookie line is about one of the session's cookies.
func (v *visit) ours(line string) bool {
	name, _, ok := strings.Cut(line, "=")
	_, ours := v.m.part(strings.TrimLeft(name, " \t"))
	return ok && ours
}

func (v *visit) setVary() {
	if v.m.cfg.DisableCacheHeaders {
		return
	}
	lines := v.x.ResponseHeader("Vary")
	if len(lines) == 0 {
		v.vary[0] = "Cookie"
		v.x.SetResponseHeader("Vary", v.vary[:])
		return
	}
	for _, line := range lines {
		for field := range strings.SplitSeq(line, ",") {
			if field = strings.Trim(field, " \t"); field == "*" || strings.EqualFold(field, "Cookie") {
				return
			}
		}
	}
	v.x.SetResponseHeader("Vary", append(slices.Clip(lines), "Cookie"))
}

// secure reports whether the cookie gets the attribute Secure.
func (v *visit) secure() bool {
	return v.m.secure.Load() || v.x.TLS() || v.proxiedTLS()
}

// proxiedTLS reports whether a trusted proxy says that its client's connection is encrypted.
func (v *visit) proxiedTLS() bool {
	if len(v.m.cfg.trusted) == 0 {
		return false
	}
	proto := v.x.RequestHeader("X-Forwarded-Proto")
	if len(proto) != 1 || !strings.EqualFold(proto[0], "https") {
		return false
	}
	remote := v.x.RemoteAddr()
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		port, err := netip.ParseAddrPort(remote)
		if err != nil {
			return false
		}
		addr = port.Addr()
	}
	addr = addr.Unmap()
	return slices.ContainsFunc(v.m.cfg.trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}

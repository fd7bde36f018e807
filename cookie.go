package session

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/seed1a8f7c28/session/internal/cookies"
)

// newCookieWriter returns the writer of the session's cookies.
func newCookieWriter(s *settings) cookies.Writer {
	sameSite := s.CookieSameSite
	if sameSite != http.SameSiteStrictMode && sameSite != http.SameSiteNoneMode {
		sameSite = http.SameSiteLaxMode
	}
	return cookies.NewWriter(cookies.Attributes{
		Name: s.CookieName, Path: s.CookiePath, Domain: s.Domain,
		HTTPOnly: !s.DisableHTTPOnly, SameSite: sameSite, Partitioned: s.Partitioned,
	})
}

// A responseCookie writes the lines of one response's cookie.
type responseCookie struct {
	cookies.Writer
	secure    bool
	maxAge    int
	elsewhere *cookies.Writer // as newElsewhere returns it
}

func (c *responseCookie) line(part int, value string) string {
	return c.Line(part, value, c.secure, c.maxAge)
}

// cookie returns the writer of this response's cookie. A negative maxAge means that its lines remove the cookie.
func (r *request) cookie(maxAge int) responseCookie {
	c := responseCookie{r.m.cookie, r.secure(), maxAge, r.m.elsewhere}
	if r.m.cfg.CookieAttributes != nil {
		r.change(&c)
	}
	return c
}

// change lets CookieAttributes change the attributes of a cookie.
func (r *request) change(to *responseCookie) {
	m, maxAge := r.m, to.maxAge
	c := &http.Cookie{
		Path: m.cfg.CookiePath, Domain: m.cfg.Domain, MaxAge: maxAge, Secure: to.secure, HttpOnly: !m.cfg.DisableHTTPOnly,
		SameSite: m.cfg.CookieSameSite, Partitioned: m.cfg.Partitioned,
	}
	m.cfg.CookieAttributes(r.x, c)
	s := &settings{ManagerConfig: ManagerConfig{
		CookieName: m.cfg.CookieName, CookiePath: c.Path, Domain: c.Domain, CookieLifeTime: c.MaxAge, Secure: c.Secure,
		DisableHTTPOnly: !c.HttpOnly, CookieSameSite: c.SameSite, Partitioned: c.Partitioned, Beego: m.cfg.Beego,
	}}
	if maxAge < 0 { // it is removed, whatever becomes of MaxAge
		s.CookieLifeTime = 0
	}
	for _, check := range []func() error{s.checkCookieAge, s.checkAttributes, s.checkSameSite, s.checkPrefix} {
		if wrong, is := errors.AsType[*ConfigError](check()); is {
			err := fmt.Errorf("session: CookieAttributes: %s: %w", wrong.Field, wrong.Err)
			m.report(r.context(), r.x, "the configured cookie attributes were used", err)
			return
		}
	}
	*to = responseCookie{newCookieWriter(s), c.Secure, s.cookieMaxAge, newElsewhere(s)}
}

// deletion returns the line that removes one part of the cookie.
func (r *request) deletion(part int) string {
	c := r.cookie(-1)
	return c.Deletion(part, c.secure)
}

// newElsewhere returns a writer that removes the cookie of beego's cookie provider. Whatever beego's config says, that
// cookie has the path / and no other attributes. It returns nil if a browser takes it for the same cookie as the manager's.
func newElsewhere(s *settings) *cookies.Writer {
	if !s.Beego || s.CookiePath == "/" && s.Domain == "" && !s.Partitioned {
		return nil
	}
	w := cookies.NewWriter(cookies.Attributes{Name: s.CookieName, Path: "/", HTTPOnly: true})
	return &w
}

// part returns which part of a session the cookie of this name holds, and whether it is one of the manager's cookies.
func (m *Manager) part(name string) (part int, ok bool) {
	part, ok = cookies.Part(name, m.cfg.CookieName)
	return part, ok && part <= m.maxPart
}

// maxDecodes is how many cookies of the session's name are passed to CookieDecode in one request. Others can add cookies,
// and decoding may be expensive.
const maxDecodes = 4 * maxCandidates

var errCookieEncode = errors.New("session: CookieEncode returned a value that a cookie cannot hold")

// encodeSID returns the value of the cookie for sid.
func (m *Manager) encodeSID(sid string) (string, error) {
	if m.cfg.CookieEncode == nil || sid == "" {
		return sid, nil
	}
	value, err := m.cfg.CookieEncode(m.cfg.CookieName, sid)
	if err != nil {
		return "", fmt.Errorf("session: CookieEncode: %w", hideSID(err, sid))
	}
	if value == "" || len(m.cfg.CookieName)+len(value) > cookies.MaxSize || !cookies.ValidValue(value) {
		return "", errCookieEncode
	}
	return value, nil
}

// decodeSID returns the sid in a cookie, if it has the shape of one. left is how many cookies may still be decoded.
func (m *Manager) decodeSID(value string, left *int) (sid string, ok bool) {
	if m.cfg.CookieDecode == nil {
		return value, m.validSID(value)
	}
	if *left--; *left < 0 || len(value) > cookies.MaxSize {
		return "", false
	}
	return m.hookedSID(value)
}

// hookedSID decodes a sid with CookieDecode. It is a function of its own because its sid escapes to the heap: without
// CookieDecode, decodeSID then allocates nothing.
func (m *Manager) hookedSID(value string) (string, bool) {
	var sid string
	err := m.cfg.CookieDecode(m.cfg.CookieName, value, &sid)
	return sid, err == nil && m.validSID(sid)
}

// scratch is memory that is needed only during one call.
var scratch = sync.Pool{New: func() any { return new([]byte) }}

// deletions appends to lines those that remove the cookies of the parts from one number on, and a cookie that would be read
// in place of the session.
func (r *request) deletions(lines []string, from int) []string {
	carried := r.carried()
	if carried[0] && r.m.parts > 0 && r.m.cfg.Beego {
		if c := r.cookie(-1); c.elsewhere != nil {
			lines = append(lines, c.elsewhere.Deletion(0, r.secure()))
		}
	}
	for part := from; part < len(carried); part++ {
		if carried[part] {
			lines = append(lines, r.deletion(part))
		}
	}
	return lines
}

// carried reports for which parts the request has cookies, including parts that a session can no longer have.
func (r *request) carried() (parts [cookies.MaxParts]bool) {
	for _, line := range r.x.RequestHeader("Cookie") {
		for pair := range strings.SplitSeq(line, ";") {
			name, _, ok := strings.Cut(strings.TrimLeft(pair, " \t"), "=")
			if part, ours := r.m.part(name); ok && ours {
				parts[part] = true
			}
		}
	}
	return parts
}

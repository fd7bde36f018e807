package session

import (
	"net/http"
	"strconv"
	"time"
)

// A cookieWriter writes the Set-Cookie lines of one manager. Deletion carries the same attributes as what
// it deletes: a browser keys cookies by name, domain and path, and refuses a prefixed name without Secure.
type cookieWriter struct {
	name       string
	attributes string // all but Secure and the times
	partition  bool
	elsewhere  bool // beego's cookie of the name is another one to a browser
}

func newCookieWriter(s *settings) cookieWriter {
	attributes := "; Path=" + s.CookiePath
	if s.Domain != "" {
		attributes += "; Domain=" + s.Domain
	}
	if !s.DisableHTTPOnly {
		attributes += "; HttpOnly"
	}
	switch s.CookieSameSite {
	case http.SameSiteStrictMode:
		attributes += "; SameSite=Strict"
	case http.SameSiteNoneMode:
		attributes += "; SameSite=None"
	default:
		attributes += "; SameSite=Lax"
	}
	return cookieWriter{
		name: s.CookieName, attributes: attributes, partition: s.Partitioned,
		elsewhere: s.Beego && (s.CookiePath != "/" || s.Domain != "" || s.Partitioned),
	}
}

// line gives the client value, in the cookie of this number: see [partName]. maxAge is in seconds, 0 for a
// browser session.
func (c *cookieWriter) line(part int, value string, secure bool, maxAge int) string {
	return partName(c.name, part) + "=" + value + c.attributed(secure, maxAge)
}

// attributed returns what follows a value.
func (c *cookieWriter) attributed(secure bool, maxAge int) string {
	times := ""
	if maxAge != 0 {
		times = expiry(maxAge, time.Now().Add(time.Duration(maxAge)*time.Second))
	}
	return c.attributes + times + c.ending(secure)
}

// deletion makes the client forget the cookie of this number.
func (c *cookieWriter) deletion(part int, secure bool) string {
	return partName(c.name, part) + "=" + c.attributes + expiry(0, time.Unix(0, 0)) + c.ending(secure)
}

// deletionElsewhere makes the client forget what beego's cookie provider has set, which has the path / and
// nothing more, whatever beego's config says.
func (c *cookieWriter) deletionElsewhere(secure bool) string {
	line := c.name + "=; Path=/; HttpOnly" + expiry(0, time.Unix(0, 0))
	if secure {
		line += "; Secure"
	}
	return line
}

func (c *cookieWriter) ending(secure bool) string {
	switch {
	case secure && c.partition:
		return "; Secure; Partitioned"
	case secure:
		return "; Secure"
	case c.partition:
		return "; Partitioned"
	}
	return ""
}

// expiry says it twice, for clients that know only one of the two.
func expiry(maxAge int, at time.Time) string {
	return "; Max-Age=" + strconv.Itoa(maxAge) + "; Expires=" + at.UTC().Format(http.TimeFormat)
}

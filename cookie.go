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
	maxAge     int // seconds, 0 for a browser session
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
	return cookieWriter{name: s.CookieName, attributes: attributes, partition: s.Partitioned, maxAge: s.cookieMaxAge}
}

// line gives the client value.
func (c *cookieWriter) line(value string, secure bool) string {
	if c.maxAge == 0 {
		return c.write(value, "", secure)
	}
	return c.write(value, expiry(c.maxAge, time.Now().Add(time.Duration(c.maxAge)*time.Second)), secure)
}

// deletion makes the client forget the cookie.
func (c *cookieWriter) deletion(secure bool) string {
	return c.write("", expiry(0, time.Unix(0, 0)), secure)
}

func (c *cookieWriter) write(value, expiry string, secure bool) string {
	line := c.name + "=" + value + c.attributes + expiry
	if secure {
		line += "; Secure"
	}
	if c.partition {
		line += "; Partitioned"
	}
	return line
}

// expiry says it twice, for clients that know only one of the two.
func expiry(maxAge int, at time.Time) string {
	return "; Max-Age=" + strconv.Itoa(maxAge) + "; Expires=" + at.UTC().Format(http.TimeFormat)
}

package cookies

import (
	"net/http"
	"strconv"
	"time"
)

// Attributes are what a browser is to know of a cookie, but for Secure and the times.
type Attributes struct {
	Name        string // of the first part
	Path        string // begins with a slash
	Domain      string // "" for the host that answers
	HTTPOnly    bool
	SameSite    http.SameSite // zero writes nothing
	Partitioned bool
}

// A Writer writes Set-Cookie lines. Deletion carries the same attributes as what it deletes: a browser keys cookies by
// name, domain and path, and refuses a prefixed name without Secure.
type Writer struct {
	name       string
	attributes string
	partition  bool
}

// NewWriter returns a Writer of lines with these attributes.
func NewWriter(a Attributes) Writer {
	attributes := "; Path=" + a.Path
	if a.Domain != "" {
		attributes += "; Domain=" + a.Domain
	}
	if a.HTTPOnly {
		attributes += "; HttpOnly"
	}
	switch a.SameSite {
	case http.SameSiteStrictMode:
		attributes += "; SameSite=Strict"
	case http.SameSiteNoneMode:
		attributes += "; SameSite=None"
	case http.SameSiteLaxMode:
		attributes += "; SameSite=Lax"
	}
	return Writer{name: a.Name, attributes: attributes, partition: a.Partitioned}
}

// Line gives the client value, in the cookie of this number: see [PartName]. maxAge is in seconds, 0 for a
// browser session.
func (w *Writer) Line(part int, value string, secure bool, maxAge int) string {
	return PartName(w.name, part) + "=" + value + w.Attributed(secure, maxAge)
}

// Attributed returns what follows the value in a line.
func (w *Writer) Attributed(secure bool, maxAge int) string {
	times := ""
	if maxAge != 0 {
		times = expiry(maxAge, time.Now().Add(time.Duration(maxAge)*time.Second))
	}
	return w.attributes + times + w.ending(secure)
}

// Deletion makes the client forget the cookie of this number.
func (w *Writer) Deletion(part int, secure bool) string {
	return PartName(w.name, part) + "=" + w.attributes + expiry(0, time.Unix(0, 0)) + w.ending(secure)
}

func (w *Writer) ending(secure bool) string {
	switch {
	case secure && w.partition:
		return "; Secure; Partitioned"
	case secure:
		return "; Secure"
	case w.partition:
		return "; Partitioned"
	}
	return ""
}

// expiry says it twice, for clients that know only one of the two.
func expiry(maxAge int, at time.Time) string {
	return "; Max-Age=" + strconv.Itoa(maxAge) + "; Expires=" + at.UTC().Format(http.TimeFormat)
}

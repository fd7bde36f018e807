package cookies

import (
	"net/http"
	"strconv"
	"time"
)

// Attributes are a cookie's attributes except Secure and the times.
type Attributes struct {
	Name        string // of the first part's cookie
	Path        string // begins with a slash
	Domain      string // "" for the host of the response only
	HTTPOnly    bool
	SameSite    http.SameSite // zero writes no SameSite attribute
	Partitioned bool
}

// A Writer writes Set-Cookie lines. A deletion carries the same attributes as the cookie, because browsers identify cookies
// by name, domain and path, and refuse a prefixed name without Secure.
type Writer struct {
	name       string
	attributes string
	partition  bool
}

// NewWriter returns a Writer for cookies with these attributes.
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

// Line returns the line that sets the cookie of this part to value: see [PartName]. maxAge is in seconds; 0 means until the
// browser ends.
func (w *Writer) Line(part int, value string, secure bool, maxAge int) string {
	return PartName(w.name, part) + "=" + value + w.Attributed(secure, maxAge)
}

// Attributed returns the part of a line after the value.
func (w *Writer) Attributed(secure bool, maxAge int) string {
	times := ""
	if maxAge != 0 {
		times = expiry(maxAge, time.Now().Add(time.Duration(maxAge)*time.Second))
	}
	return w.attributes + times + w.ending(secure)
}

// Deletion returns the line that deletes the cookie of this part.
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

// expiry writes both Max-Age and Expires, for clients that know only one of them.
func expiry(maxAge int, at time.Time) string {
	return "; Max-Age=" + strconv.Itoa(maxAge) + "; Expires=" + at.UTC().Format(http.TimeFormat)
}

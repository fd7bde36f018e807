package cookies

import (
	"net/http"
	"strconv"
	"sync/atomic"
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
	return PartName(w.name, part) + "=" + value + w.attributes + times(maxAge) + w.ending(secure)
}

// AppendAttributes appends the part of a line after the value.
func (w *Writer) AppendAttributes(line []byte, secure bool, maxAge int) []byte {
	line = append(line, w.attributes...)
	line = append(line, times(maxAge)...)
	return append(line, w.ending(secure)...)
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

// times returns Max-Age and Expires of a cookie that is set now. It keeps the last result, because most lines of one second have
// the same.
func times(maxAge int) string {
	if maxAge == 0 {
		return ""
	}
	now := time.Now()
	kept := lastTimes.Load()
	if kept == nil || kept.maxAge != maxAge || kept.second != now.Unix() {
		kept = &keptTimes{maxAge, now.Unix(), expiry(maxAge, now.Add(time.Duration(maxAge)*time.Second))}
		lastTimes.Store(kept)
	}
	return kept.text
}

type keptTimes struct {
	maxAge int
	second int64 // since 1970
	text   string
}

var lastTimes atomic.Pointer[keptTimes]

// expiry writes both Max-Age and Expires, for clients that know only one of them.
func expiry(maxAge int, at time.Time) string {
	return "; Max-Age=" + strconv.Itoa(maxAge) + "; Expires=" + at.UTC().Format(http.TimeFormat)
}

// Package cookies parses Cookie headers, writes Set-Cookie lines, and splits a value that does not fit into one cookie.
package cookies

import (
	"slices"
	"strings"
)

// A Scan finds the values of one cookie in Cookie header lines. It parses the header itself, because http.Request.Cookie
// allocates, finds nothing after 3000 cookies, and returns only the first cookie of a name.
type Scan struct {
	lines []string
	name  string
	rest  string
}

// NewScan begins a Scan for a cookie in header lines. Names are case-sensitive.
func NewScan(lines []string, name string) Scan { return Scan{lines: lines, name: name} }

// Next returns the next value, without surrounding quotes. ok is false after the last one.
func (c *Scan) Next() (value string, ok bool) {
	for {
		for c.rest == "" {
			if len(c.lines) == 0 {
				return "", false
			}
			c.rest, c.lines = c.lines[0], c.lines[1:]
		}
		pair := c.rest
		if end := strings.IndexByte(pair, ';'); end >= 0 {
			pair, c.rest = pair[:end], pair[end+1:]
		} else {
			c.rest = ""
		}
		if value, ok := valueOf(pair, c.name); ok {
			return value, true
		}
	}
}

// valueOf returns the value of a pair "name=value" with this name.
func valueOf(pair, name string) (string, bool) {
	for pair != "" && (pair[0] == ' ' || pair[0] == '\t') {
		pair = pair[1:]
	}
	if len(pair) <= len(name) || pair[len(name)] != '=' || pair[:len(name)] != name {
		return "", false
	}
	value := pair[len(name)+1:]
	for value != "" && (value[len(value)-1] == ' ' || value[len(value)-1] == '\t') {
		value = value[:len(value)-1]
	}
	if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	return value, true
}

// Without joins lines to one, without the cookies of the given names.
func Without(lines []string, names ...string) string {
	var kept []string
	for _, line := range lines {
		for pair := range strings.SplitSeq(line, ";") {
			if pair = strings.Trim(pair, " \t"); pair == "" {
				continue
			}
			left := func(name string) bool { _, ok := valueOf(pair, name); return ok }
			if !slices.ContainsFunc(names, left) {
				kept = append(kept, pair)
			}
		}
	}
	return strings.Join(kept, "; ")
}

// ValidValue reports whether a cookie can hold value without quotes: RFC 6265, section 4.1.1.
func ValidValue(value string) bool {
	return !strings.ContainsFunc(value, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`",;\`, r)
	})
}

package sessionfasthttp

import (
	"bytes"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// cookieLines are the lines of the header Cookie as the client has sent them. fasthttp keeps them only until somebody
// asks it for a cookie: then it takes them apart, and what it puts together again can be another cookie: it
// writes "=sid=1", which has no name, as "sid=1".
type cookieLines struct {
	lines []string
	seen  []string // how fasthttp shows them
	known bool
}

// read brings c up to date: the application may have changed the header.
func (c *cookieLines) read(h *fasthttp.RequestHeader) {
	now := shownCookies(h)
	if c.known && same(now, c.seen) {
		return
	}
	if !c.known {
		c.known, c.lines = true, received(h)
	}
	switch {
	case same(now, c.lines):
		c.seen = c.lines
	case len(now) == 1 && string(now[0]) == takenApart(c.lines):
		c.seen = copied(now)
	default:
		c.lines = copied(now)
		c.seen = c.lines
	}
}

// set makes value the only line. Left out is what has no name, or one with spaces at its end: fasthttp would make
// other names of them.
func (c *cookieLines) set(h *fasthttp.RequestHeader, value string) {
	var kept []string
	for pair := range strings.SplitSeq(value, ";") {
		pair = strings.Trim(pair, " \t")
		if name, _, _ := strings.Cut(pair, "="); name != "" && strings.TrimRight(name, " \t") == name {
			kept = append(kept, pair)
		}
	}
	h.Cookie("") // collects the lines, whatever the case of their names, so that Del finds them
	h.Del(fasthttp.HeaderCookie)
	c.lines = nil
	if len(kept) > 0 {
		c.lines = []string{strings.Join(kept, "; ")}
		h.Set(fasthttp.HeaderCookie, c.lines[0])
	}
	c.known, c.seen = true, copied(shownCookies(h))
}

// shownCookies returns the cookies as fasthttp has them at the moment.
func shownCookies(h *fasthttp.RequestHeader) [][]byte {
	if asSent(h) {
		h.Cookie("") // PeekAll would only find a line "Cookie", not "cookie"
	}
	return h.PeekAll(fasthttp.HeaderCookie)
}

// received returns the lines that came over the wire, none if the request did not. It does not use AllInOrder, which
// overwrites what it reads where a line is continued on the next.
func received(h *fasthttp.RequestHeader) (lines []string) {
	ours := false
	for line := range bytes.SplitSeq(h.RawHeaders(), []byte{'\n'}) {
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') {
			if ours {
				lines[len(lines)-1] += " " + string(bytes.Trim(line, " \t\r"))
			}
			continue
		}
		name, value, _ := bytes.Cut(line, []byte{':'})
		if ours = bytes.EqualFold(bytes.TrimRight(name, " \t"), []byte(fasthttp.HeaderCookie)); ours {
			lines = append(lines, string(bytes.Trim(value, " \t\r")))
		}
	}
	return lines
}

// takenApart returns what fasthttp makes of lines.
func takenApart(lines []string) string {
	var h fasthttp.RequestHeader
	for _, line := range lines {
		h.Add(fasthttp.HeaderCookie, line)
	}
	return string(h.Peek(fasthttp.HeaderCookie))
}

// peekAll returns the lines of a header, in whatever case its name was sent.
func peekAll(h *fasthttp.RequestHeader, name string) (lines [][]byte) {
	if !asSent(h) {
		return h.PeekAll(name)
	}
	for sent, line := range h.All() {
		if strings.EqualFold(string(sent), name) {
			lines = append(lines, line)
		}
	}
	return lines
}

// spellings returns the cases in which the name of a header has been sent, and name.
func spellings(h *fasthttp.RequestHeader, name string) []string {
	names := []string{name}
	if asSent(h) {
		for sent := range h.All() {
			if strings.EqualFold(string(sent), name) {
				names = append(names, string(sent))
			}
		}
	}
	return names
}

// asSent reports whether the server leaves the names of headers as they are sent (DisableHeaderNamesNormalizing).
func asSent(h *fasthttp.RequestHeader) bool {
	if h.DisableNormalizing() {
		return true
	}
	h.EnableNormalizing()
	return false
}

func copied(lines [][]byte) []string {
	if len(lines) == 0 {
		return nil
	}
	copies := make([]string, len(lines))
	for i, line := range lines {
		copies[i] = string(line)
	}
	return copies
}

func same(now [][]byte, lines []string) bool {
	return slices.EqualFunc(now, lines, func(a []byte, b string) bool { return string(a) == b })
}

package sessionfasthttp

import (
	"bytes"
	"slices"
	"strings"

	"github.com/valyala/fasthttp"
)

// cookieLines are the lines of the Cookie header as the client has sent them. fasthttp keeps them only until somebody asks
// it for a cookie. Then it parses them, and the lines that it puts together again can contain another cookie: it writes
// "=sid=1", which has no name, as "sid=1".
type cookieLines struct {
	lines []string
	seen  []string // the same lines as fasthttp shows them
	known bool
	one   [1]string // memory for lines
}

// read updates c, because the application may have changed the header.
func (c *cookieLines) read(h *fasthttp.RequestHeader) {
	now := shownCookies(h)
	if c.known && same(now, c.seen) {
		return
	}
	if !c.known {
		c.known, c.lines = true, received(h, c.one[:0])
	}
	switch {
	case same(now, c.lines):
		c.seen = c.lines
	case len(now) == 1 && len(c.lines) > 0 && string(now[0]) == takenApart(c.lines):
		c.seen = copied(now)
	default:
		c.lines = copied(now)
		c.seen = c.lines
	}
}

// set makes value the only line. It leaves out cookies without a name, and names that end in spaces: fasthttp would turn
// them into other names.
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

// shownCookies returns the cookies that fasthttp holds now.
func shownCookies(h *fasthttp.RequestHeader) [][]byte {
	if asSent(h) {
		h.Cookie("") // PeekAll would only find a line "Cookie", not "cookie"
	}
	return h.PeekAll(fasthttp.HeaderCookie)
}

// received appends the lines as they came over the wire, or none if the request did not come over the wire. It does not use
// AllInOrder, which overwrites the header it reads if a line is continued on the next.
func received(h *fasthttp.RequestHeader, lines []string) []string {
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

// takenApart returns the result of fasthttp parsing lines.
func takenApart(lines []string) string {
	var h fasthttp.RequestHeader
	for _, line := range lines {
		h.Add(fasthttp.HeaderCookie, line)
	}
	return string(h.Peek(fasthttp.HeaderCookie))
}

// peekAll returns the lines of a header, regardless of the case in which its name was sent.
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

// spellings returns name, and the cases in which the header was sent.
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

// asSent reports whether the server leaves header names as they were sent (DisableHeaderNamesNormalizing).
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

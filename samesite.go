package session

import (
	"net/http"
	"slices"
)

// isWithheld reports whether SameSite may have made the browser withhold the session's cookie from the request, which
// carries these candidates and this many malformed cookies. The rules are those of draft-ietf-httpbis-rfc6265bis-22,
// section 5.2, applied to what the browser says in the headers of https://www.w3.org/TR/fetch-metadata/. A request for a
// followed link carries a Lax cookie, so a visitor without one is new.
func (r *request) isWithheld(candidates []candidate, malformed int) bool {
	c := r.m.cfg
	switch {
	case !c.EnableSetCookie || c.CrossSiteCookies || c.CookieSameSite == http.SameSiteNoneMode, r.isNone(), r.removed, malformed > 0,
		!r.says("Sec-Fetch-Site", "cross-site"):
		return false
	case c.EnableSidInHTTPHeader && !r.says("Sec-Fetch-Mode", "navigate"):
		return false // a script that gets its sid in the header; browsers take no SameSite cookie from such a response
	case slices.ContainsFunc(candidates, func(c candidate) bool { return c.by == byCookie }):
		return false
	case c.CookieSameSite == http.SameSiteStrictMode:
		return true
	}
	return !(r.says("Sec-Fetch-Mode", "navigate") && r.says("Sec-Fetch-Dest", "document") && isSafe(r.x.Method()))
}

// says reports whether a request header consists of exactly this word.
func (r *request) says(header, word string) bool {
	lines := r.x.RequestHeader(header)
	return len(lines) == 1 && lines[0] == word
}

// isSafe reports whether a method only reads: RFC 9110, section 9.2.1.
func isSafe(method string) bool {
	switch method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

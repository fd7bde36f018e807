package session

import (
	"net/http"
	"slices"
)

// isWithheld reports whether SameSite may have kept the session's cookie back from the request, which carries these candidates and
// malformed cookies besides: draft-ietf-httpbis-rfc6265bis-22, section 5.2, by what the browser says in
// https://www.w3.org/TR/fetch-metadata/. A link that is followed carries a Lax cookie: who has none then is a new visitor.
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

// says reports whether a header of the request is this one word.
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

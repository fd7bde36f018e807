package session_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/seed1a8f7c28/session"
)

// A sid in the sid's header is no more to be cached than one in a cookie, and Vary names the header too: a cache that does not
// look at it would give one visitor's page to another.
func TestNoCacheKeepsASidInAHeader(t *testing.T) {
	inHeader := []session.ManagerConfigOpt{
		session.CfgSessionIdInHTTPHeader(true), session.CfgSetSessionNameInHTTPHeader("X-Session"), session.CfgSetCookie(false),
	}
	for kind, p := range map[string]session.Provider{"stored": newTap(t).provider(), "foreign": newShelf()} {
		m := newNode(t, p, inHeader...)
		for _, under := range []string{"Start", "Handler"} {
			t.Run(kind+"/"+under, func(t *testing.T) {
				cacheable := func(h http.Header) {
					h.Set("Cache-Control", "public")
					h["Vary"] = []string{"Accept-Encoding, cookie"}
				}
				visit := func(w http.ResponseWriter, r *http.Request) {
					if under == "Start" {
						cacheable(w.Header())
					}
					s := start(t, m, w, r)
					set(t, s, "a", 1)
					save(t, s)
					if under == "Handler" {
						cacheable(w.Header())
					}
				}
				if under == "Handler" {
					visit = m.Handler(http.HandlerFunc(visit)).ServeHTTP
				}
				c := new(client)
				for range 2 { // a new visitor, and then one who sends the header
					h := c.do(visit).Header
					sid := h.Get("X-Session")
					if sid == "" {
						t.Fatal("no sid is answered")
					}
					c.header = http.Header{"X-Session": {sid}}
					if got := h["Cache-Control"]; !slices.Equal(got, []string{"no-store"}) {
						t.Errorf("Cache-Control = %q", got)
					}
					if got := h["Vary"]; !slices.Equal(got, []string{"Accept-Encoding, cookie", "X-Session"}) {
						t.Errorf("Vary = %q", got)
					}
				}
			})
		}
	}
}

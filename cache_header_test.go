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

// cdnHeaders are those that a cache in front of the application obeys before Cache-Control.
var cdnHeaders = []string{
	"CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control", "X-Accel-Expires", "Vercel-CDN-Cache-Control",
}

// What tells a CDN to cache goes from a response with a cookie: with Start if it was set before, under Handler always.
func TestNoCDNKeepsACookie(t *testing.T) {
	for _, e := range engines() {
		for _, under := range []string{"Start", "Handler"} {
			for name, opts := range map[string][]session.ManagerConfigOpt{
				"usual": nil, "disabled": {session.CfgDisableCacheHeaders(true)},
			} {
				m := e.open(t, opts...)
				cacheable := func(w http.ResponseWriter) {
					for _, header := range cdnHeaders {
						w.Header().Set(header, "max-age=3600")
					}
				}
				visit := func(w http.ResponseWriter, r *http.Request) {
					if under == "Start" {
						cacheable(w)
					}
					set(t, start(t, m, w, r), "a", 1)
					if under == "Handler" {
						cacheable(w)
					}
				}
				if under == "Handler" {
					visit = m.Handler(http.HandlerFunc(visit)).ServeHTTP
				}
				res := new(client).do(visit)
				if len(cookies(res, "gosessionid")) == 0 {
					t.Fatal("it has no cookie")
				}
				for _, header := range cdnHeaders {
					if stays, want := res.Header.Get(header) != "", name == "disabled"; stays != want {
						t.Errorf("%s, %s, %s: %s stays: %v", e.name, under, name, header, stays)
					}
				}
			}
		}
	}
}

// net/http removes Cache-Control from the errors of its FileServer. Under Handler the cookie still makes them no-store.
func TestErrorsOfAFileServerAreNotCached(t *testing.T) {
	for _, e := range engines() {
		m := e.open(t)
		files := http.FileServer(http.Dir(t.TempDir()))
		h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			set(t, current(t, m, r), "a", 1)
			w.Header().Set("Cache-Control", "public")
			files.ServeHTTP(w, r)
		}))
		res := (&client{target: "/absent"}).do(h.ServeHTTP)
		if res.StatusCode != http.StatusNotFound || len(cookies(res, "gosessionid")) == 0 {
			t.Fatalf("%s: status %d", e.name, res.StatusCode)
		}
		if got := res.Header["Cache-Control"]; !slices.Equal(got, []string{"no-store"}) {
			t.Errorf("%s: Cache-Control = %q", e.name, got)
		}
	}
}

package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// A middleware may hand on a clone of the request. What one of the two has begun, regenerated or ended with the same ResponseWriter
// counts for the other, too: the response has room for one cookie.
func TestACloneOfTheRequest(t *testing.T) {
	header := []session.ManagerConfigOpt{
		session.CfgSessionIdInHTTPHeader(true), session.CfgSetSessionNameInHTTPHeader("X-Session"), session.CfgSetCookie(false),
	}
	for name, open := range map[string]func(t *testing.T) *session.Manager{
		"memory":      func(t *testing.T) *session.Manager { return newManager(t) },
		"no marks":    func(t *testing.T) *session.Manager { return newManager(t, session.CfgMarkLifetime(-1)) },
		"lazy":        func(t *testing.T) *session.Manager { return newManager(t, session.CfgLazy(true)) },
		"sealed":      func(t *testing.T) *session.Manager { return newNode(t, newSealerProvider()) },
		"third party": func(t *testing.T) *session.Manager { return newNode(t, newShelf()) },
		"header":      func(t *testing.T) *session.Manager { return newNode(t, memory.New(), header...) },
		"coded":       func(t *testing.T) *session.Manager { return newManager(t, new(box).opts()) },
	} {
		t.Run(name, func(t *testing.T) {
			m := open(t)
			c := new(client)
			var first *session.Session
			res := c.do(func(w http.ResponseWriter, r *http.Request) {
				clone := r.Clone(r.Context())
				first = start(t, m, w, r)
				set(t, first, "a", "1")
				save(t, first)
				second := start(t, m, w, clone)
				if second.SessionID(r.Context()) != first.SessionID(r.Context()) || second.Get(r.Context(), "a") != "1" || !second.IsNew() {
					t.Errorf("a Start with a clone begins another session, or says that it is not new: %t", second.IsNew())
				}
				set(t, second, "b", "2")
				save(t, second)
				if third := start(t, m, w, clone); third.Get(r.Context(), "b") != "2" {
					t.Error("a second Start with the clone begins another session")
				}
			})
			if name == "header" {
				c.header = http.Header{"X-Session": {res.Header.Get("X-Session")}}
			}
			if c.value(t, m, "a") != "1" || c.value(t, m, "b") != "2" {
				t.Error("what the two have stored is not in one session")
			}

			var moved *session.Session
			c.do(func(w http.ResponseWriter, r *http.Request) {
				clone := r.Clone(r.Context())
				var err error
				if moved, err = m.Regenerate(w, r); err != nil {
					t.Fatal(err)
				}
				if again := start(t, m, w, clone); again.SessionID(r.Context()) != moved.SessionID(r.Context()) || again.Get(r.Context(), "a") != "1" {
					t.Error("a Start with a clone does not find the session under its new sid")
				}
			})

			c = new(client)
			c.do(func(w http.ResponseWriter, r *http.Request) {
				clone := r.Clone(r.Context())
				begun := start(t, m, w, r)
				set(t, begun, "a", "1")
				save(t, begun)
				if err := m.Destroy(w, clone); err != nil {
					t.Fatal(err)
				}
				if name != "sealed" && alive(t, m, begun.SessionID(r.Context())) {
					t.Error("Destroy with a clone leaves the session")
				}
				if s := start(t, m, w, clone); s.Get(r.Context(), "a") != nil {
					t.Error("a Start after Destroy finds the session")
				}
			})
		})
	}
}

// With the original ended, what a clone from before still carries names nothing: not in the client either, where it would open.
func TestACloneAfterALogout(t *testing.T) {
	for kind, open := range kindsOfEngine {
		for _, lazy := range []bool{false, true} {
			m := newNode(t, open(t), session.CfgLazy(lazy))
			c := seed(t, m, map[any]any{"a": "1"})
			c.do(func(w http.ResponseWriter, r *http.Request) {
				clone := r.Clone(r.Context())
				start(t, m, w, r)
				if err := m.Destroy(w, r); err != nil {
					t.Fatal(err)
				}
				s := start(t, m, w, clone)
				if s.Get(r.Context(), "a") != nil || !s.IsNew() {
					t.Errorf("%s: a Start with the clone finds the session that was ended", kind)
				}
				if !lazy {
					set(t, s, "b", "2")
					save(t, s)
				}
			})
			if c.value(t, m, "a") != nil {
				t.Errorf("%s, lazy=%t: the logout is undone", kind, lazy)
			}
		}
	}
}

// A Session that a clone has left without its record says so, and its changes go nowhere.
func TestASessionThatACloneHasLeftBehind(t *testing.T) {
	m := newManager(t)
	new(client).do(func(w http.ResponseWriter, r *http.Request) {
		clone := r.Clone(r.Context())
		first := start(t, m, w, r)
		if _, err := m.Regenerate(w, clone); err != nil {
			t.Fatal(err)
		}
		if third := start(t, m, w, r); !third.IsNew() {
			t.Error("the session is not new to a third Session")
		}
		set(t, first, "x", "1")
		if err := first.Save(r.Context()); !errors.Is(err, session.ErrDestroyed) {
			t.Errorf("Save = %v", err)
		}
	})
}

// What the application itself has put into the response is no sid.
func TestAResponseWithAStrangeSID(t *testing.T) {
	m := newNode(t, newShelf(), session.CfgSessionIdInHTTPHeader(true), session.CfgSetSessionNameInHTTPHeader("X-Session"))
	w := httptest.NewRecorder()
	w.Header().Set("X-Session", "../../etc/passwd")
	w.Header().Set("Set-Cookie", "gosessionid=../../etc/passwd")
	if s := start(t, m, w, httptest.NewRequest("GET", "/", nil)); !s.IsNew() || m.Stats().Unknown > 0 {
		t.Error("the provider was asked for it")
	}
}

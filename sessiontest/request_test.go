package sessiontest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
)

func TestNewRequest(t *testing.T) {
	for name, opts := range map[string][]session.ManagerConfigOpt{
		"default":           nil,
		"lazy":              {session.CfgLazy(true)},
		"no cookies set":    {session.CfgSetCookie(false)},
		"another cookie":    {session.CfgCookieName("__Host-sid"), session.CfgSecure(true)},
		"header and query":  {session.CfgEnableSidInURLQuery(true), session.CfgSessionIdInHTTPHeader(true), session.CfgSetSessionNameInHTTPHeader("X-Session")},
		"a prefix of sids":  {session.CfgSessionIdPrefix("app-")},
		"under the Handler": nil,
	} {
		t.Run(name, func(t *testing.T) {
			e := inMemory.env(testCase{name: name}, inMemory.Store(t))
			m := e.manager(t, opts...)
			var got any
			h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, err := m.SessionStart(w, r)
				if err != nil {
					t.Fatal(err)
				}
				got = s.Get(r.Context(), "user")
			}))
			if strings.HasPrefix(name, "under") {
				h = m.Handler(h)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, NewRequest(t, m, "GET", "/profile?a=1", map[any]any{"user": "ann"}))
			if got != "ann" || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("user = %v, Set-Cookie %q", got, w.Header()["Set-Cookie"])
			}
		})
	}
}

func TestNewRequestOfClientSideSession(t *testing.T) {
	e := Harness{}.env(testCase{name: "request"}, nil)
	e.seal = openSealer(t)
	m := e.manager(t)
	r := NewRequest(t, m, "GET", "/", map[any]any{"user": "ann", "n": 1})
	if s, err := m.Start(httptest.NewRecorder(), r); err != nil || s.Get(t.Context(), "user") != "ann" || s.Get(t.Context(), "n") != 1 {
		t.Errorf("Start: %v, %v", s, err)
	}
}

func TestAddSession(t *testing.T) {
	m := inMemory.env(testCase{name: "add"}, inMemory.Store(t)).manager(t)
	r := httptest.NewRequest("POST", "/", strings.NewReader("a=1"))
	r.AddCookie(&http.Cookie{Name: "theme", Value: "dark"})
	sid := AddSession(t, m, r, map[any]any{"user": "ann"}).SessionID(t.Context())
	again := AddSession(t, m, r, map[any]any{"role": "admin"})
	if again.SessionID(t.Context()) != sid || again.Get(t.Context(), "user") != "ann" || again.Get(t.Context(), "role") != "admin" {
		t.Error("the second AddSession made another session")
	}
	if c, err := r.Cookie("theme"); err != nil || c.Value != "dark" {
		t.Errorf("cookie theme = %v, %v", c, err)
	}
	r2 := record(t, func(t testing.TB) {
		AddSession(t, m, httptest.NewRequest("GET", "/", nil), map[any]any{"f": func() {}})
	})
	if !r2.Failed() {
		t.Error("a value that cannot be stored did not end the test")
	}
}

package session_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// cookieAnswers are the ways in which a response comes to have a cookie of ours.
var cookieAnswers = map[string]func(s *session.Session, m *session.Manager, w http.ResponseWriter, r *http.Request) error{
	"first value": func(s *session.Session, _ *session.Manager, _ http.ResponseWriter, r *http.Request) error {
		return s.Set(r.Context(), "a", 1)
	},
	"Login": func(s *session.Session, _ *session.Manager, _ http.ResponseWriter, r *http.Request) error {
		return s.Login(r.Context(), "ann")
	},
	"Regenerate": func(s *session.Session, _ *session.Manager, _ http.ResponseWriter, r *http.Request) error {
		return s.Regenerate(r.Context())
	},
	"Manager.Regenerate": func(_ *session.Session, m *session.Manager, w http.ResponseWriter, r *http.Request) error {
		return second(m.Regenerate(w, r))
	},
	"RememberMe": func(s *session.Session, _ *session.Manager, _ http.ResponseWriter, r *http.Request) error {
		return s.RememberMe(r.Context(), 24*time.Hour)
	},
	"Logout": func(s *session.Session, _ *session.Manager, _ http.ResponseWriter, r *http.Request) error {
		return s.Logout(r.Context())
	},
	"Destroy": func(_ *session.Session, m *session.Manager, w http.ResponseWriter, r *http.Request) error {
		return m.Destroy(w, r)
	},
}

// TestNoCacheKeepsACookie has an application that says its responses may be cached: what it says holds until a
// response has a cookie of ours, under Handler whenever it is said, with Start if it is said before.
func TestNoCacheKeepsACookie(t *testing.T) {
	for kind, m := range managers(t) {
		for name, act := range cookieAnswers {
			for _, under := range []string{"Start", "Handler"} {
				t.Run(kind+"/"+name+"/"+under, func(t *testing.T) {
					cacheable := func(w http.ResponseWriter) {
						w.Header().Set("Cache-Control", "public, max-age=3600")
						w.Header().Set("Vary", "Accept-Encoding")
					}
					run := func(w http.ResponseWriter, r *http.Request) {
						if under == "Start" {
							cacheable(w)
						}
						s := start(t, m, w, r)
						if err := act(s, m, w, r); err != nil {
							t.Error(err)
						}
						if under == "Handler" {
							cacheable(w)
						}
					}
					if under == "Handler" {
						run = m.Handler(http.HandlerFunc(run)).ServeHTTP
					}
					c := new(client)
					if name != "first value" {
						c = seed(t, m, map[any]any{"cart": "book"})
					}
					res := c.do(run)
					if len(cookies(res, "gosessionid")) == 0 {
						t.Fatal("it has no cookie")
					}
					if got := res.Header["Cache-Control"]; !slices.Equal(got, []string{"no-store"}) {
						t.Errorf("Cache-Control = %q", got)
					}
					if got := res.Header["Vary"]; !slices.Equal(got, []string{"Accept-Encoding", "Cookie"}) {
						t.Errorf("Vary = %q", got)
					}
				})
			}
		}
	}
}

// What only reads the session leaves Cache-Control alone, and adds to Vary what is not there.
func TestVary(t *testing.T) {
	for _, tt := range []struct {
		name       string
		opts       []session.ManagerConfigOpt
		vary, want []string
	}{
		{"nothing", nil, nil, []string{"Cookie"}},
		{"another field", nil, []string{"Accept-Encoding"}, []string{"Accept-Encoding", "Cookie"}},
		{"two lines", nil, []string{"Accept", "Origin"}, []string{"Accept", "Origin", "Cookie"}},
		{"there already", nil, []string{"Accept, cookie , Origin"}, []string{"Accept, cookie , Origin"}},
		{"part of a name", nil, []string{"Cookie2"}, []string{"Cookie2", "Cookie"}},
		{"everything", nil, []string{"*"}, []string{"*"}},
		{"disabled", []session.ManagerConfigOpt{session.CfgDisableCacheHeaders(true)}, []string{"Origin"}, []string{"Origin"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newManager(t, tt.opts...)
			c := seed(t, m, nil)
			read := func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Vary"] = tt.vary
				w.Header().Set("Cache-Control", "private")
				start(t, m, w, r)
			}
			for under, h := range map[string]http.HandlerFunc{"Start": read, "Handler": m.Handler(http.HandlerFunc(read)).ServeHTTP} {
				res := c.do(h)
				if got := res.Header["Vary"]; !slices.Equal(got, tt.want) {
					t.Errorf("%s: Vary = %q, want %q", under, got, tt.want)
				}
				if got := res.Header.Get("Cache-Control"); got != "private" {
					t.Errorf("%s: Cache-Control = %q", under, got)
				}
			}
		})
	}
	t.Run("disabled, with a cookie", func(t *testing.T) {
		m := newManager(t, session.CfgDisableCacheHeaders(true))
		w := httptest.NewRecorder()
		w.Header().Set("Cache-Control", "private")
		start(t, m, w, httptest.NewRequest("GET", "/", nil))
		if got := w.Header()["Cache-Control"]; !slices.Equal(got, []string{"private"}) || w.Header()["Vary"] != nil {
			t.Errorf("Cache-Control = %q, Vary = %q", got, w.Header()["Vary"])
		}
	})
}

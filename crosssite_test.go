package session_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// crossSite returns the headers of a request that another site has caused, as browsers send them.
func crossSite(mode, dest string) http.Header {
	return http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {mode}, "Sec-Fetch-Dest": {dest}}
}

// with returns c's request by method, with these headers.
func (c *client) with(method string, header http.Header) *http.Request {
	r := c.request()
	r.Method = method
	for name, lines := range header {
		r.Header[name] = lines
	}
	return r
}

// kindsOfEngine are one of each kind: in this process, outside of it, in the client, and a third party's.
var kindsOfEngine = map[string]func(t testing.TB) session.Provider{
	"memory":      func(testing.TB) session.Provider { return memory.New() },
	"tap":         func(t testing.TB) session.Provider { return newTap(t).provider() },
	"sealed":      func(testing.TB) session.Provider { return newSealerProvider() },
	"third party": func(testing.TB) session.Provider { return newShelf() },
}

// Where SameSite has kept the cookie back a new one would take its place, and the visitor would be logged out.
func TestACrossSiteRequestWithoutTheCookie(t *testing.T) {
	lax, strict := session.CfgSameSite(http.SameSiteLaxMode), session.CfgSameSite(http.SameSiteStrictMode)
	for _, tt := range []struct {
		name    string
		method  string
		header  http.Header
		cookie  string
		opt     session.ManagerConfigOpt
		answers bool
	}{
		{"payment that returns by POST", "POST", crossSite("navigate", "document"), "", lax, false},
		{"fetch", "GET", crossSite("cors", "empty"), "", lax, false},
		{"image", "GET", crossSite("no-cors", "image"), "", lax, false},
		{"frame", "GET", crossSite("navigate", "iframe"), "", lax, false},
		{"by default", "POST", crossSite("navigate", "document"), "", session.CfgSameSite(http.SameSiteDefaultMode), false},
		{"link from a search result", "GET", crossSite("navigate", "document"), "", lax, true},
		{"HEAD", "HEAD", crossSite("navigate", "document"), "", lax, true},
		{"link, Strict", "GET", crossSite("navigate", "document"), "", strict, false},
		{"of this site", "POST", http.Header{"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"cors"}}, "", lax, true},
		{"of a subdomain", "POST", http.Header{"Sec-Fetch-Site": {"same-site"}, "Sec-Fetch-Mode": {"cors"}}, "", strict, true},
		{"typed into the address bar", "GET", http.Header{"Sec-Fetch-Site": {"none"}, "Sec-Fetch-Mode": {"navigate"}}, "", strict, true},
		{"old browser", "POST", nil, "", lax, true},
		{"None", "POST", crossSite("cors", "empty"), "", func(c *session.ManagerConfig) {
			c.Opts(session.CfgSameSite(http.SameSiteNoneMode), session.CfgSecure(true))
		}, true},
		{"a cookie came, dead", "POST", crossSite("navigate", "document"), "gosessionid=" + strings.Repeat("ab", 16), lax, true},
		{"a cookie came, malformed", "POST", crossSite("navigate", "document"), "gosessionid=x", lax, true},
		{"another cookie came", "POST", crossSite("navigate", "document"), "theme=dark", lax, false},
		{"setting", "POST", crossSite("navigate", "document"), "", session.CfgCrossSiteCookies(true), true},
	} {
		for kind, open := range kindsOfEngine {
			for _, under := range []string{"Start", "Handler"} {
				t.Run(strings.Join([]string{tt.name, kind, under}, "/"), func(t *testing.T) {
					var log bytes.Buffer
					m := newNode(t, open(t), tt.opt, session.CfgLogger(slog.New(slog.NewTextHandler(&log, nil))), session.CfgMarkLifetime(-1))
					handler := func(w http.ResponseWriter, r *http.Request) {
						s := start(t, m, w, r)
						if s.IsNew() != tt.answers {
							t.Errorf("IsNew = %t", s.IsNew())
						}
						err := s.Set(r.Context(), "a", "1")
						if err == nil && under == "Start" {
							err = s.Save(r.Context())
						}
						if tt.answers != (err == nil) && (under == "Start" || err != nil) || err != nil && !errors.Is(err, session.ErrCrossSite) {
							t.Errorf("Set and Save = %v", err)
						}
						if again := start(t, m, w, r); again.SessionID(r.Context()) != s.SessionID(r.Context()) {
							t.Error("a second Start finds another session")
						}
					}
					w := httptest.NewRecorder()
					if under == "Handler" {
						m.Handler(http.HandlerFunc(handler)).ServeHTTP(w, (&client{cookie: tt.cookie}).with(tt.method, tt.header))
					} else {
						handler(w, (&client{cookie: tt.cookie}).with(tt.method, tt.header))
					}
					if got := len(w.Result().Cookies()) > 0; got != tt.answers || w.Code != http.StatusOK {
						t.Errorf("status %d, answered with a cookie: %t", w.Code, got)
					}
					if n, err := m.Count(t.Context()); err == nil && n != map[bool]int{true: 1}[tt.answers] {
						t.Errorf("%d sessions", n)
					}
					if got := log.String(); got != "" && (tt.answers || under == "Start" || !strings.HasPrefix(got[strings.Index(got, "level="):], "level=WARN")) {
						t.Errorf("it logs %s", got)
					}
				})
			}
		}
	}
}

// What ends at another site's form, SAML or OpenID Connect's form_post, begins a session, with what was set before where there is a
// place to keep it.
func TestACrossSiteLogin(t *testing.T) {
	for kind, open := range kindsOfEngine {
		for what, login := range map[string]func(m *session.Manager, s *session.Session, w http.ResponseWriter, r *http.Request) error{
			"Login": func(_ *session.Manager, s *session.Session, _ http.ResponseWriter, r *http.Request) error {
				return s.Login(r.Context(), "ann")
			},
			"Regenerate": func(m *session.Manager, _ *session.Session, w http.ResponseWriter, r *http.Request) error {
				s, err := m.Regenerate(w, r)
				if err == nil {
					err = errors.Join(s.Set(r.Context(), "user", "ann"), s.Save(r.Context()))
				}
				return err
			},
		} {
			if kind == "third party" && what == "Login" {
				continue // it keeps no users
			}
			for _, under := range []string{"Start", "Handler"} {
				t.Run(strings.Join([]string{kind, what, under}, "/"), func(t *testing.T) {
					m := newNode(t, open(t))
					handler := func(w http.ResponseWriter, r *http.Request) {
						s := start(t, m, w, r)
						_ = s.Set(r.Context(), "next", "/account")
						if err := login(m, s, w, r); err != nil {
							t.Fatal(err)
						}
					}
					w, c := httptest.NewRecorder(), new(client)
					if under == "Handler" {
						m.Handler(http.HandlerFunc(handler)).ServeHTTP(w, c.with("POST", crossSite("navigate", "document")))
					} else {
						handler(w, c.with("POST", crossSite("navigate", "document")))
					}
					if c.take(w.Result()); what == "Login" && c.user(t, m) != "ann" || what == "Regenerate" && c.value(t, m, "user") != "ann" {
						t.Error("nobody is logged in")
					}
					if kept := kind == "memory" || kind == "tap"; what == "Login" && kept && c.value(t, m, "next") != "/account" {
						t.Error("what was set before the login is lost")
					}
				})
			}
		}
	}
}

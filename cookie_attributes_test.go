package session_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// A multi-tenant site gives each response's cookie the domain of its host: to the cookie, to each part of it, and to the line that
// removes it.
func TestCookieAttributes(t *testing.T) {
	byHost := func(x session.Exchange, c *http.Cookie) {
		if c.Value != "" || c.Name != "" {
			t.Errorf("the hook sees %q and %q", c.Name, c.Value)
		}
		host := x.RequestHeader("Host")
		if len(host) != 1 {
			t.Fatalf("Host is %q", host)
		}
		c.Domain, c.Path, c.HttpOnly, c.SameSite = host[0], "/"+host[0], false, http.SameSiteStrictMode
	}
	for _, e := range engines() {
		for _, way := range []string{"Start", "Handler"} {
			t.Run(e.name+"/"+way, func(t *testing.T) {
				m := e.open(t, session.CfgCookieAttributes(byHost), session.CfgLazy(true))
				visit := func(host, cookie string, page func(w http.ResponseWriter, r *http.Request)) []*http.Cookie {
					w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "http://"+host+"/", nil)
					r.Header.Set("Cookie", cookie)
					if way == "Handler" {
						m.Handler(http.HandlerFunc(page)).ServeHTTP(w, r)
					} else {
						page(w, r)
					}
					return w.Result().Cookies()
				}
				want := func(host string, cookies []*http.Cookie, gone bool) string {
					t.Helper()
					if len(cookies) != 1 {
						t.Fatalf("%d cookies", len(cookies))
					}
					c := cookies[0]
					if c.Domain != host || c.Path != "/"+host || c.HttpOnly || c.SameSite != http.SameSiteStrictMode || (c.MaxAge < 0) != gone {
						t.Errorf("%v", c)
					}
					return c.Name + "=" + c.Value
				}
				put := func(w http.ResponseWriter, r *http.Request) {
					s := start(t, m, w, r)
					set(t, s, "k", r.Host)
					save(t, s)
				}
				end := func(w http.ResponseWriter, r *http.Request) {
					if err := m.Destroy(w, r); err != nil {
						t.Error(err)
					}
				}
				ann, bob := want("ann.example", visit("ann.example", "", put), false), want("bob.example", visit("bob.example", "", put), false)
				want("ann.example", visit("ann.example", ann, end), true)
				want("bob.example", visit("bob.example", bob, end), true)
			})
		}
	}
}

// The hook sees what would be sent, and can have the browser keep the cookie; but not what is removed.
func TestCookieAttributesSees(t *testing.T) {
	var seen []http.Cookie
	m := newManager(t, session.CfgCookieLifeTime(600), session.CfgDomain("example.com"), session.CfgCookiePath("/app"), session.CfgSecure(true),
		session.CfgSameSite(http.SameSiteNoneMode), session.CfgPartitioned(true),
		session.CfgCookieAttributes(func(_ session.Exchange, c *http.Cookie) {
			seen = append(seen, *c)
			c.MaxAge = 60
		}))
	c := new(client)
	res := c.do(func(w http.ResponseWriter, r *http.Request) { start(t, m, w, r) })
	if got := res.Cookies()[0]; got.MaxAge != 60 {
		t.Errorf("Max-Age is %d", got.MaxAge)
	}
	res = c.do(func(w http.ResponseWriter, r *http.Request) {
		if err := m.Destroy(w, r); err != nil {
			t.Error(err)
		}
	})
	if got := res.Cookies()[0]; got.MaxAge >= 0 || got.Value != "" {
		t.Errorf("the cookie is removed by %v", got)
	}
	for i, age := range []int{600, -1} {
		want := http.Cookie{
			Path: "/app", Domain: "example.com", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode, Partitioned: true,
		}
		if len(seen) != 2 || seen[i].String() != want.String() || seen[i].MaxAge != age || seen[i].Domain != want.Domain {
			t.Errorf("the hook saw %+v", seen)
		}
	}
}

// What a browser would drop is not sent: the cookie has the attributes that are configured, and the Logger names the wrong one.
func TestBadCookieAttributes(t *testing.T) {
	for field, change := range map[string]func(c *http.Cookie){
		"cookiePath":     func(c *http.Cookie) { c.Path = "/a; Domain=evil" },
		"domain":         func(c *http.Cookie) { c.Domain = "a\r\nSet-Cookie: b=c" },
		"cookieSameSite": func(c *http.Cookie) { c.SameSite = http.SameSiteNoneMode },
		"partitioned":    func(c *http.Cookie) { c.Partitioned = true },
		"cookieLifeTime": func(c *http.Cookie) { c.MaxAge = 401 * 24 * 60 * 60 },
	} {
		var log bytes.Buffer
		var told []error
		m := newManager(t, session.CfgLogger(slog.New(slog.NewTextHandler(&log, nil))),
			session.CfgErrorHandler(func(_ http.ResponseWriter, _ *http.Request, err error) { told = append(told, err) }),
			session.CfgCookieAttributes(func(_ session.Exchange, c *http.Cookie) { change(c) }))
		w := httptest.NewRecorder()
		start(t, m, w, new(client).request())
		plain := httptest.NewRecorder()
		start(t, newManager(t), plain, new(client).request())
		cut := func(w *httptest.ResponseRecorder) string {
			_, attributes, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
			return attributes
		}
		if got, want := cut(w), cut(plain); got != want || got == "" {
			t.Errorf("%s: the attributes are %q, want %q", field, got, want)
		}
		if len(told) != 1 || !strings.Contains(told[0].Error(), field) || !strings.Contains(log.String(), "CookieAttributes: "+field) {
			t.Errorf("%s: reported %v, logged %s", field, told, &log)
		}
	}
	m := newManager(t, session.CfgCookieName("__Host-sid"), session.CfgSecure(true),
		session.CfgCookieAttributes(func(_ session.Exchange, c *http.Cookie) { c.Domain = "example.com" }))
	w := httptest.NewRecorder()
	start(t, m, w, new(client).request())
	if c := w.Result().Cookies()[0]; c.Domain != "" {
		t.Errorf("%s has a domain", c.Name)
	}
}

// SendCookie answers what something else has removed from the response, as the session's own cookie is answered.
func TestSendCookie(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m := e.open(t, session.CfgCookieLifeTime(3600))
			c := seed(t, m, map[any]any{"k": "v"})
			res := c.do(func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				w.Header().Del("Set-Cookie")
				for range 2 {
					if err := s.SendCookie(r.Context()); err != nil {
						t.Fatal(err)
					}
				}
			})
			if got := res.Cookies(); len(got) != 1 || got[0].MaxAge != 3600 || c.value(t, m, "k") != "v" {
				t.Errorf("the cookies are %v", got)
			}
		})
	}
}

func TestSendCookieUnderHandler(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, nil)
	res := c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.FromContext(r.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SendCookie(r.Context()); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusNoContent)
		if err := s.SendCookie(r.Context()); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("after the headers: %v", err)
		}
	})).ServeHTTP)
	if got := res.Cookies(); len(got) != 1 || got[0].Value != c.sid() {
		t.Errorf("the cookies are %v", got)
	}
}

// A sid that came in a header is answered in one.
func TestSendCookieInAHeader(t *testing.T) {
	m := newManager(t, session.CfgSessionIdInHTTPHeader(true), session.CfgSetSessionNameInHTTPHeader("X-Session"))
	sid := seed(t, m, nil).sid()
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Session", sid)
	s := start(t, m, w, r)
	w.Header().Del("X-Session")
	if err := s.SendCookie(t.Context()); err != nil || w.Header().Get("X-Session") != sid || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("%v, %v", err, w.Header())
	}
}

func TestSendCookieOfNothing(t *testing.T) {
	m := newManager(t, session.CfgLazy(true))
	w := httptest.NewRecorder()
	s := start(t, m, w, new(client).request())
	if err := s.SendCookie(t.Context()); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("of what is not stored: %v", err)
	}
	set(t, s, "k", "v")
	if err := s.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.SendCookie(t.Context()); !errors.Is(err, session.ErrDestroyed) {
		t.Errorf("after Logout: %v", err)
	}
	store, err := m.GetSessionStore(seed(t, m, map[any]any{"k": 1}).sid())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.(*session.Session).SendCookie(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("outside a request: %v", err)
	}
}

// A generator of sids sees the request, and no request where there is none.
func TestSessionIDGeneratorSeesTheRequest(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			n := 0
			m := e.open(t, session.CfgSessionIdPrefix("p-"), session.CfgSessionIDGenerator(func(x session.Exchange) (string, error) {
				n++
				return x.RequestHeader("X-Region")[0] + "-" + strings.Repeat(string(rune('a'+n)), 16), nil
			}))
			c := &client{header: http.Header{"X-Region": {"eu"}}}
			c.visit(t, m, func(s *session.Session) { set(t, s, "k", "v") })
			c.header = http.Header{"X-Region": {"us"}}
			c.visit(t, m, func(s *session.Session) {
				if got := s.SessionID(t.Context()); !strings.HasPrefix(got, "p-eu-") {
					t.Errorf("the sid begins with %.5q", got)
				}
				if err := s.Regenerate(t.Context()); err != nil {
					t.Error(err)
				}
				if got := s.SessionID(t.Context()); !strings.HasPrefix(got, "p-us-") {
					t.Errorf("the new sid begins with %.5q", got)
				}
			})
		})
	}
	m := newManager(t, session.CfgSessionIDGenerator(func(x session.Exchange) (string, error) {
		if x != nil {
			return "of-a-request-0123456789", nil
		}
		return "of-no-request-0123456789", nil
	}))
	c := seed(t, m, nil)
	store, err := m.GetSessionStore(c.sid())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.(*session.Session).Regenerate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.sid() != "of-a-request-0123456789" || store.SessionID(t.Context()) != "of-no-request-0123456789" {
		t.Error("the generator is not told whether there is a request")
	}
}

// The client is to have the sid that the session has now, although another Session of the request has given it that: a login would
// be lost.
func TestTheCookieOfAnOlderSession(t *testing.T) {
	for what, send := range map[string]func(s *session.Session) error{
		"SendCookie": func(s *session.Session) error { return s.SendCookie(t.Context()) },
		"RememberMe": func(s *session.Session) error { return s.RememberMe(t.Context(), time.Hour) },
	} {
		for _, e := range engines() {
			if what == "RememberMe" && e.name == "third party" {
				continue // it has no lifetimes
			}
			t.Run(what+"/"+e.name, func(t *testing.T) {
				m := e.open(t)
				c := seed(t, m, map[any]any{"k": "v"})
				c.do(func(w http.ResponseWriter, r *http.Request) {
					s := start(t, m, w, r)
					again, err := m.Regenerate(w, r)
					if err != nil {
						t.Fatal(err)
					}
					save(t, again)
					if err := send(s); err != nil {
						t.Error(err)
					}
					save(t, s)
				})
				if got := c.value(t, m, "k"); got != "v" {
					t.Errorf("k = %v", got)
				}
				res := c.do(func(w http.ResponseWriter, r *http.Request) {
					s := start(t, m, w, r)
					if err := m.Destroy(w, r); err != nil {
						t.Error(err)
					}
					if err := send(s); what == "SendCookie" && !errors.Is(err, session.ErrDestroyed) {
						t.Errorf("after Destroy: %v", err)
					}
				})
				if got := res.Cookies(); len(got) != 1 || got[0].MaxAge >= 0 {
					t.Errorf("after Destroy the cookies are %v", got)
				}
				c = seed(t, m, map[any]any{"k": "v"})
				c.do(func(w http.ResponseWriter, r *http.Request) {
					s := start(t, m, w, r)
					if err := m.Destroy(w, r); err != nil {
						t.Error(err)
					}
					next := start(t, m, w, r)
					set(t, next, "k", "next")
					save(t, next)
					if err := send(s); what == "SendCookie" && !errors.Is(err, session.ErrDestroyed) {
						t.Errorf("beside the next session: %v", err)
					}
				})
				if got := c.value(t, m, "k"); got != "next" {
					t.Errorf("of the next session k = %v", got)
				}
			})
		}
	}
}

// SendCookie moves a sid from the URL to the cookie, and notes when the browser got that: the next request does not answer it again.
func TestSendCookieFromAURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, session.CfgMaxLifeTime(3600), session.CfgCookieLifeTime(600), session.CfgEnableSidInURLQuery(true))
		c := seed(t, m, map[any]any{"k": 1})
		time.Sleep(time.Minute)
		w := httptest.NewRecorder()
		s := start(t, m, w, httptest.NewRequest("GET", "/?gosessionid="+c.sid(), nil))
		if err := s.SendCookie(t.Context()); err != nil {
			t.Fatal(err)
		}
		set(t, s, "k", 2)
		save(t, s)
		if got := w.Result().Cookies(); len(got) != 1 || got[0].Value != c.sid() {
			t.Errorf("the cookies are %v", got)
		}
		if got := c.visit(t, m, nil); len(got) > 0 {
			t.Errorf("the next request is answered %v", got)
		}
	})
}

// A hook that panics leaves the Session as it can be used.
func TestAPanicOfAHookLeavesNoLock(t *testing.T) {
	for _, e := range engines() {
		for _, way := range []string{"Start", "Handler"} {
			t.Run(e.name+"/"+way, func(t *testing.T) {
				panics := false
				hook := func(session.Exchange, *http.Cookie) {
					if panics {
						panic("the hook's")
					}
				}
				m := e.open(t, session.CfgLazy(true), session.CfgCookieLifeTime(600), session.CfgCookieAttributes(hook),
					session.CfgSessionIDGenerator(func(x session.Exchange) (string, error) {
						hook(x, nil)
						return rand.Text(), nil
					}))
				for _, c := range []*client{seed(t, m, map[any]any{"k": 1}), new(client)} {
					for _, do := range []func(s *session.Session, w http.ResponseWriter, r *http.Request){
						func(s *session.Session, _ http.ResponseWriter, _ *http.Request) { _ = s.SendCookie(t.Context()) },
						func(s *session.Session, _ http.ResponseWriter, _ *http.Request) { _ = s.Regenerate(t.Context()) },
						func(s *session.Session, _ http.ResponseWriter, _ *http.Request) { _ = s.Set(t.Context(), "k", 2) },
						func(_ *session.Session, w http.ResponseWriter, r *http.Request) { _ = m.Destroy(w, r) },
					} {
						page := func(w http.ResponseWriter, r *http.Request) {
							s := start(t, m, w, r)
							panics = true
							func() {
								defer func() { _ = recover() }()
								do(s, w, r)
							}()
							panics = false
							_ = s.Set(t.Context(), "k", 3) // would wait for ever
							_ = s.Save(t.Context())
							start(t, m, w, r)
						}
						if way == "Handler" {
							page = m.Handler(http.HandlerFunc(page)).ServeHTTP
						}
						page(httptest.NewRecorder(), c.request())
					}
				}
			})
		}
	}
}

// The hook sees whether this request's cookie would have Secure, and its word counts. What it makes of the Max-Age of a line that
// removes the cookie does not.
func TestCookieAttributesOfARequest(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		m := newManager(t, session.CfgCookieAttributes(func(_ session.Exchange, c *http.Cookie) {
			if c.Secure != encrypted {
				t.Errorf("encrypted = %v: Secure is %v", encrypted, c.Secure)
			}
			c.Secure, c.MaxAge, c.Domain = !c.Secure, 2*c.MaxAge, "example.com"
		}))
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		if encrypted {
			r = httptest.NewRequest("GET", "https://example.com/", nil)
		}
		start(t, m, w, r)
		if err := m.Destroy(w, r); err != nil {
			t.Fatal(err)
		}
		removed := w.Result().Cookies()[0]
		w = httptest.NewRecorder()
		start(t, m, w, r)
		for _, c := range []*http.Cookie{removed, w.Result().Cookies()[0]} {
			if c.Secure == encrypted || c.Domain != "example.com" || (c.MaxAge < 0) != (c == removed) {
				t.Errorf("encrypted = %v: %v", encrypted, c)
			}
		}
	}
}

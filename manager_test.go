package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/memory"
)

// newManager makes a manager on a memory of its own.
func newManager(t testing.TB, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	return newNode(t, memory.New(), opts...)
}

// newNode makes a manager on p.
func newNode(t testing.TB, p session.Provider, opts ...session.ManagerConfigOpt) *session.Manager {
	t.Helper()
	m, err := session.New(p, session.NewManagerConfig(opts...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// A client is a browser that keeps one cookie.
type client struct {
	cookie string // "name=value", "" for none
	header http.Header
	target string
}

// request makes the client's next request.
func (c *client) request() *http.Request {
	target := c.target
	if target == "" {
		target = "/"
	}
	r := httptest.NewRequest("GET", target, nil)
	for name, lines := range c.header {
		r.Header[name] = slices.Clone(lines)
	}
	if c.cookie != "" {
		r.Header.Add("Cookie", c.cookie)
	}
	return r
}

// do runs handler and takes its cookies.
func (c *client) do(handler func(w http.ResponseWriter, r *http.Request)) *http.Response {
	w := httptest.NewRecorder()
	handler(w, c.request())
	c.take(w.Result())
	return w.Result()
}

func (c *client) take(res *http.Response) {
	for _, cookie := range res.Cookies() {
		c.cookie = cookie.Name + "=" + cookie.Value
		if cookie.MaxAge < 0 {
			c.cookie = ""
		}
	}
}

func (c *client) sid() string {
	_, sid, _ := strings.Cut(c.cookie, "=")
	return sid
}

func start(t testing.TB, m *session.Manager, w http.ResponseWriter, r *http.Request) *session.Session {
	t.Helper()
	s, err := m.Start(w, r)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	return s
}

func set(t testing.TB, s session.Store, key, value any) {
	t.Helper()
	if err := s.Set(t.Context(), key, value); err != nil {
		t.Fatalf("Set: %v", err)
	}
}

func save(t testing.TB, s *session.Session) {
	t.Helper()
	if err := s.Save(t.Context()); err != nil {
		t.Fatalf("Save: %v", err)
	}
}

// seed gives a client a session with values, and returns the client.
func seed(t testing.TB, m *session.Manager, values map[any]any) *client {
	t.Helper()
	c := new(client)
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		for k, v := range values {
			set(t, s, k, v)
		}
		save(t, s)
	})
	return c
}

// value reads one value with a request of its own.
func (c *client) value(t testing.TB, m *session.Manager, key any) any {
	t.Helper()
	return start(t, m, httptest.NewRecorder(), c.request()).Get(t.Context(), key)
}

// alive reports whether the sid still names a session.
func alive(t testing.TB, m *session.Manager, sid string) bool {
	t.Helper()
	_, err := m.GetSessionStore(sid)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// What the application says about its response stays, but that it may be cached with a sid in it.
func TestOtherHeadersStay(t *testing.T) {
	m := newManager(t)
	for _, tt := range []struct{ name, vary, want string }{
		{"no Vary", "", "Cookie"},
		{"another", "Accept-Encoding", "Accept-Encoding Cookie"},
		{"the same", "Accept, cookie", "Accept, cookie"},
		{"any", "*", "*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := new(client).do(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Set-Cookie", "theme=dark")
				w.Header().Set("Cache-Control", "public")
				if tt.vary != "" {
					w.Header().Set("Vary", tt.vary)
				}
				save(t, start(t, m, w, r))
			})
			if got := strings.Join(res.Header["Vary"], " "); got != tt.want {
				t.Errorf("Vary = %q, want %q", got, tt.want)
			}
			if got := res.Header["Set-Cookie"]; len(got) != 2 || got[0] != "theme=dark" {
				t.Errorf("Set-Cookie = %q", got)
			}
			if got := res.Header["Cache-Control"]; len(got) != 1 || got[0] != "no-store" {
				t.Errorf("Cache-Control = %q", got)
			}
		})
	}
}

func TestStartGivesEveryVisitorASession(t *testing.T) {
	m := newManager(t)
	c := new(client)
	res := c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		if !s.IsNew() || len(s.SessionID(r.Context())) != 32 {
			t.Errorf("IsNew = %v, sid of %d characters", s.IsNew(), len(s.SessionID(r.Context())))
		}
		if m.GetActiveSession() != 1 {
			t.Errorf("there are %d sessions", m.GetActiveSession())
		}
		set(t, s, "user", "ann")
		s.SessionRelease(r.Context(), w)
	})
	want := "gosessionid=" + c.sid() + "; Path=/; HttpOnly; SameSite=Lax"
	if got := res.Header["Set-Cookie"]; len(got) != 1 || got[0] != want {
		t.Errorf("Set-Cookie = %q, want %q", got, want)
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control = %q", got)
	}
	if got := res.Header.Get("Vary"); got != "Cookie" {
		t.Errorf("Vary = %q", got)
	}
	res = c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		if s.IsNew() || s.Get(r.Context(), "user") != "ann" {
			t.Errorf("IsNew = %v, user = %v", s.IsNew(), s.Get(r.Context(), "user"))
		}
		s.SessionRelease(r.Context(), w)
	})
	if res.Header.Get("Set-Cookie") != "" {
		t.Errorf("Set-Cookie again: %q", res.Header["Set-Cookie"])
	}
}

func TestASecondStartInOneRequestFindsTheSession(t *testing.T) {
	m := newManager(t)
	new(client).do(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Cookie", "theme=dark; gosessionid=0123; lang=en")
		a := start(t, m, w, r)
		set(t, a, "a", 1)
		save(t, a)
		b := start(t, m, w, r)
		if a.SessionID(r.Context()) != b.SessionID(r.Context()) || b.Get(r.Context(), "a") != 1 {
			t.Error("the second Start began another session")
		}
		if got := w.Header()["Set-Cookie"]; len(got) != 1 {
			t.Errorf("Set-Cookie = %q", got)
		}
		if c, err := r.Cookie("theme"); err != nil || c.Value != "dark" {
			t.Errorf("cookie theme = %v, %v", c, err)
		}
	})
}

func TestChannels(t *testing.T) {
	all := []session.ManagerConfigOpt{
		session.CfgEnableSidInURLQuery(true), session.CfgSessionIdInHTTPHeader(true),
		session.CfgSetSessionNameInHTTPHeader("x-session"),
	}
	channels := map[string]func(sid string) *client{
		"cookie": func(sid string) *client { return &client{cookie: "gosessionid=" + sid} },
		"query":  func(sid string) *client { return &client{target: "/?a=1&gosessionid=" + sid} },
		"header": func(sid string) *client { return &client{header: http.Header{"X-Session": {sid}}} },
	}
	for name, with := range channels {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, all...)
			sid := seed(t, m, map[any]any{"user": "ann"}).sid()
			res := with(sid).do(func(w http.ResponseWriter, r *http.Request) {
				if got := start(t, m, w, r).Get(r.Context(), "user"); got != "ann" {
					t.Errorf("user = %v", got)
				}
			})
			if got := res.Header.Get("X-Session"); (got == sid) != (name == "header") {
				t.Errorf("answered in the header: %v", got != "")
			}
			if res.Header.Get("Set-Cookie") != "" {
				t.Error("a live sid was answered with a cookie")
			}

			var next string
			res = with(sid).do(func(w http.ResponseWriter, r *http.Request) {
				s, err := m.Regenerate(w, r)
				if err != nil {
					t.Fatal(err)
				}
				next = s.SessionID(r.Context())
				if again := start(t, m, w, r); again.SessionID(r.Context()) != next {
					t.Error("a Start after Regenerate finds another session")
				}
			})
			if next == sid || alive(t, m, sid) || !alive(t, m, next) {
				t.Error("not regenerated")
			}
			if got := res.Header.Get("Set-Cookie") != ""; got != (name != "header") {
				t.Errorf("the new sid was answered with a cookie: %v", got)
			}
			if got := res.Header.Get("X-Session"); name == "header" && got != next {
				t.Error("the new sid was not answered in the header")
			}

			with(next).do(func(w http.ResponseWriter, r *http.Request) {
				if err := m.Destroy(w, r); err != nil {
					t.Fatal(err)
				}
				if s := start(t, m, w, r); s.SessionID(r.Context()) == next || !s.IsNew() {
					t.Error("a Start after Destroy found the session")
				}
			})
			if alive(t, m, next) {
				t.Error("not destroyed")
			}
		})
	}

	t.Run("off by default", func(t *testing.T) {
		m := newManager(t)
		sid := seed(t, m, nil).sid()
		for _, name := range []string{"query", "header"} {
			channels[name](sid).do(func(w http.ResponseWriter, r *http.Request) {
				if !start(t, m, w, r).IsNew() {
					t.Errorf("the sid in the %s was read", name)
				}
			})
		}
	})
	t.Run("a new visitor gets cookie and header", func(t *testing.T) {
		m := newManager(t, all...)
		c := new(client)
		res := c.do(func(w http.ResponseWriter, r *http.Request) { start(t, m, w, r) })
		if c.sid() == "" || res.Header.Get("X-Session") != c.sid() {
			t.Errorf("header %q, cookie %q", res.Header.Get("X-Session"), c.cookie)
		}
	})
	t.Run("a form body is no channel", func(t *testing.T) {
		m := newManager(t, all...)
		sid := seed(t, m, nil).sid()
		r := httptest.NewRequest("POST", "/", strings.NewReader("gosessionid="+sid))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if !start(t, m, httptest.NewRecorder(), r).IsNew() {
			t.Error("the sid in the body was read")
		}
	})
	t.Run("two headers are none", func(t *testing.T) {
		m := newManager(t, all...)
		sid := seed(t, m, nil).sid()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["X-Session"] = []string{sid, sid}
		if !start(t, m, httptest.NewRecorder(), r).IsNew() {
			t.Error("one of two headers was read")
		}
	})
}

func TestSeveralCookiesOfTheName(t *testing.T) {
	m := newManager(t)
	sid := seed(t, m, map[any]any{"user": "ann"}).sid()
	unknown := strings.Repeat("ab", 16)
	for name, header := range map[string][]string{
		"malformed before":    {"gosessionid=../../etc; gosessionid=" + sid},
		"unknown before":      {"gosessionid=" + unknown + "; gosessionid=" + sid},
		"unknown after":       {"gosessionid=" + sid + "; gosessionid=" + unknown},
		"two header lines":    {"gosessionid=" + unknown, "x=1; gosessionid=" + sid},
		"quoted":              {`gosessionid="` + sid + `"`},
		"no space":            {"a=b;gosessionid=" + sid + ";c=d"},
		"many malformed":      {strings.Repeat("gosessionid=evil; ", 5000) + "gosessionid=" + sid},
		"similar names":       {"xgosessionid=1; gosessionid2=2; GOSESSIONID=" + unknown + "; gosessionid=" + sid},
		"three unknown first": {strings.Repeat("gosessionid="+unknown+"; ", 3) + "gosessionid=" + sid},
	} {
		t.Run(name, func(t *testing.T) {
			c := &client{header: http.Header{"Cookie": header}}
			c.do(func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				if s.Get(r.Context(), "user") != "ann" {
					t.Fatal("the live session was not found")
				}
				if again := start(t, m, w, r); again.SessionID(r.Context()) != sid {
					t.Error("a second Start finds another session")
				}
			})
		})
	}
	t.Run("a fifth is not tried", func(t *testing.T) {
		c := &client{header: http.Header{"Cookie": {strings.Repeat("gosessionid="+unknown+"; ", 4) + "gosessionid=" + sid}}}
		c.do(func(w http.ResponseWriter, r *http.Request) {
			if !start(t, m, w, r).IsNew() {
				t.Error("five sids were tried")
			}
		})
	})
	t.Run("destroy ends every one", func(t *testing.T) {
		other := seed(t, m, nil).sid()
		c := &client{header: http.Header{"Cookie": {"gosessionid=" + other + "; gosessionid=" + sid}}}
		c.do(func(w http.ResponseWriter, r *http.Request) {
			if err := m.Destroy(w, r); err != nil {
				t.Fatal(err)
			}
		})
		if alive(t, m, other) || alive(t, m, sid) {
			t.Error("a session survived")
		}
	})
}

func TestDeletionCookieHasTheSameAttributes(t *testing.T) {
	for name, opts := range map[string][]session.ManagerConfigOpt{
		"default": nil,
		"all": {
			session.CfgDomain("example.com"), session.CfgCookiePath("/app"), session.CfgSecure(true), session.CfgPartitioned(true),
			session.CfgSameSite(http.SameSiteNoneMode), session.CfgCookieLifeTime(600),
		},
		"host": {session.CfgCookieName("__Host-sid"), session.CfgSecure(true), session.CfgSameSite(http.SameSiteStrictMode)},
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, opts...)
			c := new(client)
			var given, deleted *http.Cookie
			given = c.do(func(w http.ResponseWriter, r *http.Request) { start(t, m, w, r) }).Cookies()[0]
			res := c.do(func(w http.ResponseWriter, r *http.Request) {
				start(t, m, w, r)
				m.SessionDestroy(w, r)
			})
			if len(res.Cookies()) != 1 {
				t.Fatalf("Set-Cookie = %q", res.Header["Set-Cookie"])
			}
			deleted = res.Cookies()[0]
			if deleted.MaxAge >= 0 || deleted.Value != "" {
				t.Errorf("no deletion: %v", deleted)
			}
			attributes := func(c *http.Cookie) string {
				return fmt.Sprint(c.Name, c.Path, c.Domain, c.Secure, c.HttpOnly, c.SameSite, c.Partitioned)
			}
			if attributes(given) != attributes(deleted) {
				t.Errorf("given %v, deleted %v", given, deleted)
			}
		})
	}
}

func TestTheUsualBeegoLoginKeepsItsWrites(t *testing.T) {
	for name, sets := range map[string]func(ctx context.Context, t *testing.T, first session.Store, regenerate func() session.Store){
		"set on the first store after regenerating": func(ctx context.Context, t *testing.T, first session.Store, regenerate func() session.Store) {
			regenerate()
			set(t, first, "user", "ann")
		},
		"set on the first store before regenerating": func(ctx context.Context, t *testing.T, first session.Store, regenerate func() session.Store) {
			set(t, first, "user", "ann")
			regenerate()
		},
		"both stores": func(ctx context.Context, t *testing.T, first session.Store, regenerate func() session.Store) {
			set(t, first, "user", "ann")
			second := regenerate()
			set(t, second, "role", "admin")
			second.SessionRelease(ctx, nil)
		},
		"twice": func(ctx context.Context, t *testing.T, first session.Store, regenerate func() session.Store) {
			regenerate()
			regenerate()
			set(t, first, "user", "ann")
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t)
			c := seed(t, m, map[any]any{"cart": "book"})
			old := c.sid()
			c.do(func(w http.ResponseWriter, r *http.Request) {
				first, err := m.SessionStart(w, r)
				if err != nil {
					t.Fatal(err)
				}
				defer first.SessionRelease(r.Context(), w)
				sets(r.Context(), t, first, func() session.Store {
					s, err := m.SessionRegenerateID(w, r)
					if err != nil {
						t.Fatal(err)
					}
					return s
				})
			})
			if c.sid() == old || alive(t, m, old) {
				t.Error("the old sid is alive")
			}
			if c.value(t, m, "user") != "ann" || c.value(t, m, "cart") != "book" {
				t.Errorf("user = %v, cart = %v", c.value(t, m, "user"), c.value(t, m, "cart"))
			}
			if name == "both stores" && c.value(t, m, "role") != "admin" {
				t.Error("the second store's write is lost")
			}
			if n := m.GetActiveSession(); n != 1 {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

func TestRegenerateOfADeadSidGivesAFreshSession(t *testing.T) {
	m := newManager(t)
	c := &client{cookie: "gosessionid=" + strings.Repeat("ab", 16)}
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.Regenerate(w, r)
		if err != nil || !s.IsNew() {
			t.Fatal(s, err)
		}
	})
	if !alive(t, m, c.sid()) || m.GetActiveSession() != 1 {
		t.Error("no fresh session")
	}
}

func TestDestroyedIsGoneForRequestsInFlight(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, m *session.Manager, c *client){
		"destroy": func(t *testing.T, m *session.Manager, c *client) {
			c.do(func(w http.ResponseWriter, r *http.Request) {
				if err := m.Destroy(w, r); err != nil {
					t.Fatal(err)
				}
			})
		},
		"regenerate": func(t *testing.T, m *session.Manager, c *client) {
			c.do(func(w http.ResponseWriter, r *http.Request) {
				if _, err := m.Regenerate(w, r); err != nil {
					t.Fatal(err)
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, session.CfgCookieLifeTime(600), session.CfgTouchInterval(-1))
			c := seed(t, m, nil)
			old := c.sid()
			w, r := httptest.NewRecorder(), c.request()
			late := start(t, m, w, r)
			set(t, late, "user", "ann")
			reader := httptest.NewRecorder()
			reading := start(t, m, reader, c.request())
			end(t, m, c)
			if err := late.Save(r.Context()); !errors.Is(err, session.ErrDestroyed) {
				t.Errorf("Save = %v", err)
			}
			if err := late.Set(r.Context(), "user", "eve"); !errors.Is(err, session.ErrDestroyed) {
				t.Errorf("Set = %v", err)
			}
			if err := late.Regenerate(r.Context()); !errors.Is(err, session.ErrDestroyed) {
				t.Errorf("Regenerate = %v", err)
			}
			late.SessionRelease(r.Context(), w)
			reading.SessionRelease(r.Context(), reader)
			if alive(t, m, old) {
				t.Error("the session is back")
			}
			if got := w.Header()["Set-Cookie"]; got != nil {
				t.Errorf("a late writer sends a cookie: %q", got)
			}
			if got := reader.Header()["Set-Cookie"]; got != nil {
				t.Errorf("a late reader sends a cookie: %q", got)
			}
		})
	}
}

func TestReleaseIsSilentWhenThisRequestDestroyed(t *testing.T) {
	var reported error
	m := newManager(t, session.CfgErrorHandler(func(_ http.ResponseWriter, _ *http.Request, err error) { reported = err }))
	c := seed(t, m, nil)
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		defer s.SessionRelease(r.Context(), w)
		set(t, s, "last", "words")
		m.SessionDestroy(w, r)
	})
	if reported != nil {
		t.Errorf("reported: %v", reported)
	}
	if c.cookie != "" || m.GetActiveSession() != 0 {
		t.Error("not destroyed")
	}
}

func TestGetSessionStore(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, map[any]any{"user": "ann"})
	s, err := m.GetSessionStore(c.sid())
	if err != nil {
		t.Fatal(err)
	}
	set(t, s, "seen", true)
	s.SessionRelease(t.Context(), nil)
	if c.value(t, m, "seen") != true {
		t.Error("a change was not stored")
	}
	for _, sid := range []string{"", "x", "../" + c.sid(), strings.ToUpper(c.sid()), c.sid() + "0", strings.Repeat("00", 16), strings.Repeat("a", 1<<16)} {
		if _, err := m.GetSessionStore(sid); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("sid of %d characters: %v", len(sid), err)
		}
	}
	if n := m.GetActiveSession(); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// A sweep period that shortens sessions, since maxLifetime is not set, is said once, when the manager begins.
func TestGclifetimeAsALifetimeIsSaid(t *testing.T) {
	for name, tt := range map[string]struct {
		opts []session.ManagerConfigOpt
		said int
	}{
		"gclifetime alone":      {[]session.ManagerConfigOpt{session.CfgGcLifeTime(2)}, 1},
		"with a sweep interval": {[]session.ManagerConfigOpt{session.CfgGcLifeTime(2), session.CfgSweepInterval(time.Minute)}, 1},
		"both":                  {[]session.ManagerConfigOpt{session.CfgGcLifeTime(2), session.CfgMaxLifeTime(60)}, 0},
		"both alike":            {[]session.ManagerConfigOpt{session.CfgGcLifeTime(60), session.CfgMaxLifeTime(60)}, 0},
		"maxLifetime alone":     {[]session.ManagerConfigOpt{session.CfgMaxLifeTime(2)}, 0},
		"sweep interval alone":  {[]session.ManagerConfigOpt{session.CfgSweepInterval(time.Minute)}, 0},
		"neither":               {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var log reports
			m := newManager(t, append(log.options(), tt.opts...)...)
			m.GC()
			seed(t, m, nil)
			lines, errs := log.taken()
			if got := strings.Count(lines, "level=WARN"); got != tt.said || len(errs) > 0 {
				t.Errorf("said %d times, want %d: %q, %v", got, tt.said, lines, errs)
			}
			if tt.said > 0 && !(strings.Contains(lines, "gclifetime") && strings.Contains(lines, "maxLifetime") && strings.Contains(lines, "2s")) {
				t.Errorf("%q does not say what to do", lines)
			}
		})
	}
}

func TestSweepInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sweeps, m := newSweepLog(t, session.CfgSweepInterval(time.Minute), session.CfgMaxLifeTime(3600))
		m.GC()
		time.Sleep(10*time.Minute + 30*time.Second)
		synctest.Wait()
		if n := len(sweeps.at); n < 10 || n > 13 {
			t.Errorf("%d sweeps in ten minutes and a half", n)
		}
	})
}

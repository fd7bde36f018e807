package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// nodes makes two managers that share sessions.
func (e engine) nodes(t testing.TB, opts ...session.ManagerConfigOpt) (a, b *session.Manager) {
	t.Helper()
	p := e.provider(t)
	opts = append([]session.ManagerConfigOpt{session.CfgCodec(e.codec), session.CfgMaxLifeTime(600)}, opts...)
	return newNode(t, p, opts...), newNode(t, p, opts...)
}

// wantLive asks with a request whose use does not count.
func (c *client) wantLive(t *testing.T, m *session.Manager, want bool) {
	t.Helper()
	if s := start(t, m, httptest.NewRecorder(), c.request()); s.IsNew() == want {
		t.Errorf("at %v: live = %v", time.Now().Format(time.TimeOnly), !want)
	}
}

func setLifetime(t *testing.T, s *session.Session, d time.Duration) {
	t.Helper()
	if err := s.SetLifetime(t.Context(), d); err != nil {
		t.Errorf("SetLifetime: %v", err)
	}
}

func eachEngine(t *testing.T, f func(t *testing.T, e engine)) {
	for _, e := range storing() {
		t.Run(e.name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { f(t, e) }) })
	}
}

func TestSetLifetime(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		m, other := e.nodes(t)
		c := seed(t, m, map[any]any{"a": "1"})
		c.visit(t, m, func(s *session.Session) {
			setLifetime(t, s, 2*time.Hour)
			if got := s.Get(t.Context(), "a"); got != "1" {
				t.Errorf("a = %v", got)
			}
			wantAll(t, s, map[any]any{"a": "1"})
		})
		time.Sleep(2*time.Hour - time.Nanosecond)
		c.wantLive(t, m, true)
		c.visit(t, other, nil) // which moves it
		time.Sleep(2*time.Hour - 2*time.Millisecond)
		c.wantLive(t, m, true)
		c.visit(t, other, func(s *session.Session) {
			if err := s.Regenerate(t.Context()); err != nil {
				t.Error(err)
			}
			set(t, s, "a", "2")
		})
		time.Sleep(2*time.Hour - 2*time.Millisecond)
		c.wantLive(t, other, true)
		c.visit(t, m, func(s *session.Session) { setLifetime(t, s, 0) })
		time.Sleep(10*time.Minute - 2*time.Millisecond)
		c.wantLive(t, other, true)
		time.Sleep(2 * time.Millisecond)
		c.wantLive(t, other, false)
	})
}

func TestSetLifetimeShorter(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		m, other := e.nodes(t)
		c := seed(t, m, map[any]any{"a": "1"})
		c.visit(t, m, func(s *session.Session) { setLifetime(t, s, 20*time.Second) })
		for range 10 { // more often than the manager's touchInterval
			time.Sleep(15 * time.Second)
			c.wantLive(t, m, true)
			c.visit(t, other, nil)
		}
		time.Sleep(20 * time.Second)
		c.wantLive(t, m, false)
		c.wantLive(t, other, false)
	})
}

func TestSetLifetimeOfANewSession(t *testing.T) {
	for _, lazy := range []bool{false, true} {
		eachEngine(t, func(t *testing.T, e engine) {
			m, other := e.nodes(t, session.CfgLazy(lazy))
			for _, d := range []time.Duration{time.Hour, time.Minute} {
				c := new(client)
				c.visit(t, m, func(s *session.Session) { setLifetime(t, s, d) })
				time.Sleep(d - 2*time.Millisecond)
				c.wantLive(t, other, true)
				time.Sleep(2 * time.Millisecond)
				if c.cookie == "" {
					t.Fatal("no session began")
				}
				if s := start(t, other, httptest.NewRecorder(), c.request()); s.SessionID(t.Context()) == c.sid() || !lazy && !s.IsNew() {
					t.Errorf("lives longer than %v", d)
				}
			}
		})
	}
}

func TestFlushTakesTheLifetimeBack(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		m, other := e.nodes(t)
		c := seed(t, m, nil)
		c.visit(t, m, func(s *session.Session) { setLifetime(t, s, time.Hour) })
		c.visit(t, m, func(s *session.Session) {
			if err := s.Clear(t.Context()); err != nil { // which does not
				t.Error(err)
			}
		})
		time.Sleep(30 * time.Minute)
		c.wantLive(t, other, true)
		c.visit(t, m, func(s *session.Session) { flush(t, s) })
		time.Sleep(10 * time.Minute)
		c.wantLive(t, other, false)
	})
}

// Whoever waits for the end of the session learns of it when it is.
func TestDoneAtAnEarlierDeadline(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		m, _ := e.nodes(t)
		for what, change := range map[string]func(s *session.Session, w http.ResponseWriter, r *http.Request, d time.Duration){
			"SetLifetime": func(s *session.Session, _ http.ResponseWriter, _ *http.Request, d time.Duration) {
				setLifetime(t, s, d)
				save(t, s)
			},
			"UpdateExpiration": func(_ *session.Session, w http.ResponseWriter, r *http.Request, d time.Duration) {
				updateExpiration(t, m, w, r, d)
			},
		} {
			for _, d := range []time.Duration{session.PollInterval / 2, 62 * time.Second} { // before the store is looked at, too
				seed(t, m, nil).do(func(w http.ResponseWriter, r *http.Request) {
					s := start(t, m, w, r)
					done := s.Done()
					synctest.Wait() // until the first look at the store is over
					change(s, w, r, d)
					time.Sleep(d - 2*time.Millisecond)
					if ended(done) {
						t.Errorf("%s to %v: done too early", what, d)
					}
					time.Sleep(4 * time.Millisecond)
					if !ended(done) {
						t.Errorf("%s to %v: not done", what, d)
					}
				})
			}
		}
	})
}

// A login keeps the lifetime, and not that of another user.
func TestOwnLifetimeAndLogin(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		m, other := e.nodes(t)
		login := func(user string) func(s *session.Session) {
			return func(s *session.Session) {
				if err := s.Login(t.Context(), user); err != nil {
					t.Errorf("Login: %v", err)
				}
			}
		}
		c := new(client)
		c.visit(t, m, func(s *session.Session) {
			setLifetime(t, s, time.Hour)
			login("ann")(s)
		})
		time.Sleep(59 * time.Minute)
		c.wantLive(t, other, true)
		c.visit(t, other, login("ann"))
		time.Sleep(59 * time.Minute)
		c.wantLive(t, m, true)
		c.visit(t, m, login("bob"))
		time.Sleep(10*time.Minute - 2*time.Millisecond)
		c.wantLive(t, other, true)
		time.Sleep(2 * time.Millisecond)
		c.wantLive(t, other, false)
	})
}

func TestOwnLifetimeAndAbsoluteDeadline(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		m, other := e.nodes(t, session.CfgAbsoluteLifetime(time.Hour))
		c := seed(t, m, nil)
		time.Sleep(5 * time.Minute)
		c.visit(t, m, func(s *session.Session) { setLifetime(t, s, time.Hour) }) // of which 55 minutes are left
		for _, change := range []func(w http.ResponseWriter, r *http.Request) error{
			m.ShiftExpiration,
			func(w http.ResponseWriter, r *http.Request) error { return m.UpdateExpiration(w, r, 24*time.Hour) },
		} {
			c.do(func(w http.ResponseWriter, r *http.Request) {
				if err := change(w, r); err != nil {
					t.Error(err)
				}
			})
		}
		time.Sleep(55*time.Minute - 2*time.Millisecond)
		c.wantLive(t, other, true)
		time.Sleep(2 * time.Millisecond)
		c.wantLive(t, other, false)
	})
}

func TestBadLifetimes(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, nil)
	s := c.open(t, m)
	const century = 100 * 365 * 24 * time.Hour
	for _, d := range []time.Duration{-1, 1, time.Millisecond - 1, -time.Hour, century + 1, 1<<63 - 1} {
		for what, err := range map[string]error{"SetLifetime": s.SetLifetime(t.Context(), d), "RememberMe": s.RememberMe(t.Context(), d)} {
			if err == nil {
				t.Errorf("%s(%v) is accepted", what, d)
			}
		}
	}
	for _, d := range []time.Duration{-1, 0, 1, time.Millisecond - 1, century + 1, 1<<63 - 1} {
		if m.UpdateExpiration(httptest.NewRecorder(), c.request(), d) == nil {
			t.Errorf("UpdateExpiration(%v) is accepted", d)
		}
	}
	for what, err := range map[string]error{
		"ShiftExpiration":  m.ShiftExpiration(httptest.NewRecorder(), new(client).request()),
		"UpdateExpiration": m.UpdateExpiration(httptest.NewRecorder(), new(client).request(), time.Hour),
	} {
		if !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s without a session = %v", what, err)
		}
	}
	if m.ShiftExpiration(nil, nil) == nil || m.UpdateExpiration(nil, nil, time.Hour) == nil {
		t.Error("a nil request is accepted")
	}
}

// A lifetime beyond the absolute one could not be kept: it is refused, by a text that names the limit, and changes nothing.
func TestLifetimesBeyondTheAbsoluteOne(t *testing.T) {
	for _, e := range storing() {
		t.Run(e.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := e.open(t, session.CfgAbsoluteLifetime(12*time.Hour), session.CfgMaxLifeTime(600))
				c := seed(t, m, nil)
				time.Sleep(5 * time.Minute) // less than the limit remains: that is none
				for what, call := range map[string]func(s *session.Session, d time.Duration) error{
					"SetLifetime": func(s *session.Session, d time.Duration) error { return s.SetLifetime(t.Context(), d) },
					"RememberMe":  func(s *session.Session, d time.Duration) error { return s.RememberMe(t.Context(), d) },
				} {
					cookies := c.visit(t, m, func(s *session.Session) {
						err := call(s, 30*24*time.Hour)
						if err == nil || !strings.Contains(err.Error(), "absoluteLifetime") || !strings.Contains(err.Error(), "12h") {
							t.Errorf("%s: %v, want an error that names absoluteLifetime", what, err)
						}
						if err := call(s, 12*time.Hour+time.Millisecond); err == nil {
							t.Errorf("%s: a millisecond beyond the limit is taken", what)
						}
					})
					if len(cookies) > 0 && cookies[0].MaxAge > 0 {
						t.Errorf("%s: refused, and the cookie has Max-Age %d", what, cookies[0].MaxAge)
					}
					c.visit(t, m, func(s *session.Session) {
						if err := call(s, 12*time.Hour); err != nil {
							t.Errorf("%s of the limit itself: %v", what, err)
						}
						if err := call(s, 0); err != nil {
							t.Errorf("%s(0): %v", what, err)
						}
					})
				}
			})
		})
	}
}

func TestThirdPartyLifetimes(t *testing.T) {
	m := newNode(t, newShelf())
	c := seed(t, m, nil)
	s := c.open(t, m)
	for what, err := range map[string]error{
		"SetLifetime": s.SetLifetime(t.Context(), time.Hour), "RememberMe": s.RememberMe(t.Context(), time.Hour),
		"ShiftExpiration":  m.ShiftExpiration(httptest.NewRecorder(), c.request()),
		"UpdateExpiration": m.UpdateExpiration(httptest.NewRecorder(), c.request(), time.Hour),
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s = %v", what, err)
		}
	}
}

// age returns the Max-Age of the one cookie: 0 for a browser session, -1 if there is no cookie.
func age(t *testing.T, cookies []*http.Cookie) int {
	t.Helper()
	switch len(cookies) {
	case 0:
		return -1
	case 1:
		return cookies[0].MaxAge
	}
	t.Errorf("%d cookies", len(cookies))
	return -2
}

func TestRememberMe(t *testing.T) {
	const month = 30 * 24 * time.Hour
	eachEngine(t, func(t *testing.T, e engine) {
		m, other := e.nodes(t)
		wantAge := func(what string, cookies []*http.Cookie, want int) {
			t.Helper()
			if got := age(t, cookies); got != want {
				t.Errorf("%s: Max-Age is %d, want %d", what, got, want)
			}
		}
		remember := func(d time.Duration) func(s *session.Session) {
			return func(s *session.Session) {
				if err := s.RememberMe(t.Context(), d); err != nil {
					t.Errorf("RememberMe: %v", err)
				}
			}
		}
		c := new(client)
		wantAge("a new session", c.visit(t, m, nil), 0)
		wantAge("RememberMe", c.visit(t, m, remember(month)), int(month/time.Second))
		wantAge("a use at once", c.visit(t, other, nil), -1)
		time.Sleep(month - time.Second)
		wantAge("a use later", c.visit(t, other, nil), int(month/time.Second))
		wantAge("Regenerate", c.visit(t, other, func(s *session.Session) {
			if err := s.Regenerate(t.Context()); err != nil {
				t.Error(err)
			}
		}), int(month/time.Second))
		time.Sleep(month - time.Second)
		c.wantLive(t, m, true)
		c.visit(t, m, func(s *session.Session) { setLifetime(t, s, time.Hour) })
		time.Sleep(30 * time.Minute)
		wantAge("a use after SetLifetime", c.visit(t, m, nil), 3600)
		wantAge("RememberMe for ever", c.visit(t, m, remember(3*365*24*time.Hour)), 400*24*60*60)
		wantAge("RememberMe(0)", c.visit(t, m, remember(0)), 0)
		time.Sleep(5 * time.Minute)
		want := -1
		if strings.HasPrefix(e.name, "sealer") { // which seals the deadline
			want = 0
		}
		wantAge("a use after RememberMe(0)", c.visit(t, other, nil), want)
		time.Sleep(10 * time.Minute)
		c.wantLive(t, m, false)
		wantAge("a new session that is remembered", new(client).visit(t, m, remember(month)), int(month/time.Second))
	})
}

// Where cookies have a Max-Age, a session with a lifetime of its own has that.
func TestOwnLifetimeAndCookieLifeTime(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		m, _ := e.nodes(t, session.CfgCookieLifeTime(300))
		c := new(client)
		if got := age(t, c.visit(t, m, nil)); got != 300 {
			t.Errorf("Max-Age = %d", got)
		}
		if got := age(t, c.visit(t, m, func(s *session.Session) { setLifetime(t, s, time.Hour) })); got != 3600 {
			t.Errorf("Max-Age after SetLifetime = %d", got)
		}
		if got := age(t, c.do(func(w http.ResponseWriter, r *http.Request) {
			if err := m.UpdateExpiration(w, r, 2*time.Hour); err != nil {
				t.Error(err)
			}
		}).Cookies()); got != 7200 {
			t.Errorf("Max-Age after UpdateExpiration = %d", got)
		}
		if got := age(t, c.visit(t, m, func(s *session.Session) { setLifetime(t, s, 0) })); got != 300 {
			t.Errorf("Max-Age after SetLifetime(0) = %d", got)
		}
	})
}

func TestRememberMeUnderHandler(t *testing.T) {
	for _, e := range storing() {
		t.Run(e.name, func(t *testing.T) {
			m := e.open(t)
			c, day := new(client), 24*time.Hour
			for range 2 { // of a new session and of an old one
				res := c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					s, err := m.FromContext(r.Context())
					if err == nil {
						err = s.RememberMe(r.Context(), day)
					}
					if err != nil {
						t.Error(err)
					}
					w.WriteHeader(http.StatusNoContent)
					if err := s.RememberMe(r.Context(), day); !errors.Is(err, session.ErrCommitted) {
						t.Errorf("after the headers RememberMe = %v", err)
					}
				})).ServeHTTP)
				if got := age(t, res.Cookies()); got != int(day/time.Second) {
					t.Errorf("Max-Age = %d", got)
				}
			}
		})
	}
	t.Run("outside a request", func(t *testing.T) {
		m := newManager(t)
		store, err := m.GetSessionStore(seed(t, m, nil).sid())
		if err != nil {
			t.Fatal(err)
		}
		if err := store.(*session.Session).RememberMe(t.Context(), time.Hour); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("RememberMe = %v", err)
		}
		setLifetime(t, store.(*session.Session), time.Hour)
	})
	t.Run("the sid is not in a cookie", func(t *testing.T) {
		m := newManager(t, session.CfgEnableSidInURLQuery(true))
		c := &client{target: "/?gosessionid=" + seed(t, m, nil).sid()}
		if got := age(t, c.visit(t, m, func(s *session.Session) {
			if err := s.RememberMe(t.Context(), time.Hour); err != nil {
				t.Error(err)
			}
		})); got != -1 {
			t.Errorf("a cookie with Max-Age %d", got)
		}
	})
	t.Run("an outage", func(t *testing.T) {
		backend := newTap(t)
		m := newNode(t, backend.provider(), session.CfgLogger(quiet))
		backend.down(refused)
		res := new(client).do(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s, err := m.FromContext(r.Context())
			if err == nil {
				err = s.RememberMe(r.Context(), time.Hour)
			}
			if err != nil {
				t.Error(err)
			}
		})).ServeHTTP)
		if res.StatusCode != http.StatusServiceUnavailable || len(res.Cookies()) > 0 {
			t.Errorf("answered %d, Set-Cookie %q", res.StatusCode, res.Header["Set-Cookie"])
		}
	})
	t.Run("the session is gone", func(t *testing.T) {
		m := newManager(t)
		c := seed(t, m, nil)
		w := httptest.NewRecorder()
		m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s := current(t, m, r)
			if err := s.RememberMe(r.Context(), time.Hour); err != nil {
				t.Fatal(err)
			}
			if err := m.Destroy(httptest.NewRecorder(), c.request()); err != nil {
				t.Fatal(err)
			}
			if err := s.Save(r.Context()); !errors.Is(err, session.ErrDestroyed) {
				t.Errorf("Save = %v", err)
			}
		})).ServeHTTP(w, c.request())
		if w.Header()["Set-Cookie"] != nil {
			t.Errorf("Set-Cookie %q", w.Header()["Set-Cookie"])
		}
	})
}

func TestShiftExpiration(t *testing.T) {
	eachEngine(t, func(t *testing.T, e engine) {
		m, other := e.nodes(t, session.CfgTouchInterval(9*time.Minute))
		c := seed(t, m, nil)
		time.Sleep(5 * time.Minute)
		c.do(func(w http.ResponseWriter, r *http.Request) {
			if err := m.ShiftExpiration(w, r); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(10*time.Minute - 2*time.Millisecond)
		c.wantLive(t, other, true)
		time.Sleep(2 * time.Millisecond)
		c.wantLive(t, other, false)
	})
}

// What UpdateExpiration says holds against all that the same request does, in every way to write a request.
func TestUpdateExpiration(t *testing.T) {
	ways := map[string]func(t *testing.T, m *session.Manager, c *client, d time.Duration){
		"alone": func(t *testing.T, m *session.Manager, c *client, d time.Duration) {
			c.do(func(w http.ResponseWriter, r *http.Request) { updateExpiration(t, m, w, r, d) })
		},
		"in front of Start": func(t *testing.T, m *session.Manager, c *client, d time.Duration) {
			c.do(func(w http.ResponseWriter, r *http.Request) {
				updateExpiration(t, m, w, r, d)
				s := start(t, m, w, r)
				set(t, s, "a", "2")
				save(t, s)
			})
		},
		"between Start and release": func(t *testing.T, m *session.Manager, c *client, d time.Duration) {
			c.do(func(w http.ResponseWriter, r *http.Request) {
				s, reads := start(t, m, w, r), start(t, m, w, r)
				updateExpiration(t, m, w, r, d)
				set(t, s, "a", "2")
				save(t, s)
				save(t, reads)
			})
		},
		"under Handler": func(t *testing.T, m *session.Manager, c *client, d time.Duration) {
			c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, err := m.FromContext(r.Context())
				if err != nil {
					t.Fatal(err)
				}
				set(t, s, "before", "1")
				updateExpiration(t, m, w, r, d)
				set(t, s, "a", "2")
			})).ServeHTTP)
		},
	}
	for way, request := range ways {
		t.Run(way, func(t *testing.T) {
			eachEngine(t, func(t *testing.T, e engine) {
				m, other := e.nodes(t)
				for _, d := range []time.Duration{time.Minute, time.Hour} {
					c := seed(t, m, map[any]any{"a": "1"})
					time.Sleep(5 * time.Minute)
					request(t, m, c, d)
					time.Sleep(d - 2*time.Millisecond)
					c.wantLive(t, other, true)
					time.Sleep(2 * time.Millisecond)
					c.wantLive(t, other, false)
				}
				c := seed(t, m, map[any]any{"a": "1"})
				request(t, m, c, time.Minute)
				c.visit(t, other, nil) // a use like any other
				time.Sleep(10*time.Minute - 2*time.Millisecond)
				c.wantLive(t, m, true)
			})
		})
	}
}

func updateExpiration(t *testing.T, m *session.Manager, w http.ResponseWriter, r *http.Request, d time.Duration) {
	t.Helper()
	if err := m.UpdateExpiration(w, r, d); err != nil {
		t.Errorf("UpdateExpiration: %v", err)
	}
}

// Changes that others save meanwhile stay.
func TestUpdateExpirationMerges(t *testing.T) {
	backend := newTap(t)
	m, other := newNode(t, backend.provider()), newNode(t, backend.provider())
	c := seed(t, m, map[any]any{"n": 1})
	tries := 0
	backend.before = func() {
		if tries++; tries == 1 {
			backend.before = nil
			c.visit(t, other, func(s *session.Session) { increment(t, s, "n", 1) })
		}
	}
	c.do(func(w http.ResponseWriter, r *http.Request) { updateExpiration(t, m, w, r, time.Minute) })
	if got := c.value(t, m, "n"); tries != 1 || got != 2 {
		t.Errorf("n = %v after %d tries", got, tries)
	}
	c.do(m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // the Session has not seen what others save
		s := current(t, m, r)
		backend.before = func() {
			backend.before = nil
			c.visit(t, other, func(s *session.Session) { increment(t, s, "n", 1) })
		}
		updateExpiration(t, m, w, r, time.Minute)
		set(t, s, "a", 1)
	})).ServeHTTP)
	if n, a := c.value(t, m, "n"), c.value(t, m, "a"); n != 3 || a != 1 {
		t.Errorf("after a save n = %v, a = %v", n, a)
	}
	if err := m.Destroy(httptest.NewRecorder(), c.request()); err != nil {
		t.Fatal(err)
	}
	if err := m.UpdateExpiration(httptest.NewRecorder(), c.request(), time.Minute); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("UpdateExpiration of a destroyed session = %v", err)
	}
	backend.down(refused)
	if err := m.ShiftExpiration(httptest.NewRecorder(), c.request()); !errors.Is(err, errDown) {
		t.Errorf("ShiftExpiration in an outage = %v", err)
	}
}

// A note of UpdateExpiration does not hide that a Regenerate has failed.
func TestUpdateExpirationAfterAFailedRegenerate(t *testing.T) {
	backend := newTap(t)
	m := newNode(t, backend.provider(), session.CfgLogger(quiet))
	c := seed(t, m, map[any]any{"a": "1"})
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		backend.down(refused)
		if _, err := m.Regenerate(w, r); err == nil {
			t.Fatal("Regenerate works")
		}
		backend.heal()
		updateExpiration(t, m, w, r, time.Minute)
		set(t, s, "user", "ann")
		if err := s.Save(t.Context()); err == nil {
			t.Error("a login is saved under the old sid")
		}
	})
}

package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/memory"
)

// login makes a client whose session is user's.
func login(t testing.TB, m *session.Manager, user string) *client {
	t.Helper()
	c := new(client)
	c.login(t, m, user)
	return c
}

func (c *client) login(t testing.TB, m *session.Manager, user string) {
	t.Helper()
	c.do(func(w http.ResponseWriter, r *http.Request) {
		if err := start(t, m, w, r).Login(r.Context(), user); err != nil {
			t.Fatalf("Login: %v", err)
		}
	})
}

func (c *client) user(t testing.TB, m *session.Manager) string {
	t.Helper()
	return start(t, m, httptest.NewRecorder(), c.request()).User()
}

func TestLoginBeginsBothLifetimesAnew(t *testing.T) {
	for name, open := range bothKinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newNode(t, open(t), session.CfgMaxLifeTime(600), session.CfgAbsoluteLifetime(15*time.Minute))
				c := seed(t, m, map[any]any{"cart": "book"})
				time.Sleep(9 * time.Minute)
				c.login(t, m, "ann")
				time.Sleep(9 * time.Minute)
				c.visit(t, m, func(s *session.Session) {
					if s.User() != "ann" || s.Get(t.Context(), "cart") != "book" || time.Since(s.AuthTime()) != 9*time.Minute {
						t.Errorf("user %q, cart %v, logged in %v ago", s.User(), s.Get(t.Context(), "cart"), time.Since(s.AuthTime()))
					}
				})
				time.Sleep(6*time.Minute - time.Nanosecond)
				if !alive(t, m, c.sid()) {
					t.Error("the session ended before its absolute deadline, counted from the login")
				}
				time.Sleep(time.Nanosecond)
				if alive(t, m, c.sid()) {
					t.Error("the session outlives its absolute deadline")
				}
			})
		})
	}
}

func TestRequireFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t)
		fresh := func(c *client, want bool) {
			t.Helper()
			c.visit(t, m, func(s *session.Session) {
				if err := s.RequireFresh(5 * time.Minute); (err == nil) != want || err != nil && !errors.Is(err, session.ErrNotFresh) {
					t.Errorf("RequireFresh = %v, want fresh %t", err, want)
				}
			})
		}
		fresh(seed(t, m, map[any]any{"a": 1}), false)
		c := login(t, m, "ann")
		time.Sleep(5*time.Minute - time.Nanosecond)
		fresh(c, true)
		time.Sleep(time.Nanosecond)
		fresh(c, false)
		c.login(t, m, "ann") // the password once more
		fresh(c, true)
	})
}

func TestLoginOfAnotherUserDropsTheValues(t *testing.T) {
	for name, m := range managers(t) {
		t.Run(name, func(t *testing.T) {
			c := new(client)
			c.do(func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				set(t, s, "secret", "ann's")
				if err := s.Login(r.Context(), "ann"); err != nil {
					t.Fatal(err)
				}
			})
			c.do(func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				if s.User() != "ann" || s.Get(r.Context(), "secret") != "ann's" {
					t.Errorf("user %q, %v", s.User(), s.Get(r.Context(), "secret"))
				}
				set(t, s, "more", "ann's")
				if err := s.Login(r.Context(), "eve"); err != nil {
					t.Fatal(err)
				}
				set(t, s, "own", "eve's")
				save(t, s)
			})
			s := start(t, m, httptest.NewRecorder(), c.request())
			for key, want := range map[string]any{"secret": nil, "more": nil, "own": "eve's"} {
				if got := s.Get(t.Context(), key); got != want {
					t.Errorf("%s = %v, want %v", key, got, want)
				}
			}
			if s.User() != "eve" {
				t.Errorf("user = %q", s.User())
			}
		})
	}
}

// managers are one on a backend and one on a sealer.
func managers(t *testing.T) map[string]*session.Manager {
	return map[string]*session.Manager{
		"backend":   newManager(t),
		"encrypted": newManager(t, session.CfgEncryptionKeys(newKey)),
		"lazy":      newManager(t, session.CfgLazy(true)),
		"sealer": newNode(t, session.NewClientProvider(func(context.Context, driver.Config) (driver.Sealer, error) {
			return newSealer(), nil
		})),
	}
}

func TestLoginUnderHandler(t *testing.T) {
	for name, m := range managers(t) {
		t.Run(name, func(t *testing.T) {
			h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s, err := m.FromContext(r.Context())
				if err != nil {
					t.Fatal(err)
				}
				switch r.URL.Path {
				case "/login":
					if err := s.Login(r.Context(), "ann"); err != nil {
						t.Errorf("Login: %v", err)
					}
					set(t, s, "role", "admin")
				case "/logout":
					if err := s.Logout(r.Context(), "cookies", "storage"); err != nil {
						t.Errorf("Logout: %v", err)
					}
				}
				w.Write([]byte(s.User()))
			}))
			c := new(client)
			get := func(path string) *http.Response {
				c.target = path
				return c.do(h.ServeHTTP)
			}
			get("/login")
			if got := c.user(t, m); got != "ann" {
				t.Errorf("after the login the user is %q", got)
			}
			kept := *c
			res := get("/logout")
			if got := res.Header.Get("Clear-Site-Data"); got != `"cookies", "storage"` {
				t.Errorf("Clear-Site-Data: %q", got)
			}
			if c.cookie != "" {
				t.Error("the cookie is still there")
			}
			if name != "sealer" && kept.user(t, m) != "" {
				t.Error("the session is still there")
			}
		})
	}
}

func TestLogout(t *testing.T) {
	for name, m := range managers(t) {
		t.Run(name, func(t *testing.T) {
			c := login(t, m, "ann")
			kept := *c
			res := c.do(func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				set(t, s, "late", true)
				if err := s.Logout(r.Context(), "cookies; evil"); err == nil {
					t.Error("no error for a directive that is none")
				}
				if err := s.Logout(r.Context()); err != nil {
					t.Errorf("Logout: %v", err)
				}
				if err := s.Logout(r.Context()); err != nil {
					t.Errorf("Logout again: %v", err)
				}
				if err := s.Set(r.Context(), "later", true); !errors.Is(err, session.ErrDestroyed) {
					t.Errorf("Set after Logout: %v", err)
				}
				if err := s.Save(r.Context()); err != nil {
					t.Errorf("Save after Logout: %v", err)
				}
			})
			if c.cookie != "" || res.Header.Get("Clear-Site-Data") != "" {
				t.Errorf("cookie %q, Clear-Site-Data %q", c.cookie, res.Header.Get("Clear-Site-Data"))
			}
			if name != "sealer" && kept.user(t, m) != "" {
				t.Error("the session is still there")
			}
		})
	}
}

// The Session of a logout is not the one that begins after it.
func TestLogoutTwiceUnderHandler(t *testing.T) {
	for name, m := range managers(t) {
		t.Run(name, func(t *testing.T) {
			c := login(t, m, "ann")
			c.do(m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s, err := m.FromContext(r.Context())
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Logout(r.Context()); err != nil {
					t.Errorf("Logout: %v", err)
				}
				next, err := m.FromContext(r.Context())
				if err != nil {
					t.Fatal(err)
				}
				set(t, next, "flash", "goodbye")
				if err := s.Logout(r.Context()); err != nil {
					t.Errorf("Logout again: %v", err)
				}
			})).ServeHTTP)
			c.visit(t, m, func(s *session.Session) {
				if got := s.Get(t.Context(), "flash"); got != "goodbye" {
					t.Errorf("the next session's value is %v", got)
				}
			})
		})
	}
}

func TestLogoutOutsideARequest(t *testing.T) {
	m := newManager(t)
	c := login(t, m, "ann")
	store, err := m.GetSessionStore(c.sid())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.(*session.Session).Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if alive(t, m, c.sid()) {
		t.Error("the session is still there")
	}
}

func TestLoginRefused(t *testing.T) {
	m := newManager(t, session.CfgMaxPerUser(1), session.CfgOnLimit("refuse"))
	first := login(t, m, "ann")
	c := seed(t, m, map[any]any{"cart": "book"})
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		for _, user := range []string{"ann", "", strings.Repeat("x", 256)} {
			sid := s.SessionID(r.Context())
			err := s.Login(r.Context(), user)
			if err == nil || user == "ann" && !errors.Is(err, session.ErrTooManySessions) {
				t.Errorf("Login(%.3q) = %v", user, err)
			}
			if s.User() != "" || s.SessionID(r.Context()) != sid {
				t.Error("the session has changed")
			}
		}
		set(t, s, "more", 1) // the session goes on as nobody's
		save(t, s)
	})
	if c.value(t, m, "cart") != "book" || c.value(t, m, "more") != 1 || first.user(t, m) != "ann" {
		t.Error("a session is not as it was")
	}
	first.login(t, m, "ann") // it takes its own place
	if first.user(t, m) != "ann" {
		t.Error("a second login of one session was refused")
	}
	first.do(func(w http.ResponseWriter, r *http.Request) {
		if err := start(t, m, w, r).Logout(r.Context()); err != nil {
			t.Fatal(err)
		}
	})
	c.login(t, m, "ann")
}

func TestLoginEvicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var events []session.Event
		m := newManager(t, session.CfgMaxPerUser(2), session.CfgOnDestroy(func(_ context.Context, e session.Event) {
			events = append(events, e)
		}))
		var clients []*client
		var ids []string
		for range 3 {
			c := login(t, m, "ann")
			clients = append(clients, c)
			ids = append(ids, start(t, m, httptest.NewRecorder(), c.request()).ID())
			time.Sleep(time.Minute)
			clients[0].visit(t, m, nil) // being used does not help
		}
		if clients[0].user(t, m) != "" || clients[1].user(t, m) != "ann" || clients[2].user(t, m) != "ann" {
			t.Error("another session than that of the first login has ended")
		}
		want := []session.Event{{ID: ids[0], User: "ann", Reason: session.ReasonLimit}}
		if !slices.Equal(events, want) {
			t.Errorf("events %v, want %v", events, want)
		}
		if got := m.Stats().Limited; got != 1 {
			t.Errorf("Limited = %d", got)
		}
	})
}

func TestEncryptedUsers(t *testing.T) {
	b, node := sharedMemory(t)
	m := newNode(t, node(), session.CfgEncryptionKeys(oldKey), session.CfgNamespace("app"))
	before := login(t, m, "ann@example.org")
	rotated := newNode(t, node(), session.CfgEncryptionKeys(newKey, oldKey), session.CfgNamespace("app"))
	after := login(t, rotated, "ann@example.org")
	for entry, err := range b.(driver.Lister).List(t.Context()) {
		if err != nil || entry.User == "" || strings.Contains(entry.User, "ann") {
			t.Errorf("the store has the user %q, %v", entry.User, err)
		}
	}
	infos, err := rotated.SessionsOf(t.Context(), "ann@example.org")
	if err != nil || len(infos) != 2 || infos[0].User != "ann@example.org" || infos[1].User != "ann@example.org" {
		t.Errorf("SessionsOf = %v, %v, want two", infos, err)
	}
	if before.user(t, rotated) != "ann@example.org" || after.user(t, rotated) != "ann@example.org" {
		t.Error("the user is another")
	}
	if n, err := rotated.DestroyUser(t.Context(), "ann@example.org"); n != 2 || err != nil {
		t.Errorf("DestroyUser = %d, %v", n, err)
	}
}

func TestLimitNeedsAProviderThatCan(t *testing.T) {
	f := newFaulty(t) // has no optional interface
	_, err := session.New(f.provider(), session.NewManagerConfig(session.CfgMaxPerUser(3)))
	wrong, ok := errors.AsType[*session.ConfigError](err)
	if !ok || wrong.Field != "maxPerUser" || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("New = %v", err)
	}
	m := newNode(t, f.provider())
	for name, err := range map[string]error{
		"SessionsOf":  second(m.SessionsOf(t.Context(), "ann")),
		"DestroyUser": second(m.DestroyUser(t.Context(), "ann")),
		"Count":       second(m.Count(t.Context())),
		"DestroyAll":  m.DestroyAll(t.Context()),
		"List":        listError(m),
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func listError(m *session.Manager) (err error) {
	for _, e := range m.List(context.Background()) {
		err = e
	}
	return err
}

func TestUserHasSeveralLogins(t *testing.T) {
	m := newNode(t, memory.New())
	if _, err := m.SessionsOf(t.Context(), ""); err == nil {
		t.Error("SessionsOf nobody is no error")
	}
	if infos, err := m.SessionsOf(t.Context(), "ann"); len(infos) != 0 || err != nil {
		t.Errorf("SessionsOf = %v, %v", infos, err)
	}
}

// TestAnotherUserGetsNothingOfAConflict has the session saved between the load and the login of another user.
func TestAnotherUserGetsNothingOfAConflict(t *testing.T) {
	m := newNode(t, newFaulty(t).provider())
	b := login(t, m, "ann")
	b.visit(t, m, func(s *session.Session) { set(t, s, "letter", "ann's") })
	w, r := httptest.NewRecorder(), b.request()
	s := start(t, m, w, r)
	b.visit(t, newNode(t, m.GetProvider()), func(s *session.Session) { set(t, s, "letter", "ann's second") })
	if err := s.Login(r.Context(), "bob"); err != nil {
		t.Fatal(err)
	}
	b.take(w.Result())
	if got := b.value(t, m, "letter"); got != nil || b.user(t, m) != "bob" {
		t.Errorf("%s has ann's letter: %v", b.user(t, m), got)
	}
}

// TestLoginTwiceWithOneSession has a form sent twice: the login that comes too late ends no session to make room.
func TestLoginTwiceWithOneSession(t *testing.T) {
	for name, p := range stores(t) {
		t.Run(name, func(t *testing.T) {
			m := newNode(t, p, session.CfgMaxPerUser(2))
			other := login(t, m, "ann")
			c := seed(t, m, map[any]any{"cart": "book"})
			var wg sync.WaitGroup
			var sessions [2]*session.Session
			for i := range sessions {
				sessions[i] = start(t, m, httptest.NewRecorder(), c.request())
			}
			errs := make([]error, len(sessions))
			for i, s := range sessions {
				wg.Go(func() { errs[i] = s.Login(t.Context(), "ann") })
			}
			wg.Wait()
			if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), session.ErrDestroyed) {
				t.Errorf("Login = %v", errs)
			}
			if infos, err := m.SessionsOf(t.Context(), "ann"); len(infos) != 2 || err != nil {
				t.Errorf("%d sessions, %v", len(infos), err)
			}
			if other.user(t, m) != "ann" {
				t.Error("a session has ended without need")
			}
		})
	}
}

// TestLoginOfAnEndedSession ends no other session to make room, and holds no place.
func TestLoginOfAnEndedSession(t *testing.T) {
	m := newManager(t, session.CfgMaxPerUser(1))
	other := login(t, m, "ann")
	c := seed(t, m, nil)
	s := start(t, m, httptest.NewRecorder(), c.request())
	if err := m.DestroyByID(t.Context(), c.sid()); err != nil {
		t.Fatal(err)
	}
	if err := s.Login(t.Context(), "ann"); !errors.Is(err, session.ErrDestroyed) {
		t.Errorf("Login = %v", err)
	}
	if other.user(t, m) != "ann" {
		t.Error("another session has ended")
	}
	if err := m.DestroyByID(t.Context(), other.sid()); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if login(t, m, "ann"); time.Since(begin) > 3*time.Second {
		t.Error("the place was held")
	}
}

// TestLoginAfterAnotherRegenerate has a Session of a request log in whose sid another Session of the request has changed:
// not the other's sid is the user's, but one more.
func TestLoginAfterAnotherRegenerate(t *testing.T) {
	for name, p := range stores(t) {
		t.Run(name, func(t *testing.T) {
			m := newNode(t, p, session.CfgMaxPerUser(1))
			c := seed(t, m, map[any]any{"cart": "book"})
			var between string
			c.do(func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				set(t, s, "seen", 1)
				other, err := m.Regenerate(w, r)
				if err != nil {
					t.Fatal(err)
				}
				between = other.SessionID(r.Context())
				if err := s.Login(r.Context(), "ann"); err != nil || s.User() != "ann" {
					t.Fatalf("Login = %v, and the user is %q", err, s.User())
				}
			})
			if c.sid() == between || alive(t, m, between) {
				t.Error("the sid from before the login is alive")
			}
			if c.user(t, m) != "ann" || c.value(t, m, "cart") != "book" || c.value(t, m, "seen") != 1 {
				t.Error("a value or the login is lost")
			}
		})
	}
}

// unlimited cannot be asked for room.
type unlimited struct{ optionals }

func (unlimited) Reserve(context.Context, string, string, time.Time, int, bool) ([]string, error) {
	return nil, errDown
}

// TestLoginWithoutAnAnswerToTheLimit stores nothing of the login under the old sid.
func TestLoginWithoutAnAnswerToTheLimit(t *testing.T) {
	b, _ := sharedMemory(t)
	m := newNode(t, session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
		return unlimited{b.(optionals)}, nil
	}), session.CfgMaxPerUser(1))
	c := seed(t, m, map[any]any{"cart": "book"})
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		set(t, s, "role", "admin")
		if err := s.Login(r.Context(), "ann"); !errors.Is(err, errDown) {
			t.Errorf("Login = %v", err)
		}
		if s.Save(r.Context()) == nil {
			t.Error("Save after a failed Login")
		}
	})
	if c.value(t, m, "cart") != "book" || c.value(t, m, "role") != nil {
		t.Error("the old sid has got the changes")
	}
}

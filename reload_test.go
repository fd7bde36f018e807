package session_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

func reload(t testing.TB, s *session.Session) {
	t.Helper()
	if err := s.Reload(t.Context()); err != nil {
		t.Fatalf("Reload: %v", err)
	}
}

// Reload shows what others have stored meanwhile. What this request has changed stays changed, and composes with it.
func TestReload(t *testing.T) {
	for _, codec := range []string{"compact", "gob", "json"} {
		m := newManager(t, session.CfgCodec(codec))
		c := seed(t, m, map[any]any{"theirs": "old", "mine": "old", "gone": "old", "n": int64(1)})
		s := c.open(t, m)
		set(t, s, "mine", "mine")
		increment(t, s, "n", 1)
		c.visit(t, m, func(s *session.Session) {
			set(t, s, "theirs", "new")
			set(t, s, "mine", "theirs")
			set(t, s, "more", "new")
			remove(t, s, "gone")
			increment(t, s, "n", 10)
		})
		if got := s.Get(t.Context(), "theirs"); got != "old" {
			t.Errorf("before Reload: %v", got)
		}
		reload(t, s)
		for key, want := range map[string]any{"theirs": "new", "mine": "mine", "more": "new", "gone": nil} {
			if got := s.Get(t.Context(), key); got != want {
				t.Errorf("%s: %s = %v, want %v", codec, key, got, want)
			}
		}
		if n, err := s.GetInt(t.Context(), "n"); n != 12 || err != nil {
			t.Errorf("%s: n = %d, %v", codec, n, err)
		}
		if got := c.value(t, m, "mine"); got != "theirs" {
			t.Errorf("%s: Reload has stored a change: %v", codec, got)
		}
		save(t, s)
		if n, err := c.open(t, m).GetInt(t.Context(), "n"); n != 12 || err != nil {
			t.Errorf("%s: saved n = %d, %v", codec, n, err)
		}
	}
}

// A stream sees a change that another request makes, although its response headers are sent.
func TestReloadInAStream(t *testing.T) {
	m := newManager(t)
	c := seed(t, m, map[any]any{"n": int64(0)})
	h := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := m.FromContext(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := io.WriteString(w, "begun"); err != nil {
			t.Error(err)
		}
		c.visit(t, m, func(s *session.Session) { increment(t, s, "n", 1) })
		reload(t, s)
		if n, err := s.GetInt(r.Context(), "n"); n != 1 || err != nil {
			t.Errorf("n = %d, %v", n, err)
		}
		if err := m.DestroyByID(r.Context(), s.ID()); err != nil {
			t.Error(err)
		}
		if err := s.Reload(r.Context()); !errors.Is(err, session.ErrDestroyed) {
			t.Errorf("Reload after the end: %v", err)
		}
		if err := s.Set(r.Context(), "n", 2); !errors.Is(err, session.ErrDestroyed) {
			t.Errorf("Set after the end: %v", err)
		}
	}))
	h.ServeHTTP(httptest.NewRecorder(), c.request())
}

// What has ended is ErrDestroyed: by a logout elsewhere, by another's login, by its deadline, by this request.
func TestReloadOfWhatHasEnded(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, m *session.Manager, c *client, s *session.Session)
	}{
		{"logout", func(t *testing.T, m *session.Manager, c *client, _ *session.Session) {
			c.do(func(w http.ResponseWriter, r *http.Request) {
				if err := m.Destroy(w, r); err != nil {
					t.Error(err)
				}
			})
		}},
		{"login", func(t *testing.T, m *session.Manager, c *client, _ *session.Session) {
			c.visit(t, m, func(s *session.Session) {
				if err := s.Login(t.Context(), "ann"); err != nil {
					t.Error(err)
				}
			})
		}},
		{"deadline", func(*testing.T, *session.Manager, *client, *session.Session) { time.Sleep(2 * time.Hour) }},
		{"its own logout", func(t *testing.T, _ *session.Manager, _ *client, s *session.Session) {
			if err := s.Logout(t.Context()); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newManager(t)
				c := seed(t, m, map[any]any{"k": "v"})
				s := c.open(t, m)
				tt.end(t, m, c, s)
				if err := s.Reload(t.Context()); !errors.Is(err, session.ErrDestroyed) {
					t.Errorf("Reload = %v", err)
				}
			})
		})
	}
}

// A Session follows the one of its request that has got a new sid, and brings its changes along, unsaved.
func TestReloadFollows(t *testing.T) {
	for _, e := range storing() {
		t.Run(e.name, func(t *testing.T) {
			m := e.open(t)
			seed(t, m, map[any]any{"k": "old"}).do(func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				again, err := m.Regenerate(w, r)
				if err != nil {
					t.Fatal(err)
				}
				set(t, again, "k", "new")
				save(t, again)
				reload(t, s)
				if got := s.Get(t.Context(), "k"); got != "new" || s.ID() != again.ID() {
					t.Errorf("k = %v, of the same session = %v", got, s.ID() == again.ID())
				}
				if err := m.Destroy(w, r); err != nil {
					t.Error(err)
				}
				if err := s.Reload(t.Context()); !errors.Is(err, session.ErrDestroyed) {
					t.Errorf("Reload after Destroy = %v", err)
				}
			})
		})
	}
}

// Where nothing is stored there is nothing to load, and nothing begins.
func TestReloadOfNothing(t *testing.T) {
	for _, e := range storing() {
		m := e.open(t, session.CfgLazy(true))
		w := httptest.NewRecorder()
		s := start(t, m, w, new(client).request())
		reload(t, s)
		if !s.IsNew() || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: a session began", e.name)
		}
	}
}

// The store's error changes nothing, and neither does that of an update which runs again.
func TestReloadFails(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, map[any]any{"k": "old"})
	s := c.open(t, m)
	set(t, s, "mine", 1)
	f.down(refused)
	if err := s.Reload(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("Reload = %v", err)
	}
	f.heal()
	no := errors.New("no")
	err := s.Update(t.Context(), "k", func(old any) (any, error) {
		if old != "old" {
			return nil, no
		}
		return "updated", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.visit(t, m, func(s *session.Session) { set(t, s, "k", "new") })
	if err := s.Reload(t.Context()); !errors.Is(err, no) {
		t.Errorf("Reload = %v", err)
	}
	if got := s.Get(t.Context(), "k"); got != "updated" || s.Get(t.Context(), "mine") != 1 {
		t.Errorf("a Reload that failed has changed what the request sees: %v", got)
	}
}

// After a Save whose answer was lost the next Save finds out whether it was stored. A Reload in between would take its own change
// for somebody else's.
func TestReloadAfterALostAnswer(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, map[any]any{"k": "v"})
	s := c.open(t, m)
	increment(t, s, "n", 1)
	f.plan(1, unsaid)
	if err := s.Save(t.Context()); !errors.Is(err, errDown) {
		t.Fatalf("Save = %v", err)
	}
	f.heal()
	if err := s.Reload(t.Context()); err == nil {
		t.Error("Reload succeeded")
	}
	save(t, s)
	reload(t, s)
	if n, err := s.GetInt(t.Context(), "n"); n != 1 || err != nil {
		t.Errorf("n = %d, %v", n, err)
	}
}

func TestReloadOfAThirdParty(t *testing.T) {
	m := newNode(t, newShelf())
	s := seed(t, m, map[any]any{"k": "v"}).open(t, m)
	if err := s.Reload(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Reload = %v", err)
	}
}

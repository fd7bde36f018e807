package session_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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
		for _, e := range storing() {
			if strings.HasPrefix(e.name, "sealer") && (tt.name == "logout" || tt.name == "login") {
				continue // what is in a cookie nobody else can end
			}
			t.Run(tt.name+"/"+e.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := e.open(t)
					c := seed(t, m, map[any]any{"k": "v"})
					s := c.open(t, m)
					tt.end(t, m, c, s)
					if err := s.Reload(t.Context()); !errors.Is(err, session.ErrDestroyed) {
						t.Errorf("Reload = %v", err)
					}
					if got := s.Expires(); !got.IsZero() {
						t.Errorf("it expires at %v", got)
					}
				})
			})
		}
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

// A Set whose answer was lost is not made again by a Save after a Reload: it may have been made, and others may have saved since.
func TestReloadAfterALostSet(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	s := seed(t, m, map[any]any{"k": "v"}).open(t, m)
	set(t, s, "k", "mine")
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
}

// What Reload has loaded is used by the request's Save: it moves the deadline if that is due by then.
func TestReloadBeforeTheDeadlineIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, session.CfgMaxLifeTime(3600), session.CfgTouchInterval(10*time.Minute))
		s := seed(t, m, nil).open(t, m)
		time.Sleep(30 * time.Minute)
		ends := s.Expires()
		if reload(t, s); !s.Expires().Equal(ends) {
			t.Error("Reload has moved the deadline")
		}
		if save(t, s); !s.Expires().Equal(ends.Add(30 * time.Minute)) {
			t.Errorf("Save has moved the deadline by %v", s.Expires().Sub(ends))
		}
	})
}

func TestReloadAfterClose(t *testing.T) {
	for _, e := range storing() {
		m := e.open(t)
		s := seed(t, m, map[any]any{"k": "v"}).open(t, m)
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Reload(t.Context()); !errors.Is(err, session.ErrClosed) || s.Get(t.Context(), "k") != "v" {
			t.Errorf("%s: Reload = %v, k = %v", e.name, err, s.Get(t.Context(), "k"))
		}
	}
}

func TestReloadOfAThirdParty(t *testing.T) {
	m := newNode(t, newShelf())
	s := seed(t, m, map[any]any{"k": "v"}).open(t, m)
	if err := s.Reload(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Reload = %v", err)
	}
}

// Updates of one key run again one after the other, each on a value of its own: what an update has returned is the application's.
func TestUpdatesThatRunAgainShareNothing(t *testing.T) {
	for _, codec := range []string{"compact", "gob", "json"} {
		m := newManager(t, session.CfgCodec(codec))
		c := seed(t, m, map[any]any{"k": []string{"old"}})
		s := c.open(t, m)
		mine := make([]string, 1, 2)
		mine[0] = "mine"
		for _, fn := range []func(old []string) ([]string, error){
			func([]string) ([]string, error) { return mine, nil },
			func(old []string) ([]string, error) {
				old[0] += "+"
				return old, nil
			},
		} {
			if err := session.Update(t.Context(), s, "k", fn); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			reload(t, s)
			c.visit(t, m, func(s *session.Session) { set(t, s, "k", []string{"theirs"}) })
		}
		save(t, s)
		got, err := session.Get[[]string](t.Context(), c.open(t, m), "k")
		if err != nil || len(got) != 1 || got[0] != "mine+" || mine[0] != "mine" {
			t.Errorf("%s: %v, %v; what the first has returned is %v", codec, got, err, mine)
		}
	}
}

// A cookie that this request has sent is noted by its Save, with a Reload in between too: the next request does not send it again.
func TestReloadKeepsWhatIsToBeNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, session.CfgMaxLifeTime(36000), session.CfgTouchInterval(9*time.Minute), session.CfgCookieLifeTime(600))
		c := seed(t, m, map[any]any{"k": 1})
		time.Sleep(time.Minute)
		for i, want := range []int{1, 0} {
			if got := c.visit(t, m, func(s *session.Session) { reload(t, s) }); len(got) != want {
				t.Errorf("request %d is answered %v", i, got)
			}
		}
	})
}

// A reload sends nothing: it works when the headers are sent.
func TestReloadAfterTheHeaders(t *testing.T) {
	for _, e := range storing() {
		m := e.open(t)
		x := &committing{foreign: newForeign(seed(t, m, map[any]any{"k": "old"}).cookie)}
		s, err := m.StartExchange(x)
		if err != nil {
			t.Fatal(err)
		}
		again, err := m.StartExchange(x)
		if err != nil {
			t.Fatal(err)
		}
		set(t, again, "k", "new")
		save(t, again)
		x.sent = true
		reload(t, s)
		if got := s.Get(t.Context(), "k"); got != "new" {
			t.Errorf("%s: k = %v", e.name, got)
		}
	}
}

// committing is an Exchange that knows whether its headers are sent.
type committing struct {
	*foreign
	sent bool
}

func (x *committing) Committed() bool { return x.sent }

// Goroutines of one request may share a Session, and an operator may use it meanwhile.
func TestReloadAmongGoroutines(t *testing.T) {
	for _, e := range storing() {
		t.Run(e.name, func(t *testing.T) {
			const each = 10
			m := e.open(t)
			c := seed(t, m, map[any]any{"n": int64(0)})
			m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				var all sync.WaitGroup
				for _, f := range []func(){
					func() { reload(t, s) },
					func() { increment(t, s, "n", 1) },
					func() { save(t, s) },
					func() { _ = s.Set(t.Context(), "refused", func() {}) },
					func() { s.SessionRelease(t.Context(), w) },
					func() { _, _, _ = s.Expires(), s.Deadline(), s.String() },
					func() {
						if other, err := m.SessionByID(t.Context(), s.ID()); err == nil {
							increment(t, other, "n", 1)
							reload(t, other)
							save(t, other)
						} else if !errors.Is(err, errors.ErrUnsupported) {
							t.Error(err)
						} else {
							increment(t, s, "n", 1)
						}
					},
				} {
					all.Go(func() {
						for range each {
							f()
						}
					})
				}
				all.Wait()
				save(t, s)
				reload(t, s)
				if n, err := s.GetInt(t.Context(), "n"); n != 2*each || err != nil {
					t.Errorf("n = %d, %v", n, err)
				}
			})).ServeHTTP(httptest.NewRecorder(), c.request())
		})
	}
}

package session_test

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/memory"
)

// stores are a backend that is given bare sids, and one that is given hashes.
func stores(t *testing.T) map[string]session.Provider {
	b, _ := sharedMemory(t)
	hashed := session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
		return notInProcess{b.(optionals)}, nil
	})
	return map[string]session.Provider{"memory": memory.New(), "hashed": hashed}
}

func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, session.CfgMaxLifeTime(600), session.CfgTouchInterval(time.Minute))
		begun := time.Now()
		anonymous, ann := seed(t, m, nil), login(t, m, "ann")
		seed(t, m, nil) // expires
		time.Sleep(5 * time.Minute)
		anonymous.visit(t, m, nil)
		time.Sleep(30 * time.Second)
		ann.visit(t, m, nil)
		time.Sleep(5 * time.Minute)
		got := make(map[string]session.Info)
		for info, err := range m.List(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got[info.User] = info
		}
		if n, err := m.Count(t.Context()); len(got) != 2 || n != 2 || err != nil {
			t.Fatalf("%d listed, Count %d, %v; want 2", len(got), n, err)
		}
		for user, seen := range map[string]time.Duration{"": 5 * time.Minute, "ann": 5*time.Minute + 30*time.Second} {
			info := got[user]
			if !info.Created.Equal(begun) || !info.LastSeen.Equal(begun.Add(seen)) || !info.Expires.Equal(info.LastSeen.Add(10*time.Minute)) {
				t.Errorf("%q: created %v, seen %v, expires %v after", user,
					info.Created.Sub(begun), info.LastSeen.Sub(begun), info.Expires.Sub(begun))
			}
		}
		if id := start(t, m, httptest.NewRecorder(), ann.request()).ID(); got["ann"].ID != id {
			t.Errorf("ID = %q, want %q", got["ann"].ID, id)
		}
	})
}

func TestDestroyByID(t *testing.T) {
	for made, opts := range map[string][]session.ManagerConfigOpt{
		"usual sids":     nil,
		"generated sids": {session.CfgSessionIDGenerator(func(session.Exchange) (string, error) { return rand.Text(), nil })}, // a public id could be one
	} {
		for name, p := range stores(t) {
			t.Run(name+"/"+made, func(t *testing.T) {
				m := newNode(t, p, opts...)
				other := login(t, m, "ann")
				for _, by := range []string{"sid", "public id"} {
					c := login(t, m, "ann")
					id := start(t, m, httptest.NewRecorder(), c.request()).ID()
					if by == "sid" {
						id = c.sid()
					}
					if err := m.DestroyByID(t.Context(), id); err != nil {
						t.Errorf("by %s: %v", by, err)
					}
					if alive(t, m, c.sid()) || !alive(t, m, other.sid()) {
						t.Errorf("by %s: the wrong session has ended", by)
					}
					if err := m.DestroyByID(t.Context(), id); err != nil { // it has ended, as was asked
						t.Errorf("by %s, again: %v", by, err)
					}
				}
				for _, id := range []string{"", "x", "../../etc/passwd", other.sid() + " ", "*"} {
					if err := m.DestroyByID(t.Context(), id); !errors.Is(err, session.ErrNotFound) {
						t.Errorf("DestroyByID(%q) = %v", id, err)
					}
				}
			})
		}
	}
}

func TestDestroyAll(t *testing.T) {
	p := memory.New()
	m := newNode(t, p)
	a, b := seed(t, m, nil), login(t, m, "ann")
	if err := m.DestroyAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if alive(t, m, a.sid()) || alive(t, m, b.sid()) {
		t.Error("a session is still there")
	}
}

func TestAdminAfterClose(t *testing.T) {
	m, err := session.New(memory.New(), session.NewManagerConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"SessionsOf":  second(m.SessionsOf(t.Context(), "ann")),
		"DestroyUser": second(m.DestroyUser(t.Context(), "ann")),
		"Count":       second(m.Count(t.Context())),
		"DestroyAll":  m.DestroyAll(t.Context()),
		"DestroyByID": m.DestroyByID(t.Context(), "x"),
		"SessionByID": second(m.SessionByID(t.Context(), "x")),
		"DestroyOf":   m.DestroyOf(t.Context(), "ann", "x"),
		"List":        listError(m),
	} {
		if !errors.Is(err, session.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDestroyUserWhileItRegenerates lets a session change its sid again and again.
func TestDestroyUserWhileItRegenerates(t *testing.T) {
	for name, p := range stores(t) {
		t.Run(name, func(t *testing.T) {
			m := newNode(t, p)
			for range 200 {
				c := login(t, m, "ann")
				done, ended := make(chan struct{}), make(chan struct{})
				var over atomic.Bool
				go func() {
					defer close(done)
					for i := 0; !over.Load(); i++ {
						w := httptest.NewRecorder()
						s, err := m.Start(w, c.request())
						if err != nil || s.IsNew() || s.Regenerate(t.Context()) != nil {
							return
						}
						c.take(w.Result())
						if i == 0 {
							close(ended) // it is under way
						}
					}
				}()
				<-ended
				_, err := m.DestroyUser(t.Context(), "ann")
				over.Store(true)
				if err != nil {
					t.Fatal(err)
				}
				<-done
				if c.user(t, m) != "" {
					t.Fatal("the session has escaped")
				}
			}
		})
	}
}

// TestDestroyUserOfANodeWhoseClockIsAhead has a session whose login is yet to come, by this node's clock.
func TestDestroyUserOfANodeWhoseClockIsAhead(t *testing.T) {
	b, provider := sharedMemory(t)
	m := newNode(t, provider())
	c := login(t, m, "ann")
	key := c.sid()
	if _, plain := driver.As[driver.InProcess](b); !plain {
		t.Fatal("the key is not the sid")
	}
	var rec driver.Record
	if err := b.Load(t.Context(), key, &rec); err != nil {
		t.Fatal(err)
	}
	rec.AuthTime = rec.AuthTime.Add(time.Minute)
	if err := b.Save(t.Context(), key, &rec); err != nil {
		t.Fatal(err)
	}
	if n, err := m.DestroyUser(t.Context(), "ann"); n != 1 || err != nil {
		t.Errorf("DestroyUser = %d, %v", n, err)
	}
	if c.user(t, m) != "" {
		t.Error("the session has escaped")
	}
}

// An early store finds nothing that is to be found: its clock is ahead of those of other nodes.
type early struct {
	*faulty
	is bool
}

func (e *early) Load(ctx context.Context, key string, rec *driver.Record) error {
	if e.is {
		return session.ErrNotFound
	}
	return e.faulty.Load(ctx, key, rec)
}

// A session that has expired by the clock of one node ends on the others too when its client says goodbye there, with a
// store that nobody sweeps.
func TestDestroyByAnEarlyClock(t *testing.T) {
	b := &early{faulty: newFaulty(t)}
	p := session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return b, nil })
	m := newNode(t, p, session.CfgOnDestroy(func(context.Context, session.Event) { t.Error("told of what was not found") }))
	c := login(t, m, "ann")
	b.is = true
	if err := m.Destroy(httptest.NewRecorder(), c.request()); err != nil {
		t.Fatal(err)
	}
	b.is = false
	if s := start(t, m, httptest.NewRecorder(), c.request()); s.User() != "" {
		t.Error("the session goes on")
	}
}

// An expired session is told of once, also if its client says goodbye to it.
func TestOnDestroyOfTheExpired(t *testing.T) {
	for kind := range stores(t) {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := make(map[string]session.Event)
				var m *session.Manager
				m = newNode(t, stores(t)[kind], session.CfgMaxLifeTime(60), session.CfgGcLifeTime(600),
					session.CfgOnDestroy(func(ctx context.Context, e session.Event) {
						if told[e.ID] != (session.Event{}) {
							t.Error("a session is told of twice")
						}
						told[e.ID] = e
						if _, err := m.SessionsOf(ctx, "ann"); err != nil { // the manager can be used
							t.Error(err)
						}
					}))
				go m.GC()
				want := make(map[string]session.Event)
				for _, user := range []string{"ann", "bob"} {
					c := login(t, m, user)
					id := start(t, m, httptest.NewRecorder(), c.request()).ID()
					want[id] = session.Event{ID: id, User: user, Reason: session.ReasonExpired}
					time.Sleep(2 * time.Minute)
					c.do(func(w http.ResponseWriter, r *http.Request) {
						if err := m.Destroy(w, r); err != nil {
							t.Error(err)
						}
					})
				}
				time.Sleep(15 * time.Minute)
				synctest.Wait()
				if !maps.Equal(told, want) {
					t.Errorf("told %v, want %v", told, want)
				}
			})
		})
	}
}

func TestStatsOfSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, session.CfgMaxLifeTime(60), session.CfgGcLifeTime(600))
		go m.GC()
		for range 3 {
			seed(t, m, nil)
		}
		time.Sleep(15 * time.Minute)
		if got := m.Stats().Swept; got != 3 {
			t.Errorf("Swept = %d, want 3", got)
		}
	})
}

func TestStats(t *testing.T) {
	_, node := sharedMemory(t)
	m := newNode(t, node(), session.CfgTouchInterval(-1))
	c := seed(t, m, map[any]any{"a": 1}) // started, saved
	time.Sleep(2 * time.Millisecond)
	c.visit(t, m, nil) // loaded, touched
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r) // loaded
		set(t, s, "b", 2)
		other := newNode(t, node())
		c.visit(t, other, func(s *session.Session) { set(t, s, "c", 3) })
		save(t, s) // in conflict, saved
	})
	c.login(t, m, "ann") // loaded, regenerated
	(&client{cookie: "gosessionid=short"}).visit(t, m, nil)
	(&client{cookie: "gosessionid=" + "0123456789abcdef0123456789abcdef"}).visit(t, m, nil)
	if err := m.DestroyByID(t.Context(), c.sid()); err != nil {
		t.Fatal(err)
	}
	d := seed(t, m, nil)
	d.do(func(w http.ResponseWriter, r *http.Request) { _ = m.Destroy(w, r) })
	got := m.Stats()
	want := session.Stats{
		Started: 4, Loaded: 3, Saved: 2, Touched: 1, Regenerated: 1, Conflicts: 1, Malformed: 1, Unknown: 1, LoggedOut: 1, Revoked: 1,
	}
	if got != want {
		t.Errorf("Stats = %+v\nwant    %+v", got, want)
	}
}

// optionals are what memory can do besides.
type optionals interface {
	driver.Backend
	driver.Counter
	driver.Lister
	driver.UserLister
	driver.UserLimiter
	driver.Clearer
	driver.Sweeper
}

// notInProcess hides that a memory is in this process: it is given hashes.
type notInProcess struct{ optionals }

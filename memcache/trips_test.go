package memcache_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// TestTrips counts, over a Manager, the round trips of requests on the wire.
func TestTrips(t *testing.T) {
	proxy := servertest.NewProxy(t, empty(t))
	m := newManager(t, proxy.Addr)
	touching := newManager(t, proxy.Addr, session.CfgTouchInterval(-1)) // due at each request
	lazy := newManager(t, proxy.Addr, session.CfgLazy(true))
	ctx := t.Context()

	cookie := ""
	request := func() (http.ResponseWriter, *http.Request) {
		r := httptest.NewRequest("GET", "/", nil)
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		return httptest.NewRecorder(), r
	}
	visit := func(m *session.Manager, use func(s *session.Session)) func() {
		return func() {
			w, r := request()
			s, err := m.Start(w, r)
			must(t, err)
			if use != nil {
				use(s)
			}
			must(t, s.Save(ctx))
			cookie = r.Header.Get("Cookie")
		}
	}
	set := func(s *session.Session) { must(t, s.Set(ctx, "n", time.Now().UnixNano())) }
	check := func(name string, want int, do func()) {
		t.Helper()
		proxy.ResetTrips()
		do()
		if got := proxy.Trips(); got != want {
			t.Errorf("%s: %d trips, want %d", name, got, want)
		}
	}
	check("new session, unchanged", 1, visit(m, nil))
	check("read only", 1, visit(m, func(s *session.Session) { s.Get(ctx, "n") }))
	check("changed", 2, visit(m, set))
	check("changed again", 2, visit(m, set))
	check("changed elsewhere meanwhile", 2+4, visit(m, func(s *session.Session) { // the other's, then gets, cas, gets, cas
		set(s)
		visit(touching, set)()
	}))
	time.Sleep(5 * time.Millisecond)
	check("touch due", 3, visit(touching, nil))
	check("touched elsewhere meanwhile", 3+4, visit(m, func(s *session.Session) {
		set(s)
		time.Sleep(5 * time.Millisecond)
		visit(touching, nil)()
	}))
	time.Sleep(5 * time.Millisecond)
	check("changed and touch due", 2, visit(touching, set))
	check("login", 5, visit(m, func(s *session.Session) { // gets, add, cas, then gets and cas of the new one
		must(t, s.Regenerate(ctx))
		must(t, s.Set(ctx, "user", "ann"))
	}))
	check("login, changed before", 3, visit(m, func(s *session.Session) {
		must(t, s.Set(ctx, "user", "ann"))
		must(t, s.Regenerate(ctx))
	}))
	logout := func() {
		w, r := request()
		must(t, m.Destroy(w, r))
	}
	check("logout of what was not loaded as it is", 2, logout) // gets, cas
	cookie = ""
	visit(m, nil)()
	visit(m, nil)()
	check("logout", 1, logout)
	cookie = ""
	check("new session, changed", 3, visit(m, set))
	cookie = ""
	check("no cookie, lazy", 0, visit(lazy, nil))
	check("new session, lazy", 1, visit(lazy, set))
	cookie = "gosessionid=" + strings.Repeat("0", 32)
	check("unknown sid, lazy", 1, visit(lazy, nil))
}

// TestTripsOfMarks counts the round trips of the backend's calls on marks.
func TestTripsOfMarks(t *testing.T) {
	proxy := servertest.NewProxy(t, empty(t))
	b, ctx := newNode(t, driver.Config{Config: proxy.Addr}), t.Context()
	m, mark := b.(driver.Marker), driver.Mark{Kind: 1, Target: []byte("target"), Expires: time.Now().Add(time.Minute)}
	check := func(name string, want int, do func() error) {
		t.Helper()
		proxy.ResetTrips()
		must(t, do())
		if got := proxy.Trips(); got != want {
			t.Errorf("%s: %d trips, want %d", name, got, want)
		}
	}
	load := func(key string) error {
		if err := b.Load(ctx, key, new(driver.Record)); !errors.Is(err, driver.ErrNotFound) {
			return err
		}
		return nil
	}
	for i := range 2 {
		must(t, b.Create(ctx, key(i), newRecord()))
	}
	check("Mark where nothing stands", 1, func() error { return m.Mark(ctx, key(9), 0, mark) })
	must(t, load(key(0)))
	check("Mark in place of what was loaded", 1, func() error { return m.Mark(ctx, key(0), 1, mark) })
	check("Mark in place of what was not", 2, func() error { return m.Mark(ctx, key(1), 1, mark) })
	check("Load of a mark", 1, func() error { return load(key(1)) })
	check("Delete of a mark", 1, func() error { return b.Delete(ctx, key(1), 0) })
}

// TestMoveInTwoSteps ends between the two steps of a regeneration, which is what memcached leaves of one when a node
// dies: docs/providers/memcache.md says so.
func TestMoveInTwoSteps(t *testing.T) {
	b, ctx := newNode(t, driver.Config{Config: empty(t)}), t.Context()
	old := newRecord()
	must(t, b.Create(ctx, key(0), old))
	must(t, b.Create(ctx, key(1), newRecord()))
	var found driver.Record
	must(t, b.Load(ctx, key(0), &found))
	if found.Version != 1 || !found.Expires.Equal(old.Expires) {
		t.Errorf("the old session has version %d and ends %v later", found.Version, found.Expires.Sub(old.Expires))
	}
	must(t, b.Load(ctx, key(1), &found)) // its sid was told to nobody
	mark := driver.Mark{Kind: 1, Expires: time.Now().Add(time.Minute)}
	must(t, b.(driver.Marker).Mark(ctx, key(0), 1, mark)) // the next try is as if there had been none
	if err := b.Load(ctx, key(0), &found); !errors.Is(err, driver.ErrNotFound) {
		t.Errorf("Load of the old session = %v", err)
	}
}

package memcache_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
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
	check("logout", 1, func() {
		w, r := request()
		must(t, m.Destroy(w, r))
	})
	cookie = ""
	check("new session, changed", 3, visit(m, set))
	cookie = ""
	check("no cookie, lazy", 0, visit(lazy, nil))
	check("new session, lazy", 1, visit(lazy, set))
	cookie = "gosessionid=" + strings.Repeat("0", 32)
	check("unknown sid, lazy", 1, visit(lazy, nil))
}

package redis_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/redis"
)

// TestTrips counts, over a Manager, the round trips of requests and the commands that write.
func TestTrips(t *testing.T) {
	addr := empty(t)
	proxy := servertest.NewProxy(t, addr)
	manager := func(opts ...session.ManagerConfigOpt) *session.Manager {
		opts = append(opts, session.CfgProviderConfig(proxy.Addr))
		m, err := session.New(session.NewProvider(redis.Open), session.NewManagerConfig(opts...))
		must(t, err)
		t.Cleanup(func() { m.Close() })
		return m
	}
	m := manager()
	touching := manager(session.CfgTouchInterval(-1)) // due at each request
	lazy := manager(session.CfgLazy(true))
	ctx := t.Context()

	cookie := ""
	request := func() (http.ResponseWriter, *http.Request) {
		r := httptest.NewRequest("GET", "/", nil)
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		return httptest.NewRecorder(), r
	}
	start := func(m *session.Manager, use func(s *session.Session, w http.ResponseWriter, r *http.Request)) func() {
		return func() {
			w, r := request()
			s, err := m.Start(w, r)
			must(t, err)
			if use != nil {
				use(s, w, r)
			}
			must(t, s.Save(ctx))
			cookie = r.Header.Get("Cookie")
		}
	}
	handled := func(use func(r *http.Request)) func() {
		return func() {
			w, r := request()
			m.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { use(r) })).ServeHTTP(w, r)
		}
	}
	set := func(s *session.Session, _ http.ResponseWriter, _ *http.Request) {
		must(t, s.Set(ctx, "n", time.Now().UnixNano()))
	}

	c := bare(t, addr)
	check := func(name string, trips int, writes string, do func()) {
		t.Helper()
		must(t, c.ConfigResetStat(ctx).Err())
		proxy.ResetTrips()
		do()
		if got := proxy.Trips(); got != trips {
			t.Errorf("%s: %d trips, want %d", name, got, trips)
		}
		if got := written(t, addr); got != writes {
			t.Errorf("%s: writes %q, want %q", name, got, writes)
		}
	}
	start(m, nil)() // to have all scripts and connections ready
	start(m, set)()
	start(touching, nil)()
	start(lazy, nil)()
	handled(func(r *http.Request) { m.FromContext(r.Context()) })()
	cookie = ""
	check("new session, unchanged", 1, "set", start(m, nil))
	cookie = ""
	check("new session, changed", 2, "set set", start(m, set))
	check("read only", 1, "", start(m, func(s *session.Session, _ http.ResponseWriter, _ *http.Request) { s.Get(ctx, "n") }))
	check("changed", 2, "set", start(m, set))
	time.Sleep(2 * time.Millisecond) // a deadline that cannot move is not due
	check("touch due", 2, "setrange pexpireat", start(touching, nil))
	check("changed and touch due", 2, "set", start(touching, set))
	check("middleware, untouched", 0, "", handled(func(*http.Request) {}))
	check("middleware, read only", 1, "", handled(func(r *http.Request) {
		s, err := m.FromContext(r.Context())
		must(t, err)
		s.Get(ctx, "n")
	}))
	check("login", 3, "set set pexpireat zadd unlink", start(m, func(s *session.Session, _ http.ResponseWriter, _ *http.Request) {
		must(t, s.Regenerate(ctx))
		must(t, s.Set(ctx, "user", "ann"))
	}))
	check("login by SessionRegenerateID", 4, "set set pexpireat zadd unlink", func() {
		w, r := request()
		_, err := m.SessionStart(w, r)
		must(t, err)
		s, err := m.SessionRegenerateID(w, r)
		must(t, err)
		must(t, s.Set(ctx, "user", "ann"))
		s.SessionRelease(ctx, w)
		cookie = r.Header.Get("Cookie")
	})
	check("logout", 1, "unlink", func() {
		w, r := request()
		must(t, m.Destroy(w, r))
	})
	cookie = "gosessionid=" + strings.Repeat("0", 32)
	check("unknown sid, lazy", 1, "", start(lazy, nil))
	cookie = ""
	check("no cookie, lazy", 0, "", start(lazy, nil))
}

// written returns the commands that wrote, with those that scripts ran, since the statistics were reset.
func written(t testing.TB, addr string) string {
	t.Helper()
	var list []string
	stats := bare(t, addr).InfoMap(context.Background(), "commandstats").Val()["Commandstats"]
	for _, name := range []string{"set", "setrange", "pexpireat", "zadd", "zrem", "unlink"} {
		n := 0
		if calls, ok := strings.CutPrefix(stats["cmdstat_"+name], "calls="); ok {
			calls, _, _ = strings.Cut(calls, ",")
			n, _ = strconv.Atoi(calls)
		}
		for range n {
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}

// TestTripsOfUsers counts the trips of the backend's calls on a user's session, whose index is to be kept.
func TestTripsOfUsers(t *testing.T) {
	proxy := servertest.NewProxy(t, empty(t))
	b := node(t, proxy.Addr, "users")
	ctx, first := t.Context(), true
	check := func(name string, trips int, do func() error) {
		t.Helper()
		proxy.ResetTrips()
		must(t, do())
		if got := proxy.Trips(); got != trips && !first { // the server does not know the scripts yet
			t.Errorf("%s: %d trips, want %d", name, got, trips)
		}
	}
	for range 2 {
		rec := newRecord("ann")
		rec.Expires = rec.Expires.Truncate(redis.Step).Add(redis.Step)
		check("Reserve", 1, func() error {
			_, err := b.Reserve(ctx, "ann", key(1), rec.Expires, 3, true)
			return err
		})
		check("Create", 1, func() error { return b.Create(ctx, key(1), rec) })
		check("Save", 1, func() error { return b.Save(ctx, key(1), rec) })
		check("Touch", 1, func() error { return b.Touch(ctx, key(1), rec.Expires.Add(redis.Step-1)) })
		check("Touch past what the index is good for", 2, func() error { return b.Touch(ctx, key(1), rec.Expires.Add(redis.Step)) })
		check("Touch after that", 1, func() error { return b.Touch(ctx, key(1), rec.Expires.Add(2*redis.Step-1)) })
		rec.User = "bob"
		check("Save of another user", 4, func() error { return b.Save(ctx, key(1), rec) })
		check("Rename", 1, func() error { return b.(driver.Renamer).Rename(ctx, key(1), rec.Version, key(2), rec, driver.Mark{}) })
		rec.User = "ann"
		check("Rename of another user", 2, func() error { return b.(driver.Renamer).Rename(ctx, key(2), rec.Version, key(1), rec, driver.Mark{}) })
		check("Delete", 2, func() error { return b.Delete(ctx, key(1), 0) })
		first = false
	}
}

// TestTripsOfMarks counts the trips of the backend's calls on marks, and on sessions with an alias.
func TestTripsOfMarks(t *testing.T) {
	addr := empty(t)
	proxy := servertest.NewProxy(t, addr)
	b, c, ctx, first := node(t, proxy.Addr, "marks"), bare(t, addr), t.Context(), true
	mark := driver.Mark{Kind: 1, Target: []byte("target"), Expires: time.Now().Add(time.Minute)}
	check := func(name string, trips int, writes string, do func() error) {
		t.Helper()
		must(t, c.ConfigResetStat(ctx).Err())
		proxy.ResetTrips()
		must(t, do())
		if first { // the server does not know the scripts yet
			return
		}
		if got := proxy.Trips(); got != trips {
			t.Errorf("%s: %d trips, want %d", name, got, trips)
		}
		if got := written(t, addr); got != writes {
			t.Errorf("%s: writes %q, want %q", name, got, writes)
		}
	}
	for range 2 {
		must(t, c.FlushDB(ctx).Err())
		must(t, b.Create(ctx, key(1), newRecord("")))
		must(t, b.Create(ctx, key(2), newRecord("ann")))
		check("Mark where nothing stands", 1, "pexpireat zadd", func() error { return b.Mark(ctx, key(9), 0, mark) })
		check("Mark", 1, "pexpireat zadd unlink", func() error { return b.Mark(ctx, key(1), 1, mark) })
		check("Mark of a user's", 2, "pexpireat zadd zrem unlink", func() error { return b.Mark(ctx, key(2), 1, mark) })
		check("Load of a mark", 2, "", func() error {
			if err := b.Load(ctx, key(1), new(driver.Record)); !errors.Is(err, driver.ErrNotFound) {
				return err
			}
			return nil
		})
		must(t, b.Create(ctx, key(3), newRecord("")))
		check("Rename with a mark", 1, "set pexpireat zadd unlink", func() error {
			return b.(driver.Renamer).Rename(ctx, key(3), 1, key(4), newRecord(""), mark)
		})
		rec := newRecord("ann")
		rec.Alias = "alias"
		check("Create with an alias", 1, "set pexpireat pexpireat pexpireat pexpireat zadd zadd", func() error {
			return b.Create(ctx, key(5), rec)
		})
		rec.Alias, rec.User = "other", "bob"
		check("Save of other names", 4, "set pexpireat pexpireat zadd zadd zrem zrem", func() error { return b.Save(ctx, key(5), rec) })
		check("Delete with an alias", 2, "zrem zrem unlink", func() error { return b.Delete(ctx, key(5), 0) })
		first = false
	}
}

// TestTripsOfLists counts the trips of a list of many records that have more before their data than is read at first.
func TestTripsOfLists(t *testing.T) {
	proxy := servertest.NewProxy(t, empty(t))
	b := node(t, proxy.Addr, "lists")
	for i := range 100 {
		rec := newRecord("ann")
		rec.Data = make([]byte, 4000)
		if rec.Alias = strings.Repeat("a", i%3*200); i%2 == 0 {
			rec.Meta = make([]byte, driver.MaxMeta)
		}
		must(t, b.Create(t.Context(), key(i), rec))
	}
	proxy.ResetTrips()
	n := 0
	for e, err := range b.List(t.Context()) {
		if must(t, err); e.Data != nil {
			t.Error("a list has data")
		}
		n++
	}
	if n != 100 || proxy.Trips() != 4 {
		t.Errorf("%d records in %d trips, want 100 in 4: SCAN, and three of all heads", n, proxy.Trips())
	}
}

package nats_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/nats"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/sample"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// A backend is all that the engine is.
type backend interface {
	driver.Backend
	driver.Counter
	driver.Lister
	driver.UserLister
	driver.AliasLister
	driver.UserLimiter
	driver.Marker
	driver.Renamer
	driver.Watcher
	driver.Clearer
	driver.Pinger
	Close() error
}

// node opens a node until the test ends.
func node(t testing.TB, config, namespace string) backend {
	t.Helper()
	b, err := nats.Open(context.Background(), driver.Config{Config: config, Namespace: namespace, Logger: quiet})
	must(t, err)
	t.Cleanup(func() { must(t, b.(backend).Close()) })
	return b.(backend)
}

// silent returns a proxy before a server, and a connection over it on which neither side pings: that would count as trips.
func silent(t testing.TB) (*servertest.Proxy, *natsgo.Conn) {
	t.Helper()
	proxy := servertest.NewProxy(t, start(t, server.Options{PingInterval: time.Hour}).Addr().String())
	nc, err := natsgo.Connect(proxy.Addr, natsgo.PingInterval(time.Hour))
	must(t, err)
	t.Cleanup(nc.Close)
	return proxy, nc
}

// over opens a node over a connection, with the namespace.
func over(t testing.TB, nc *natsgo.Conn, namespace string) backend {
	t.Helper()
	b, err := nats.Over(t.Context(), nc, driver.Config{Namespace: namespace, Logger: quiet})
	must(t, err)
	return b.(backend)
}

// TestTrips counts, over a Manager, the round trips of requests.
func TestTrips(t *testing.T) {
	proxy, nc := silent(t)
	m, err := session.New(nats.New(nc, nats.Bucket{}), session.NewManagerConfig())
	must(t, err)
	t.Cleanup(func() { m.Close() })
	touching, err := session.New(nats.New(nc, nats.Bucket{}), session.NewManagerConfig(session.CfgTouchInterval(-1)))
	must(t, err)
	t.Cleanup(func() { touching.Close() })
	ctx, cookie := t.Context(), ""
	request := func(m *session.Manager, use func(s *session.Session) error) func() {
		return func() {
			r := httptest.NewRequest("GET", "/", nil)
			if cookie != "" {
				r.Header.Set("Cookie", cookie)
			}
			s, err := m.Start(httptest.NewRecorder(), r)
			must(t, err)
			must(t, use(s))
			must(t, s.Save(ctx))
			cookie = r.Header.Get("Cookie")
		}
	}
	nothing := func(*session.Session) error { return nil }
	set := func(s *session.Session) error { return s.Set(ctx, "n", time.Now().UnixNano()) }
	check := func(name string, trips int, do func()) {
		t.Helper()
		proxy.ResetTrips()
		do()
		if got := proxy.Trips(); got != trips {
			t.Errorf("%s: %d trips, want %d", name, got, trips)
		}
	}
	check("new session, unchanged", 1, request(m, nothing))
	cookie = ""
	check("new session, changed", 2, request(m, set))
	check("read only", 1, request(m, nothing))
	check("changed", 2, request(m, set))
	time.Sleep(2 * time.Millisecond) // a deadline that cannot move is not due
	check("touch due", 3, request(touching, nothing))
	check("changed and touch due", 2, request(touching, set))
	check("regenerate", 3, request(m, func(s *session.Session) error {
		must(t, s.Regenerate(ctx))
		return set(s)
	}))
	check("login", 3, request(m, func(s *session.Session) error { return s.Login(ctx, "ann") }))
	check("changed, of a user", 2, request(m, set))
	check("logout", 2, func() {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", cookie)
		must(t, m.Destroy(httptest.NewRecorder(), r))
	})
}

// TestTripsOfUsers counts the trips of the backend's calls on a user's session, whose index is to be kept.
func TestTripsOfUsers(t *testing.T) {
	proxy, nc := silent(t)
	b, ctx := over(t, nc, "users"), t.Context()
	check := func(name string, trips int, do func() error) {
		t.Helper()
		proxy.ResetTrips()
		must(t, do())
		if got := proxy.Trips(); got != trips {
			t.Errorf("%s: %d trips, want %d", name, got, trips)
		}
	}
	rec := newRecord("ann")
	rec.Expires = rec.Expires.Truncate(nats.Step).Add(nats.Step)
	mark := driver.Mark{Kind: 1, Expires: time.Now().Add(time.Minute)}
	check("Reserve", 2, func() error {
		_, err := b.Reserve(ctx, "ann", key(1), rec.Expires, 3, true)
		return err
	})
	check("Create", 2, func() error { return b.Create(ctx, key(1), rec) })
	check("Save", 1, func() error { return b.Save(ctx, key(1), rec) })
	check("Touch", 2, func() error { return b.Touch(ctx, key(1), rec.Expires.Add(nats.Step-1)) })
	check("Touch past what the index is good for", 3, func() error { return b.Touch(ctx, key(1), rec.Expires.Add(nats.Step)) })
	check("Save after a touch", 1, func() error { return b.Save(ctx, key(1), rec) })
	rec.User = "bob"
	check("Save of another user", 2, func() error { return b.Save(ctx, key(1), rec) })
	check("Rename", 2, func() error { return b.Rename(ctx, key(1), rec.Version, key(2), rec, mark) })
	check("Delete", 2, func() error { return b.Delete(ctx, key(2), 0) })
	check("Create of nobody's", 1, func() error { return b.Create(ctx, key(3), newRecord("")) })
	check("Rename of nobody's", 1, func() error { return b.Rename(ctx, key(3), 1, key(4), newRecord(""), mark) })
	check("Mark", 1, func() error { return b.Mark(ctx, key(4), 1, mark) })
	check("Load of a mark", 1, func() error { b.Load(ctx, key(4), new(driver.Record)); return nil })
}

// The names of package sample that these tests use most.
var must, key, newRecord = sample.Must, sample.Key, sample.Record

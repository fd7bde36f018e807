package ssdb_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/ssdb"
	"github.com/seed1a8f7c28/session/contrib/ssdb/internal/fakessdb"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/castest"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/sample"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// node opens a node until the test ends.
func node(t testing.TB, config string) castest.Backend {
	t.Helper()
	b, err := ssdb.Open(context.Background(), driver.Config{Config: config, Namespace: "app"})
	must(t, err)
	t.Cleanup(func() { must(t, b.(castest.Backend).Close()) })
	return b.(castest.Backend)
}

// TestBadConfig has configs that are refused. No error shows a value that could be a secret.
func TestBadConfig(t *testing.T) {
	locked := fakessdb.Start(t)
	locked.SetPassword("right")
	for _, tt := range []struct{ name, config, field, want string }{
		{"no port", "s3cr3t", "providerConfig", "host:port"},
		{"not a port", "s3cr3t:s3cr3t", "providerConfig", "host:port"},
		{"port 0", "127.0.0.1:0", "providerConfig.port", "1 to 65535"},
		{"large port", `{"port": 65536}`, "providerConfig.port", "1 to 65535"},
		{"no host", `{"host": ""}`, "providerConfig.host", "one server"},
		{"two hosts", `{"host": "a,b"}`, "providerConfig.host", "one server"},
		{"unknown key", `{"addr": "127.0.0.1:1"}`, "providerConfig.addr", "unknown key"},
		{"pool", `{"poolSize": -1}`, "providerConfig.poolSize", "negative"},
		{"no time", `{"readTimeout": 0}`, "providerConfig.readTimeout", "millisecond"},
		{"not a time", `{"dialTimeout": "s3cr3t"}`, "providerConfig.dialTimeout", "seconds"},
		{"idle", `{"idleTimeout": "-1s"}`, "providerConfig.idleTimeout", "negative"},
		{"nobody listens", "127.0.0.1:1", "providerConfig", "ssdb at 127.0.0.1:1"},
		{"no password", locked.Addr, "providerConfig", "auth"},
		{"wrong password", object(t, locked.Addr, "s3cr3t"), "providerConfig", "password"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ssdb.Open(t.Context(), driver.Config{Config: tt.config})
			sample.Refused(t, err, tt.field, tt.want)
		})
	}
	b, err := ssdb.Open(t.Context(), driver.Config{Config: object(t, locked.Addr, "right")})
	must(t, err)
	must(t, b.(castest.Backend).Close())
}

// object returns a config with a password.
func object(t testing.TB, addr, password string) string {
	t.Helper()
	host, port, ok := strings.Cut(addr, ":")
	if !ok {
		t.Fatal("no address")
	}
	return `{"host": "` + host + `", "port": ` + port + `, "password": "` + password + `"}`
}

// TestBeego has beego's provider and this one work on one session in turn: beego's reads with get, and writes with setx.
func TestBeego(t *testing.T) {
	s := fakessdb.Start(t)
	m, err := nodes(s.Addr)(session.CfgBeego(true), session.CfgMaxLifeTime(600))
	must(t, err)
	defer m.Close()
	castest.Beego(t, m, castest.Legacy{
		Set: func(sid string, values []byte) { s.Set(sid, string(values), 600) },
		Value: func(sid string) ([]byte, time.Duration, bool) {
			value, live := s.Value(sid)
			return []byte(value), time.Duration(s.TTL(sid)) * time.Second, live
		},
	})
}

// TestNothingStays checks that SSDB removes what has expired: each write gives it a time, also the touch of beego's layout.
func TestNothingStays(t *testing.T) {
	s := fakessdb.Start(t)
	b, ctx := node(t, s.Addr), t.Context()
	rec := newRecord("")
	must(t, b.Create(ctx, key(1), rec))
	must(t, b.Save(ctx, key(1), rec))
	must(t, b.Touch(ctx, key(1), rec.Expires.Add(time.Hour)))
	must(t, b.Mark(ctx, key(2), 0, driver.Mark{Kind: 1, Expires: rec.Expires}))
	for name, want := range map[string]time.Time{"app:" + key(1): rec.Expires.Add(time.Hour), "app:" + key(2): rec.Expires} {
		if late := time.Duration(s.TTL(name))*time.Second - time.Until(want); late < 0 || late > 2*time.Minute {
			t.Errorf("SSDB keeps an entry for %v longer than it lives", late)
		}
	}
	must(t, b.Delete(ctx, key(1), 0))
	if _, ok := s.Value("app:" + key(1)); ok {
		t.Error("it was deleted, and is there")
	}
}

// TestCommands checks that a node sends nothing that SSDB does not know, or understands in another way: set has no options.
func TestCommands(t *testing.T) {
	s := fakessdb.Start(t)
	b, ctx, rec := node(t, s.Addr), t.Context(), newRecord("")
	must(t, b.Create(ctx, key(1), rec))
	must(t, b.Load(ctx, key(1), rec))
	must(t, b.Save(ctx, key(1), rec))
	must(t, b.Touch(ctx, key(1), rec.Expires.Add(time.Hour)))
	must(t, b.Mark(ctx, key(1), rec.Version, driver.Mark{Kind: 1, Expires: rec.Expires}))
	must(t, b.Ping(ctx))
	known := []string{"get", "setex", "expire", "del", "auth", "hello"} // hello: go-redis asks, and takes no for an answer
	for _, name := range s.Commands() {
		if !slices.Contains(known, strings.ToLower(name)) {
			t.Errorf("%q was sent", name)
		}
	}
}

// TestTrips counts the round trips of the backend's calls.
func TestTrips(t *testing.T) {
	proxy := servertest.NewProxy(t, fakessdb.Start(t).Addr)
	b, ctx, rec := node(t, proxy.Addr), t.Context(), newRecord("")
	check := func(name string, trips int, do func() error) {
		t.Helper()
		proxy.ResetTrips()
		must(t, do())
		if got := proxy.Trips(); got != trips {
			t.Errorf("%s: %d trips, want %d", name, got, trips)
		}
	}
	check("Create", 2, func() error { return b.Create(ctx, key(1), rec) })
	check("Load", 1, func() error { return b.Load(ctx, key(1), rec) })
	check("Save", 2, func() error { return b.Save(ctx, key(1), rec) })
	check("Touch", 3, func() error { return b.Touch(ctx, key(1), rec.Expires.Add(time.Hour)) })
	check("Delete", 3, func() error { return b.Delete(ctx, key(1), 0) })
}

// faults are how a server fails.
var faults = []struct {
	name  string
	fails faulttest.Fails
	fault func(s *fakessdb.Server, p *servertest.Proxy) faulttest.Fault
}{
	{"restart", faulttest.Some, func(s *fakessdb.Server, _ *servertest.Proxy) faulttest.Fault {
		return faulttest.Outage(s.Stop, s.Restart, 8)
	}},
	{"no answer", faulttest.Some, func(_ *fakessdb.Server, p *servertest.Proxy) faulttest.Fault { return faulttest.Swallow(p) }},
	{"reset amid an answer", faulttest.Maybe, func(_ *fakessdb.Server, p *servertest.Proxy) faulttest.Fault {
		return faulttest.Cut(p, (*servertest.Proxy).ResetAfter)
	}},
	{"answer cut short", faulttest.Maybe, func(_ *fakessdb.Server, p *servertest.Proxy) faulttest.Fault {
		return faulttest.Cut(p, (*servertest.Proxy).TruncateAfter)
	}},
	{"connections reset", faulttest.Maybe, func(_ *fakessdb.Server, p *servertest.Proxy) faulttest.Fault {
		return faulttest.Disconnect(p.Reset)
	}},
}

// TestFault has the server fail while clients of two nodes of one process use sessions.
func TestFault(t *testing.T) {
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := fakessdb.Start(t)
			p := servertest.NewProxy(t, s.Addr)
			faulttest.Run(t, faulttest.Setup{Open: nodes(p.Addr), Fails: tt.fails}, tt.fault(s, p))
		})
	}
}

// TestNoMore checks that the backend does not claim what it cannot do.
func TestNoMore(t *testing.T) { castest.NoMore(t, node(t, fakessdb.Start(t).Addr)) }

// TestRequests has a manager over a provider of its own, with beego's config string, serve a visitor.
func TestRequests(t *testing.T) {
	m, err := session.New(ssdb.New(), session.NewManagerConfig(session.CfgProviderConfig(fakessdb.Start(t).Addr)))
	must(t, err)
	defer m.Close()
	ctx, r := t.Context(), httptest.NewRequest("GET", "/", nil)
	for want := range int64(3) {
		s, err := m.Start(httptest.NewRecorder(), r)
		must(t, err)
		if n, _ := s.Get(ctx, "n").(int64); n != want {
			t.Errorf("visit %d sees %d", want, n)
		}
		_, err = s.Increment(ctx, "n", 1)
		must(t, err)
		must(t, s.Save(ctx))
	}
}

package redis_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/redis"
)

// TestLateArrival cuts the connection of a call, and has the server get that call only after the session has ended: nothing
// is back. A creation brings its session back whenever it comes. So it must be the only one, and the caller must not know
// of a session: the next try has another key.
func TestLateArrival(t *testing.T) {
	single := func(t testing.TB) { empty(t) }
	for _, way := range []struct {
		name  string
		empty func(t testing.TB)
		open  func(t *testing.T) (driver.Backend, []*servertest.Proxy)
	}{
		{"own client", single, func(t *testing.T) (driver.Backend, []*servertest.Proxy) {
			p := servertest.NewProxy(t, empty(t))
			return node(t, p.Addr, "app"), []*servertest.Proxy{p}
		}},
		{"client that repeats", single, func(t *testing.T) (driver.Backend, []*servertest.Proxy) {
			p := servertest.NewProxy(t, empty(t))
			c := goredis.NewClient(&goredis.Options{Addr: p.Addr, MaxRetries: 3, ContextTimeoutEnabled: true})
			t.Cleanup(func() { c.Close() })
			return opened(t, over(c), driver.Config{Namespace: "app"}), []*servertest.Proxy{p}
		}},
		{"cluster", func(t testing.TB) { clusterConfig(t) }, func(t *testing.T) (driver.Backend, []*servertest.Proxy) {
			c, proxies := proxiedCluster(t)
			return opened(t, over(c), driver.Config{Namespace: "app"}), proxies
		}},
		{"beego mode", single, func(t *testing.T) (driver.Backend, []*servertest.Proxy) {
			p := servertest.NewProxy(t, empty(t))
			return opened(t, redis.Open, driver.Config{Config: p.Addr, Beego: true, Lifetime: time.Hour}), []*servertest.Proxy{p}
		}},
	} {
		t.Run(way.name, func(t *testing.T) {
			b, proxies := way.open(t)
			for _, user := range []string{"", "ann"} {
				rec := newRecord(user)
				for _, c := range lateCalls(t.Context(), b, rec) {
					t.Run(c.name+" "+user, func(t *testing.T) {
						way.empty(t)
						c.arrive(t, b, rec, proxies)
					})
				}
			}
		})
	}
}

// proxiedCluster returns a client of the shared cluster that repeats commands, and the proxies before its servers.
func proxiedCluster(t *testing.T) (c *goredis.ClusterClient, proxies []*servertest.Proxy) {
	addrs, proxied := servertest.RedisCluster(t).Addrs, make(map[string]string)
	for _, addr := range addrs {
		p := servertest.NewProxy(t, addr)
		proxies, proxied[addr] = append(proxies, p), p.Addr
	}
	c = goredis.NewClusterClient(&goredis.ClusterOptions{
		Addrs: addrs, MaxRedirects: 5, MaxRetries: 3, ContextTimeoutEnabled: true,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, proxied[addr])
		},
	})
	t.Cleanup(func() { c.Close() })
	return c, proxies
}

// A lateCall is held on its way to the server.
type lateCall struct {
	name    string
	at      string // part of the command that is held
	creates bool   // there is no session before
	call    func() error
}

// lateCalls returns what b can do with the session rec under key 1, and on the way from there to key 2.
func lateCalls(ctx context.Context, b driver.Backend, rec *driver.Record) []lateCall {
	old, next := key(1), key(2)
	calls := []lateCall{
		{"Create", "pxat", true, func() error { return b.Create(ctx, old, rec) }},
		{"Save", old, false, func() error { return b.Save(ctx, old, rec) }},
		{"Touch", old, false, func() error { return b.Touch(ctx, old, rec.Expires.Add(time.Minute)) }},
		{"Delete", old, false, func() error { return b.Delete(ctx, old, 0) }},
		{"Delete of a version", old, false, func() error { return b.Delete(ctx, old, rec.Version) }},
	}
	if r, ok := b.(driver.Renamer); ok {
		calls = append(calls, lateCall{"Rename", next, false, func() error {
			return r.Rename(ctx, old, rec.Version, next, rec, inAMinute(1))
		}})
	}
	s, ok := b.(store)
	if !ok {
		return calls
	}
	calls = append(calls,
		lateCall{"Mark", old, false, func() error { return s.Mark(ctx, old, rec.Version, inAMinute(1)) }},
		lateCall{"Mark where nothing stands", next, false, func() error { return s.Mark(ctx, next, 0, inAMinute(1)) }})
	if rec.User == "" {
		return calls
	}
	reserve := func(most int) func() error {
		return func() error {
			_, err := s.Reserve(ctx, rec.User, next, time.Now().Add(time.Minute), most, true)
			return err
		}
	}
	return append(calls,
		lateCall{"Touch past what the index is good for", "zadd", false, func() error {
			return b.Touch(ctx, old, rec.Expires.Add(2*redis.Slack))
		}},
		lateCall{"Reserve", next, false, reserve(2)},
		lateCall{"eviction of Reserve", "{" + old, false, reserve(1)})
}

func (c *lateCall) arrive(t *testing.T, b driver.Backend, rec *driver.Record, proxies []*servertest.Proxy) {
	ctx := t.Context()
	if !c.creates {
		must(t, b.Create(ctx, key(1), rec))
	}
	var holds []*servertest.Held
	for _, p := range proxies {
		holds = append(holds, p.HoldAt(c.at))
	}
	if err := c.call(); err == nil && c.creates {
		t.Error("no error: it was sent again")
	}
	for i := range 2 {
		must(t, b.Delete(ctx, key(i+1), 0)) // the visitor logs out
	}
	held := 0
	for _, h := range holds {
		if h.Deliver() {
			held++
		}
	}
	if held == 0 {
		t.Error("no command was held")
	}
	if c.creates {
		must(t, b.Load(ctx, key(1), rec)) // so it was the creation
		return
	}
	for i := range 2 {
		if err := b.Load(ctx, key(i+1), new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Load of key %d = %v", i+1, err)
		}
	}
	if l, ok := b.(driver.UserLister); ok && rec.User != "" {
		for _, err := range l.ListUser(ctx, rec.User) {
			must(t, err)
			t.Error("the user has a session")
		}
	}
}

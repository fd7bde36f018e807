package nats_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// A faulty is a server in a process of its own, with a proxy before it.
type faulty struct {
	server *servertest.Server
	proxy  *servertest.Proxy
}

// faults are how a single server fails.
var faults = []struct {
	name  string
	fails faulttest.Fails
	fault func(t testing.TB, f *faulty) faulttest.Fault
}{
	{"crash", faulttest.Some, func(t testing.TB, f *faulty) faulttest.Fault { return faulttest.Crash(t, f.server) }},
	{"restart", faulttest.Some, func(t testing.TB, f *faulty) faulttest.Fault { return faulttest.Restart(t, f.server) }},
	{"server halted", faulttest.Some, func(t testing.TB, f *faulty) faulttest.Fault { return faulttest.Halt(t, f.server) }},
	{"no answer", faulttest.Some, func(_ testing.TB, f *faulty) faulttest.Fault { return faulttest.Swallow(f.proxy) }},
	{"reset amid an answer", faulttest.Maybe, func(_ testing.TB, f *faulty) faulttest.Fault {
		return faulttest.Cut(f.proxy, (*servertest.Proxy).ResetAfter)
	}},
	{"answer cut short", faulttest.Maybe, func(_ testing.TB, f *faulty) faulttest.Fault {
		return faulttest.Cut(f.proxy, (*servertest.Proxy).TruncateAfter)
	}},
	{"connections reset", faulttest.Maybe, func(_ testing.TB, f *faulty) faulttest.Fault { return faulttest.Disconnect(f.proxy.Reset) }},
}

// TestFault has a server fail while clients use sessions.
func TestFault(t *testing.T) {
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t)
			faulttest.Run(t, faulttest.Setup{Open: nodes("nats://" + f.proxy.Addr), Fails: tt.fails}, tt.fault(t, f))
		})
	}
}

func newFaulty(t testing.TB) *faulty {
	t.Helper()
	s := startProcess(t, serving{Name: "s0"})
	return &faulty{s, servertest.NewProxy(t, s.Addr)}
}

// TestHistoryFault has a server crash while clients do everything at once that a session can do. The server finds replaced
// entries on its disk; sessions whose end was moved earlier must not come back.
func TestHistoryFault(t *testing.T) {
	f := newFaulty(t)
	historytest.Run(t, historytest.Setup{Open: nodes("nats://" + f.proxy.Addr), Fault: faulttest.Crash(t, f.server)})
}

// clusterFaults are how a cluster of three fails.
var clusterFaults = []struct {
	name  string
	fault func(t testing.TB, c *cluster) faulttest.Fault
}{
	{"leader killed", func(t testing.TB, c *cluster) faulttest.Fault {
		return func(r *faulttest.Round) {
			s := c.servers[c.leader(t)]
			faulttest.Outage(func() { s.Kill(t) }, func() { r.Answers(300); s.Start(t) }, 1)(r)
			c.leader(t)
		}
	}},
	{"another server killed", func(t testing.TB, c *cluster) faulttest.Fault {
		return func(r *faulttest.Round) {
			s := c.servers[(c.leader(t)+1)%3]
			r.Broken()
			s.Kill(t)
			r.Answers(300)
			s.Start(t)
			c.leader(t)
		}
	}},
	{"leader moved", func(t testing.TB, c *cluster) faulttest.Fault {
		return func(r *faulttest.Round) {
			c.leader(t)
			r.Broken()
			for range 3 {
				c.stepDown(t)
				r.Answers(100)
				c.leader(t)
			}
		}
	}},
	{"leader cut off", func(t testing.TB, c *cluster) faulttest.Fault {
		return func(r *faulttest.Round) {
			mend := c.cut(c.leader(t))
			r.Broken()
			r.Answers(300)
			mend()
			c.leader(t)
		}
	}},
	{"leader halted", func(t testing.TB, c *cluster) faulttest.Fault {
		return func(r *faulttest.Round) {
			s := c.servers[c.leader(t)]
			r.Broken()
			s.Pause(t)
			r.Answers(300)
			s.Resume(t)
			c.leader(t)
		}
	}},
}

// stepDown has another server become the leader of the bucket.
func (c *cluster) stepDown(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := c.js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.LEADER.STEPDOWN.KV_sessions", nil)
	must(t, err)
}

// TestFaultCluster has a cluster of three fail: what a majority has acknowledged stays.
func TestFaultCluster(t *testing.T) {
	for _, tt := range clusterFaults {
		t.Run(tt.name, func(t *testing.T) {
			c := startCluster(t)
			faulttest.Run(t, faulttest.Setup{
				Open: c.nodes(), OpTimeout: 5 * time.Second, Recovery: 30 * time.Second, Rounds: 2,
			}, tt.fault(t, c))
		})
	}
}

// TestHistoryCluster has the leader of a cluster killed while clients do everything at once.
func TestHistoryCluster(t *testing.T) {
	c := startCluster(t)
	historytest.Run(t, historytest.Setup{Open: nodes(c.config()), Fault: clusterFaults[0].fault(t, c)})
}

// TestClearedThenKilled kills the server after DestroyAll. It finds replaced entries on its disk; no session comes back.
func TestClearedThenKilled(t *testing.T) {
	s := startProcess(t, serving{Name: "s0"})
	b, other, ctx := node(t, "nats://"+s.Addr, "app"), node(t, "nats://"+s.Addr, "other"), t.Context()
	for n := range 20 {
		rec := newRecord("ann")
		must(t, b.Create(ctx, key(n), rec))
		must(t, other.Create(ctx, key(n), newRecord("ann"))) // so that something stays among what is purged
		for range n {
			must(t, b.Save(ctx, key(n), rec))
		}
	}
	must(t, b.Clear(ctx))
	s.Kill(t)
	s.Start(t)
	for n := range 20 {
		if err := b.Load(ctx, key(n), new(driver.Record)); !errors.Is(err, driver.ErrNotFound) {
			t.Errorf("session %d after DestroyAll and a crash: %v", n, err)
		}
	}
	if n, err := b.Count(ctx); n != 0 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
}

package memcache_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	client "github.com/bradfitz/gomemcache/memcache"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/memcache"
)

const (
	opTimeout = time.Second
	tooLate   = opTimeout + 5*time.Second // on a machine with much else to do
)

// A load is writers, each of whom increments a value of a session of its own, and how often that was acknowledged.
type load struct {
	m       *session.Manager
	sids    []string
	acked   []int
	unknown []int // saves that have failed, and may have been stored
	gone    []bool
	errs    atomic.Int64
	saves   atomic.Int64
	stop    chan struct{}
	wg      sync.WaitGroup
}

func startLoad(t *testing.T, m *session.Manager, writers int) *load {
	t.Helper()
	l := &load{
		m: m, sids: make([]string, writers), acked: make([]int, writers), unknown: make([]int, writers), gone: make([]bool, writers),
		stop: make(chan struct{}),
	}
	for i := range writers {
		l.sids[i] = fmt.Sprintf("%032x", rand.Uint64())
		if _, err := m.GetProvider().SessionRead(t.Context(), l.sids[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i := range writers {
		l.wg.Go(func() {
			for {
				select {
				case <-l.stop:
					return
				default:
					l.increment(t, i)
				}
			}
		})
	}
	return l
}

// increment is one request, which saves once more when the first time is an error.
func (l *load) increment(t *testing.T, i int) {
	var sess *session.Session
	err := timed(t, "load", func() error {
		store, err := l.m.GetSessionStore(l.sids[i])
		if err == nil {
			sess = store.(*session.Session)
		}
		return err
	})
	if err == nil {
		sess.Increment(context.Background(), "n", 1)
		save := func() error { return sess.Save(context.Background()) }
		if err = timed(t, "save", save); err != nil && !errors.Is(err, session.ErrDestroyed) {
			l.errs.Add(1)
			time.Sleep(10 * time.Millisecond)
			err = timed(t, "another save", save)
		}
		switch {
		case err == nil:
			l.acked[i]++
			l.saves.Add(1)
			return
		case !errors.Is(err, session.ErrDestroyed):
			l.unknown[i]++
		}
	}
	l.errs.Add(1)
	if errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrDestroyed) {
		l.gone[i] = true
	}
	time.Sleep(10 * time.Millisecond)
}

func timed(t *testing.T, what string, call func() error) error {
	begin := time.Now()
	err := call()
	if took := time.Since(begin); took > tooLate {
		t.Errorf("a %s took %v: %v", what, took, err)
	}
	return err
}

// end stops the writers and checks that nothing was lost, in sessions that may be lost. It waits until the store
// can be reached.
func (l *load) end(t *testing.T, mayBeLost func(i int) bool) {
	t.Helper()
	close(l.stop)
	l.wg.Wait()
	for i, sid := range l.sids {
		store, err := l.m.GetSessionStore(sid)
		for limit := time.Now().Add(10 * time.Second); err != nil && !errors.Is(err, session.ErrNotFound); {
			if time.Now().After(limit) {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
			store, err = l.m.GetSessionStore(sid)
		}
		switch {
		case err == nil:
			n, _ := store.Get(t.Context(), "n").(int64)
			if int(n) < l.acked[i] || int(n) > l.acked[i]+l.unknown[i] {
				t.Errorf("writer %d: %d saves were acknowledged and %d unknown, the value is %d", i, l.acked[i], l.unknown[i], n)
			}
		case !mayBeLost(i):
			t.Errorf("writer %d: the session is lost", i)
		}
		if l.gone[i] && !mayBeLost(i) {
			t.Errorf("writer %d: a save or load has said that the session is gone", i)
		}
	}
	t.Logf("%d saves, %d errors", l.saves.Load(), l.errs.Load())
	must(t, l.m.Close())
	wantNoneLeft(t)
}

// faults are how connections and servers fail.
var faults = []struct {
	name  string
	fails faulttest.Fails
	fault func(t testing.TB, p *servertest.Proxy, s *servertest.Server) faulttest.Fault
}{
	{"connections reset", faulttest.Maybe, func(_ testing.TB, p *servertest.Proxy, _ *servertest.Server) faulttest.Fault {
		return faulttest.Disconnect(p.Reset)
	}},
	{"reset amid an answer", faulttest.Some, func(_ testing.TB, p *servertest.Proxy, _ *servertest.Server) faulttest.Fault {
		return faulttest.Cut(p, (*servertest.Proxy).ResetAfter)
	}},
	{"answer cut short", faulttest.Some, func(_ testing.TB, p *servertest.Proxy, _ *servertest.Server) faulttest.Fault {
		return faulttest.Cut(p, (*servertest.Proxy).TruncateAfter)
	}},
	{"refused", faulttest.Some, func(_ testing.TB, p *servertest.Proxy, _ *servertest.Server) faulttest.Fault {
		return faulttest.Refuse(p)
	}},
	{"no answer", faulttest.Some, func(_ testing.TB, p *servertest.Proxy, _ *servertest.Server) faulttest.Fault {
		return faulttest.Swallow(p)
	}},
	{"server halted", faulttest.Some, func(t testing.TB, _ *servertest.Proxy, s *servertest.Server) faulttest.Fault {
		return faulttest.Halt(t, s)
	}},
}

// TestFault has connections fail, and the server stop for a while, while clients use sessions.
func TestFault(t *testing.T) {
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.StartMemcached(t, servertest.MemcachedOptions{})
			p := servertest.NewProxy(t, s.Addr)
			faulttest.Run(t, faulttest.Setup{Fails: tt.fails, Open: nodes(p.Addr)}, tt.fault(t, p, s))
		})
	}
}

// nodes returns how to open managers.
func nodes(addr string) func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
	return func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		opts = append(opts, session.CfgProviderConfig(`{"servers": ["`+addr+`"], "timeout": "1s"}`))
		return session.New(session.NewProvider(memcache.Open), session.NewManagerConfig(opts...))
	}
}

// TestNodeDies kills one of two servers under load. The sessions of the other see nothing of it; those of the dead
// one are errors until it is back, and gone then: they are never taken to the other.
func TestNodeDies(t *testing.T) {
	stays := servertest.StartMemcached(t, servertest.MemcachedOptions{})
	dies := servertest.StartMemcached(t, servertest.MemcachedOptions{})
	m := newManager(t, stays.Addr+";"+dies.Addr, session.CfgOpTimeout(opTimeout))
	l := startLoad(t, m, 16)
	time.Sleep(200 * time.Millisecond)
	dies.Kill(t)
	time.Sleep(100 * time.Millisecond)
	down := make([]bool, len(l.sids))
	for i, sid := range l.sids {
		_, err := m.GetSessionStore(sid)
		if errors.Is(err, session.ErrNotFound) {
			t.Errorf("writer %d: with its server down the session is gone", i)
		}
		down[i] = err != nil
	}
	dies.Start(t)
	time.Sleep(200 * time.Millisecond)
	lost := 0
	for _, d := range down {
		if d {
			lost++
		}
	}
	if lost == 0 || lost == len(down) {
		t.Errorf("%d of %d sessions were on the server that died", lost, len(down))
	}
	l.end(t, func(i int) bool { return down[i] })
}

// TestRestart checks that what was loaded from a server says nothing about the one that is started anew, which counts
// its cas uniques from the beginning.
func TestRestart(t *testing.T) {
	s := servertest.StartMemcached(t, servertest.MemcachedOptions{})
	b, ctx := newNode(t, driver.Config{Config: s.Addr}), t.Context()
	rec := newRecord()
	must(t, b.Create(ctx, key(1), rec)) // cas unique 1
	must(t, b.Save(ctx, key(1), rec))   // 2
	must(t, b.Load(ctx, key(1), rec))   // version 2
	s.Kill(t)
	s.Start(t)
	if err := b.Load(ctx, key(2), new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Load on a connection from before the restart = %v, want ErrNotFound", err)
	}
	must(t, b.Create(ctx, key(2), newRecord())) // 1
	must(t, b.Create(ctx, key(1), newRecord())) // 2, and version 1
	err := b.Save(ctx, key(1), rec)
	if conflict, ok := errors.AsType[*driver.ConflictError](err); !ok || conflict.Record.Version != 1 {
		t.Errorf("Save = %v, want a conflict with version 1", err)
	}
	must(t, b.Delete(ctx, key(1), 0))
	if err := b.Save(ctx, key(1), rec); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Save = %v, want ErrNotFound", err)
	}
}

// TestPings restarts a server behind idle nodes, one of them with an application's client.
func TestPings(t *testing.T) {
	for name, open := range map[string]func(addr string) (driver.Backend, error){
		"provider": func(addr string) (driver.Backend, error) {
			return memcache.Open(t.Context(), driver.Config{Config: addr})
		},
		"own client": func(addr string) (driver.Backend, error) {
			mc := client.New(addr)
			mc.MaxIdleConns = 64
			return memcache.Over(mc, driver.Config{}), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servertest.StartMemcached(t, servertest.MemcachedOptions{})
			p := servertest.NewProxy(t, s.Addr)
			b, err := open(p.Addr)
			must(t, err)
			t.Cleanup(func() { b.(node).Close() })
			faulttest.Pings(t, s, p, b.(node))
		})
	}
}

// TestCancelled checks that each call returns as soon as its context is over, and Close as soon as it is called.
func TestCancelled(t *testing.T) {
	p := servertest.NewProxy(t, empty(t))
	b := newNode(t, driver.Config{Config: `{"servers": ["` + p.Addr + `"], "timeout": "1m"}`})
	rec := newRecord()
	must(t, b.Create(t.Context(), key(1), rec))
	must(t, b.Load(t.Context(), key(1), rec))
	p.Blackhole(true)
	ping := func(ctx context.Context) error { return b.Ping(ctx) }
	for name, call := range map[string]func(ctx context.Context) error{
		"Load":              func(ctx context.Context) error { return b.Load(ctx, key(1), new(driver.Record)) },
		"Create":            func(ctx context.Context) error { return b.Create(ctx, key(2), newRecord()) },
		"Save":              func(ctx context.Context) error { return b.Save(ctx, key(1), rec) },
		"Touch":             func(ctx context.Context) error { return b.Touch(ctx, key(1), rec.Expires) },
		"Delete":            func(ctx context.Context) error { return b.Delete(ctx, key(1), 0) },
		"Delete, a version": func(ctx context.Context) error { return b.Delete(ctx, key(1), 1) },
		"Ping":              ping,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		begin := time.Now()
		err := call(ctx)
		cancel()
		if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took > 10*time.Second {
			t.Errorf("%s: %v after %v", name, err, took)
		}
	}
	waiting := make(chan error)
	go func() { waiting <- ping(context.Background()) }()
	time.Sleep(50 * time.Millisecond)
	begin := time.Now()
	must(t, b.Close())
	if err := <-waiting; !errors.Is(err, session.ErrClosed) || time.Since(begin) > 10*time.Second {
		t.Errorf("a call that Close has ended: %v after %v", err, time.Since(begin))
	}
	if err := ping(t.Context()); !errors.Is(err, session.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	wantNoneLeft(t)
}

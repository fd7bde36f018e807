package redis_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/redis"
)

// TestScriptFlush has the server forget its scripts again and again while sessions are used.
func TestScriptFlush(t *testing.T) {
	addr := empty(t)
	b, c, ctx := node(t, addr, "app"), bare(t, addr), t.Context()
	done := make(chan bool)
	var flushing sync.WaitGroup
	flushing.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				c.ScriptFlush(ctx)
			}
		}
	})
	for i := range 200 {
		rec, user := newRecord("ann"), []string{"ann", "bob", ""}[i%3]
		_, err := b.Reserve(ctx, "ann", key(i), rec.Expires, 2, true)
		must(t, err)
		must(t, b.Create(ctx, key(i), rec))
		rec.User = user
		must(t, b.Save(ctx, key(i), rec))
		must(t, b.Touch(ctx, key(i), rec.Expires.Add(100*time.Hour)))
		if i%2 == 0 {
			must(t, b.Delete(ctx, key(i), 2))
		}
	}
	close(done)
	flushing.Wait()
}

// TestLostAnswer loses the answer to each call, once: what must not run twice does not.
func TestLostAnswer(t *testing.T) {
	addr := empty(t)
	proxy := servertest.NewProxy(t, addr)
	for name, c := range map[string]*goredis.Client{
		"own client": nil,
		"one that repeats": goredis.NewClient(&goredis.Options{
			Addr: proxy.Addr, MaxRetries: 3, ContextTimeoutEnabled: true,
		}),
	} {
		t.Run(name, func(t *testing.T) {
			must(t, bare(t, addr).FlushAll(t.Context()).Err())
			var b driver.Backend
			if c == nil {
				b = node(t, proxy.Addr, "app")
			} else {
				defer c.Close()
				b = opened(t, func(ctx context.Context, cfg driver.Config) (driver.Backend, error) {
					return redis.Over(ctx, c, cfg)
				}, driver.Config{Namespace: "app"})
			}
			ctx, rec, saved := t.Context(), newRecord("ann"), newRecord("ann")
			lost := func(call string, do func() error) {
				t.Helper()
				must(t, b.(driver.Pinger).Ping(ctx)) // a connection is ready
				proxy.ResetAfter(0)
				err := do()
				if _, conflict := errors.AsType[*driver.ConflictError](err); err == nil || conflict ||
					errors.Is(err, session.ErrExists) || errors.Is(err, session.ErrNotFound) {
					t.Errorf("%s = %v, want an error of the connection", call, err)
				}
			}
			lost("Create", func() error { return b.Create(ctx, key(1), rec) })
			must(t, b.Load(ctx, key(1), saved)) // it was stored
			lost("Save", func() error { return b.Save(ctx, key(1), saved) })
			if saved.Version != 1 {
				t.Errorf("version %d after a failed Save, want 1 as before", saved.Version)
			}
			proxy.ResetAfter(0)
			must(t, b.Load(ctx, key(1), rec)) // Load may be made twice
			if rec.Version != 2 {
				t.Errorf("stored: version %d, want 2: once", rec.Version)
			}
			proxy.ResetAfter(0)
			must(t, b.Touch(ctx, key(1), rec.Expires))
			lost("Delete", func() error { return b.Delete(ctx, key(1), 2) })
			mark := driver.Mark{Kind: 1, Expires: rec.Expires}
			lost("Mark where nothing stands", func() error { return b.(driver.Marker).Mark(ctx, key(2), 0, mark) })
			must(t, b.Create(ctx, key(3), newRecord("")))
			lost("Mark", func() error { return b.(driver.Marker).Mark(ctx, key(3), 1, mark) })
			for i := 2; i <= 3; i++ {
				proxy.ResetAfter(0)
				err := b.Load(ctx, key(i), rec)
				if _, marked := errors.AsType[*driver.MarkedError](err); !marked {
					t.Errorf("Load = %v, want a mark: it was put there", err)
				}
			}
			proxy.ResetAfter(0)
			must(t, b.Delete(ctx, key(1), 0))
		})
	}
}

// TestContextOver checks that a context that is over is the error, and that calls end with it.
func TestContextOver(t *testing.T) {
	proxy := servertest.NewProxy(t, empty(t))
	b := node(t, `{"addr": "`+proxy.Addr+`", "dialTimeout": 60, "readTimeout": 60, "writeTimeout": 60}`, "app")
	must(t, b.Create(t.Context(), key(1), newRecord("ann")))
	check := func(ctx context.Context, want error) {
		t.Helper()
		for call, err := range map[string]error{
			"Create": b.Create(ctx, key(2), newRecord("ann")),
			"Load":   b.Load(ctx, key(1), new(driver.Record)),
			"Save":   b.Save(ctx, key(1), newRecord("ann")),
			"Touch":  b.Touch(ctx, key(1), time.Now().Add(time.Hour)),
			"Delete": b.Delete(ctx, key(1), 1),
			"Clear":  b.Clear(ctx),
			"Ping":   b.Ping(ctx),
			"Count":  func() error { _, err := b.Count(ctx); return err }(),
			"Reserve": func() error {
				_, err := b.Reserve(ctx, "ann", key(3), time.Now().Add(time.Hour), 1, true)
				return err
			}(),
		} {
			if !errors.Is(err, want) || strings.Contains(err.Error(), key(1)) {
				t.Errorf("%s = %v, want an error wrapping %q", call, err, want)
			}
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	check(cancelled, context.Canceled)
	proxy.Blackhole(true)
	over, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	check(over, context.DeadlineExceeded)
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("calls took %v with a context of 200ms", took)
	}
}

// TestRefused has the server refuse for a moment, as while it loads its data or before a failover is done.
func TestRefused(t *testing.T) {
	s := servertest.StartRedis(t, servertest.RedisOptions{})
	other := servertest.StartRedis(t, servertest.RedisOptions{})
	b, c, ctx := node(t, s.Addr, "app"), bare(t, s.Addr), t.Context()
	rec := newRecord("ann")
	must(t, b.Create(ctx, key(1), rec))
	must(t, c.Do(ctx, "config", "set", "replica-read-only", "yes").Err())
	host, port, _ := strings.Cut(other.Addr, ":")
	for range 3 {
		must(t, c.ReplicaOf(ctx, "127.0.0.1", "1").Err()) // of nobody: the data stay
		back := time.AfterFunc(300*time.Millisecond, func() { c.ReplicaOf(context.Background(), "no", "one") })
		must(t, b.Save(ctx, key(1), rec))
		must(t, b.Touch(ctx, key(1), rec.Expires.Add(time.Minute)))
		back.Stop()
	}
	if rec.Version != 4 {
		t.Errorf("version %d after three saves, want 4", rec.Version)
	}
	// It stays a replica: the error says so.
	must(t, c.ReplicaOf(ctx, host, port).Err())
	begin := time.Now()
	if err := b.Save(ctx, key(1), rec); !goredis.HasErrorPrefix(err, "READONLY") && !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Save = %v", err)
	}
	if took := time.Since(begin); took > 10*time.Second { // two or three seconds of pauses
		t.Errorf("it took %v", took)
	}
}

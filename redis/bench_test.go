package redis_test

import (
	"context"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/redis"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// floor is a bare call of the client.
func floor(t testing.TB) func(write bool) error {
	c := goredis.NewClient(&goredis.Options{Addr: empty(t)})
	t.Cleanup(func() { c.Close() })
	value, ctx := make([]byte, 128), context.Background()
	must(t, c.Set(ctx, "floor", value, time.Hour).Err())
	return func(write bool) error {
		if write {
			return c.Set(ctx, "floor", value, time.Hour).Err()
		}
		return c.Get(ctx, "floor").Err()
	}
}

func Benchmark(b *testing.B) { sessiontest.Bench(b, harness(redis.Open, empty)) }

// BenchmarkBackend measures each call on one session.
func BenchmarkBackend(b *testing.B) {
	s, ctx := node(b, empty(b), "bench"), context.Background()
	rec := newRecord("")
	rec.Data = make([]byte, 136)
	must(b, s.Create(ctx, key(1), rec))
	run := func(name string, call func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(b, call())
			}
		})
	}
	loaded := *rec
	run("Load", func() error { return s.Load(ctx, key(1), &loaded) })
	run("Save", func() error { return s.Save(ctx, key(1), rec) })
	run("Touch", func() error { return s.Touch(ctx, key(1), rec.Expires) })
	run("Create and Delete", func() error {
		if err := s.Create(ctx, key(2), newRecord("")); err != nil {
			return err
		}
		return s.Delete(ctx, key(2), 1)
	})
	user := newRecord("ann")
	must(b, s.Create(ctx, key(3), user))
	run("Save of a user's", func() error { return s.Save(ctx, key(3), user) })
}

package redis_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
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

// BenchmarkLoads is Load by many goroutines at once.
func BenchmarkLoads(b *testing.B) {
	addr := empty(b)
	for _, mode := range []string{"coalesce", "alone"} {
		s, ctx := node(b, fmt.Sprintf(`{"addr": %q, "coalesce": %t}`, addr, mode == "coalesce"), "bench"), context.Background()
		keys := make([]string, 1000)
		for i := range keys {
			rec := newRecord("")
			rec.Data = make([]byte, 512)
			keys[i] = key(i)
			_ = s.Create(ctx, keys[i], rec)
		}
		for _, goroutines := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("%s/%d", mode, goroutines), func(b *testing.B) {
				b.ReportAllocs()
				b.SetParallelism(max(1, goroutines/runtime.GOMAXPROCS(0)))
				load := func(next func() bool) {
					var rec driver.Record
					for i := 0; next(); i++ {
						must(b, s.Load(ctx, keys[i*7919%len(keys)], &rec))
					}
				}
				if goroutines == 1 {
					n := 0
					load(func() bool { n++; return n <= b.N })
					return
				}
				b.RunParallel(func(pb *testing.PB) { load(pb.Next) })
			})
		}
	}
}

// BenchmarkSize reports what a session takes of the server's memory.
func BenchmarkSize(b *testing.B) {
	sessiontest.BenchSize(b, harness(redis.Open, empty), 50_000, func(b *testing.B) int64 {
		info, err := bare(b, servertest.Redis(b).Addr).Info(context.Background(), "memory").Result()
		must(b, err)
		_, rest, _ := strings.Cut(info, "used_memory:")
		text, _, _ := strings.Cut(rest, "\r")
		bytes, err := strconv.ParseInt(text, 10, 64)
		must(b, err)
		return bytes
	})
}

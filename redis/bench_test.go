package redis_test

import (
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/redis"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func BenchmarkBackend(b *testing.B) {
	s, err := redis.Open(b.Context(), session.BackendConfig{Config: "127.0.0.1:17001", Namespace: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	now := time.Now()
	rec := &session.Record{Created: now, Expires: now.Add(time.Hour), Data: make([]byte, 136)}
	key := sessiontest.Key("x")
	s.Delete(ctx, key, 0)
	if err := s.Create(ctx, key, rec); err != nil {
		b.Fatal(err)
	}
	c := goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:17001"})
	c.Set(ctx, "k", make([]byte, 182), 0)
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c.Get(ctx, "k").Bytes()
		}
	})
	c2 := goredis.NewClient(&goredis.Options{Addr: "127.0.0.1:17001", Protocol: 2, PipelinePoolSize: -1, ContextTimeoutEnabled: true})
	b.Run("get2", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			c2.Get(ctx, "k").Bytes()
		}
	})
	b.Run("Load", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var r session.Record
			if err := s.Load(ctx, key, &r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Save", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Save(ctx, key, rec); err != nil {
				b.Fatal(err)
			}
		}
	})
}

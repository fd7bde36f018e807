//go:build !race

package redis_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/alloctest"
	"github.com/seed1a8f7c28/session/redis"
)

// TestAllocCalls bounds what a call allocates. go-redis itself allocates six times for a GET of a
// constant key.
func TestAllocCalls(t *testing.T) {
	s, ctx, key, next := node(t, empty(t), "alloc"), t.Context(), key(1), key(2)
	rec, other, loaded := newRecord(""), newRecord(""), new(driver.Record)
	must(t, s.Create(ctx, key, rec))
	alloctest.Call(t, "Load", 9, func() error { return s.Load(ctx, key, loaded) })
	alloctest.Call(t, "Save", 12, func() error { return s.Save(ctx, key, rec) })
	alloctest.Call(t, "Save of a user's", 18, func() error { rec.User = "ann"; return s.Save(ctx, key, rec) })
	alloctest.Call(t, "Touch", 9, func() error { return s.Touch(ctx, key, rec.Expires) })
	alloctest.Call(t, "Create and Delete", 26, func() error {
		if err := s.Create(ctx, next, other); err != nil {
			return err
		}
		return s.Delete(ctx, next, 1)
	})
}

func TestAllocs(t *testing.T) { alloctest.Requests(t, harness(redis.Open, empty), 20, 42) }

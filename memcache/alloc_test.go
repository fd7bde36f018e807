//go:build !race

package memcache_test

import (
	"context"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/alloctest"
	"github.com/seed1a8f7c28/session/memcache"
)

// TestAllocCalls bounds what a call allocates. gomemcache itself allocates four times to get an item, and three to store one
// whose numbers are above 255.
func TestAllocCalls(t *testing.T) {
	s, key := newNode(t, driver.Config{Config: empty(t)}), key(1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rec, loaded := newRecord(), new(driver.Record)
	must(t, s.Create(ctx, key, rec))
	alloctest.Call(t, "Load", 8, func() error { return s.Load(ctx, key, loaded) })
	alloctest.Call(t, "Load and Save", 18, func() error {
		if err := s.Load(ctx, key, rec); err != nil {
			return err
		}
		return s.Save(ctx, key, rec)
	})
}

func TestAllocs(t *testing.T) { alloctest.Requests(t, harness(memcache.Open, empty), 21, 44) }

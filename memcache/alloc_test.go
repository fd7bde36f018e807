//go:build !race

package memcache_test

import (
	"context"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/memcache"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// TestAllocCalls bounds what a call allocates. gomemcache itself allocates four times to get an item, and three to store one
// whose numbers are above 255.
func TestAllocCalls(t *testing.T) {
	s, key := newNode(t, driver.Config{Config: empty(t)}), key(1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rec, loaded := newRecord(), new(driver.Record)
	must(t, s.Create(ctx, key, rec))
	for _, tt := range []struct {
		name string
		most float64
		call func() error
	}{
		{"Load", 8, func() error { return s.Load(ctx, key, loaded) }},
		{"Load and Save", 18, func() error {
			if err := s.Load(ctx, key, rec); err != nil {
				return err
			}
			return s.Save(ctx, key, rec)
		}},
	} {
		if n := testing.AllocsPerRun(1000, func() { must(t, tt.call()) }); n > tt.most {
			t.Errorf("%s allocates %v times, want %v at most", tt.name, n, tt.most)
		}
	}
}

func TestAllocW1(t *testing.T) { wantAllocs(t, "W1", 21) }

func TestAllocW2(t *testing.T) { wantAllocs(t, "W2", 44) }

func wantAllocs(t *testing.T, workload string, most float64) {
	t.Helper()
	if n := sessiontest.Allocs(t, harness(memcache.Open, empty), workload); n > most {
		t.Errorf("a request of %s allocates %v times, want %v at most", workload, n, most)
	}
}

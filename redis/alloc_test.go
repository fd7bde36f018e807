//go:build !race

package redis_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/redis"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// TestAllocCalls bounds what a call allocates. go-redis itself allocates six times for a GET of a
// constant key.
func TestAllocCalls(t *testing.T) {
	s, ctx, key, next := node(t, empty(t), "alloc"), t.Context(), key(1), key(2)
	rec, other, loaded := newRecord(""), newRecord(""), new(driver.Record)
	must(t, s.Create(ctx, key, rec))
	for _, tt := range []struct {
		name string
		most float64
		call func() error
	}{
		{"Load", 9, func() error { return s.Load(ctx, key, loaded) }},
		{"Save", 12, func() error { return s.Save(ctx, key, rec) }},
		{"Save of a user's", 18, func() error { rec.User = "ann"; return s.Save(ctx, key, rec) }},
		{"Touch", 9, func() error { return s.Touch(ctx, key, rec.Expires) }},
		{"Create and Delete", 26, func() error {
			if err := s.Create(ctx, next, other); err != nil {
				return err
			}
			return s.Delete(ctx, next, 1)
		}},
	} {
		if n := testing.AllocsPerRun(1000, func() { must(t, tt.call()) }); n > tt.most {
			t.Errorf("%s allocates %v times, want %v at most", tt.name, n, tt.most)
		}
	}
}

func TestAllocW1(t *testing.T) { wantAllocs(t, "W1", 20) }

func TestAllocW2(t *testing.T) { wantAllocs(t, "W2", 42) }

func wantAllocs(t *testing.T, workload string, most float64) {
	t.Helper()
	if n := sessiontest.Allocs(t, harness(redis.Open, empty), workload); n > most {
		t.Errorf("a request of %s allocates %v times, want %v at most", workload, n, most)
	}
}

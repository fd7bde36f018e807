//go:build !race

package pgx_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/sessiontest"
)

// TestAllocs counts what requests allocate, over both ways to pgx.
func TestAllocs(t *testing.T) {
	for _, tt := range []struct {
		name, workload string
		h              sessiontest.Harness
		most           float64
	}{
		{"native", "W1", native.Harness(), 34},
		{"native", "W2", native.Harness(), 72},
		{"sql.DB", "W1", engine.Harness(), 72},
	} {
		if n := sessiontest.Allocs(t, tt.h, tt.workload); n > tt.most {
			t.Errorf("%s: a request of %s allocates %v times, want %v at most", tt.name, tt.workload, n, tt.most)
		} else {
			t.Logf("%s, %s: %v", tt.name, tt.workload, n)
		}
	}
}

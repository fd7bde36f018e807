package sqltest

import (
	"testing"

	"github.com/seed1a8f7c28/session/sessiontest"
)

// Allocs checks how often a request of W1, which reads a value, and one of W2, which also changes it, allocate at most. See
// [sessiontest.Bench].
func Allocs(t *testing.T, h sessiontest.Harness, w1, w2 float64) {
	for workload, most := range map[string]float64{"W1": w1, "W2": w2} {
		if n := sessiontest.Allocs(t, h, workload); n > most {
			t.Errorf("a request of %s allocates %v times, want %v at most", workload, n, most)
		}
	}
}

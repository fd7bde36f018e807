// Package alloctest limits how often code allocates. Its tests must not be built with the race detector, which allocates too.
package alloctest

import (
	"testing"

	"github.com/seed1a8f7c28/session/sessiontest"
)

// Requests checks that a request of W1, which reads a value, and one of W2, which also changes it, allocate at most that often: see
// [sessiontest.Bench].
func Requests(t *testing.T, h sessiontest.Harness, w1, w2 float64) {
	for workload, most := range map[string]float64{"W1": w1, "W2": w2} {
		if n := sessiontest.Allocs(t, h, workload); n > most {
			t.Errorf("a request of %s allocates %v times, want %v at most", workload, n, most)
		}
	}
}

// Call checks that a call, which must not fail, allocates at most that often.
func Call(t *testing.T, name string, most float64, call func() error) {
	t.Helper()
	n := testing.AllocsPerRun(1000, func() {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	})
	if n > most {
		t.Errorf("%s allocates %v times, want %v at most", name, n, most)
	}
}

//go:build !race

package memory_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestAllocW1(t *testing.T) { wantAllocs(t, "W1", 2) }

func TestAllocW2(t *testing.T) { wantAllocs(t, "W2", 5) }

func wantAllocs(t *testing.T, workload string, most float64) {
	t.Helper()
	if n := sessiontest.Allocs(t, oneNode, workload); n > most {
		t.Errorf("a request of %s allocates %v times, want %v at most", workload, n, most)
	}
}

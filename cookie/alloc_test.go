//go:build !race

package cookie_test

import "testing"

// Under the race detector memory is not reused, so that it cannot be counted there.
func TestAllocs(t *testing.T) {
	v := newVisitor(t)
	for _, tt := range []struct {
		name  string
		write bool
		most  float64
	}{{"W5", false, 6}, {"W6", true, 13}} {
		if n := testing.AllocsPerRun(1000, func() { v.request(t, tt.write) }); n > tt.most {
			t.Errorf("%s: %v allocations, want at most %v", tt.name, n, tt.most)
		}
	}
}

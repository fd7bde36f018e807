//go:build !race

package cookie_test

import (
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session/cookie"
	"github.com/seed1a8f7c28/session/driver"
)

// Under the race detector memory is not reused, so that it cannot be counted there.
func TestAllocs(t *testing.T) {
	v := newVisitor(t)
	for _, tt := range []struct {
		name           string
		work           workload
		start, handler float64
	}{{"W3", begins, 56, 17}, {"W5", reads, 5, 6}, {"W6", writes, 13, 12}} {
		if n := testing.AllocsPerRun(1000, func() { v.start(t, tt.work) }); n > tt.start {
			t.Errorf("%s by Start: %v allocations, want at most %v", tt.name, n, tt.start)
		}
		if n := testing.AllocsPerRun(1000, func() { v.handle(tt.work) }); n > tt.handler {
			t.Errorf("%s under Handler: %v allocations, want at most %v", tt.name, n, tt.handler)
		}
	}
}

// A record is put together in memory that is used again, whichever of its parts is the long one.
func TestAllocsOfSeal(t *testing.T) {
	s, err := cookie.Open(t.Context(), driver.Config{Config: oneKey})
	if err != nil {
		t.Fatal(err)
	}
	most := strings.Repeat("x", 1000)
	for what, rec := range map[string]driver.Record{
		"user": {User: most}, "alias": {Alias: most}, "metadata": {Meta: []byte(most)}, "data": {Data: []byte(most)},
	} {
		dst := make([]byte, 0, 4096)
		n := testing.AllocsPerRun(1000, func() { _, err = s.Seal(dst, "name", &rec) })
		if err != nil || n > 0 {
			t.Errorf("%s: %v allocations, %v; want none", what, n, err)
		}
	}
}

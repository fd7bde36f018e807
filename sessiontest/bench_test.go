package sessiontest

import (
	"slices"
	"testing"
)

func BenchmarkSealer(b *testing.B) { Bench(b, Harness{Sealer: openSealer}) }

// TestBench checks that the handlers do their work, and that what is around them allocates nothing.
func TestBench(t *testing.T) {
	for _, h := range []Harness{inMemory, {Sealer: openSealer}} {
		for _, w := range workloads {
			name, ok := w.named(h)
			if !ok {
				continue
			}
			for _, s := range []*subject{newSubject(t, h, w), newFloor(t, h, w)} {
				c := s.client()
				for n := range 20 {
					c.request(n)
				}
				if c.err != nil {
					t.Errorf("%s: %v", name, c.err)
				}
			}
		}
	}
	read := workloads[slices.IndexFunc(workloads, func(w workload) bool { return w.name == "W1" })]
	c := newFloor(t, inMemory, read).client()
	if n := testing.AllocsPerRun(100, func() { c.request(0) }); n > 0 {
		t.Errorf("a client allocates %v times a request, want 0", n)
	}
}

func TestBenchUsesFloor(t *testing.T) {
	reads, writes := 0, 0
	h := inMemory
	h.Floor = func(testing.TB) func(bool) error {
		return func(write bool) error {
			if write {
				writes++
			} else {
				reads++
			}
			return nil
		}
	}
	for _, w := range workloads {
		newFloor(t, h, w).client().request(9)
	}
	if reads != 5 || writes != 4 {
		t.Errorf("Floor was called for %d reads and %d writes, want 5 and 4", reads, writes)
	}
}

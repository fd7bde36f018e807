package session

import "testing"

// An int has 32 bits on some machines.
func TestIntegersOfFewerBits(t *testing.T) {
	for _, tt := range []struct {
		stored any
		want   int32
		fits   bool
	}{
		{int64(1<<31 - 1), 1<<31 - 1, true},
		{int64(-1 << 31), -1 << 31, true},
		{int64(1 << 31), 0, false},
		{int64(-1<<31 - 1), 0, false},
		{int64(1 << 32), 0, false},
		{int64(-1 << 32), 0, false},
		{uint64(1<<32 + 5), 0, false},
	} {
		if got, err := asInteger[int32](tt.stored, false); got != tt.want || (err == nil) != tt.fits {
			t.Errorf("%v = %v, %v", tt.stored, got, err)
		}
	}
}

package file

import (
	"testing"
	"time"
)

// TestLooks looks at an unfinished file of beego's: not the time makes it one that stays so, but the looks.
func TestLooks(t *testing.T) {
	begin := time.Now()
	for _, tt := range []struct {
		name  string
		looks []time.Duration // when
		stays bool            // says the last one
	}{
		{"once", []time.Duration{0}, false},
		{"again after a second, in which it may have been cut anew", []time.Duration{0, time.Second}, false},
		{"twice in a cut, and then again", []time.Duration{0, time.Millisecond, time.Second}, false},
		{"every millisecond", every(time.Millisecond, 1001), true},
		{"every millisecond, for too short", every(time.Millisecond, 1000), false},
		{"now and then, for long", every(time.Second, 101), true},
		{"now and then, for too short", every(time.Second, 100), false},
	} {
		var l looks
		stays := false
		for i, at := range tt.looks {
			if stays = l.enough(begin, begin.Add(at)); stays && i < len(tt.looks)-1 {
				t.Errorf("%s: it stays unfinished, says look %d", tt.name, i)
			}
		}
		if stays != tt.stays {
			t.Errorf("%s: it stays unfinished: %t, want %t", tt.name, stays, tt.stays)
		}
		if l.enough(begin.Add(time.Microsecond), begin.Add(time.Hour)) {
			t.Errorf("%s: nothing counts that was before a change", tt.name)
		}
	}
}

// every returns n times.
func every(d time.Duration, n int) (times []time.Duration) {
	for i := range n {
		times = append(times, time.Duration(i)*d)
	}
	return times
}

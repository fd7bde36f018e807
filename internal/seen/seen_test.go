package seen

import (
	"strconv"
	"testing"
	"time"
)

func TestSeen(t *testing.T) {
	var s Map[uint64]
	now := time.Now()
	take := func(key string, version, want uint64) {
		t.Helper()
		at, ok := s.Take(key, version, now)
		if ok != (want != 0) || ok && at.State != want {
			t.Errorf("take(%q, %d) = %v, %t, want %d", key, version, at, ok, want)
		}
	}
	put := func(key string, version, cas uint64, left time.Duration) {
		s.Put(key, At[uint64]{version, now.Add(left), cas})
	}
	take("a", 1, 0)
	put("a", 1, 10, 1)
	put("b", 1, 20, 1)
	take("a", 2, 0)
	take("a", 1, 10)
	take("a", 1, 0)
	put("b", 2, 21, 1)
	take("b", 1, 0)
	take("b", 2, 21)
	put("c", 1, 30, 0)
	take("c", 1, 0) // expired

	put("a", 1, 11, 1)
	for i := range Most {
		put(strconv.Itoa(i), 1, 1, 1)
	}
	put("a", 2, 12, 1) // a second one, among the young
	take("a", 2, 12)
	take("a", 1, 0)
	put("a", 3, 13, 1)
	for i := range 3 * Most {
		put(strconv.Itoa(i), 1, 1, 1)
		if n := len(s.young) + len(s.old); n > 2*Most {
			t.Fatalf("%d are kept", n)
		}
	}
	take("a", 3, 0) // forgotten
	put("a", 5, 15, 1)
	take("a", 0, 15) // of any version
	take("a", 5, 0)
	put("a", 4, 14, 1)
	take("a", 4, 14)
	for range 2 { // also after a Take
		if at, ok := s.Peek("a"); !ok || at.State != 14 {
			t.Errorf("Peek = %v, %t", at, ok)
		}
	}
	if _, ok := s.Peek("nothing"); ok {
		t.Error("Peek knows what was never put")
	}
	put("a", 4, 15, 1)
	s.Forget("a")
	take("a", 4, 0)
	put("a", 4, 16, 1)
	s.Clear()
	take("a", 4, 0)

	s.Newer = func(is, than uint64) bool { return is > than }
	put("a", 4, 17, 1)
	put("a", 3, 16, 1)
	take("a", 3, 0)
	take("a", 4, 17)
	put("a", 4, 17, 1) // loaded once more
	take("a", 4, 17)
}

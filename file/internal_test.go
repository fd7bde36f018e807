package file

import (
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

func newTestStore(t *testing.T, dir string, fsync policy) *store {
	t.Helper()
	s, err := open(config{path: dir, fsync: fsync}, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func testRecord(user, data string) *driver.Record {
	return &driver.Record{User: user, Expires: time.Now().Add(time.Hour).Truncate(time.Millisecond), Data: []byte(data)}
}

func mustPlace(t *testing.T, s *store, key string) place {
	t.Helper()
	p, ok := s.place(key)
	if !ok {
		t.Fatalf("no place for %q", key)
	}
	return p
}

func keys(t *testing.T, list func(func(driver.Entry, error) bool)) []string {
	t.Helper()
	var found []string
	for entry, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, entry.Key)
	}
	slices.Sort(found)
	return found
}

// markers returns how many markers there are, of both indexes.
func markers(t *testing.T, s *store) int {
	t.Helper()
	n := 0
	for _, x := range s.indexes {
		uppers, _ := s.names(x.dir, true)
		for _, upper := range uppers {
			terms, _ := s.names(x.dir+"/"+upper, true)
			for _, term := range terms {
				names, _ := s.names(x.dir+"/"+upper+"/"+term, false)
				n += len(names)
			}
		}
	}
	return n
}

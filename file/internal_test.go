package file

import (
	"errors"
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

// contentOf returns what the file of a key contains.
func contentOf(t *testing.T, s *store, key string) []byte {
	t.Helper()
	f, size, err := openSession(s.home.root(), mustPlace(t, s, key).path, readOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := new(buffer).readAll(f, size, maxSize)
	if err != nil {
		t.Fatal(err)
	}
	return st.content
}

// putContent makes the file at p, or replaces it, by one with slots or by a plain one, as earlier versions wrote them.
func putContent(s *store, p place, content []byte, plain bool) error {
	if plain {
		return errors.Join(s.makeDir(p), s.home.root().WriteFile(p.path, content, 0o600))
	}
	return errors.Join(s.makeDir(p), s.replaceFile(p, append(make([]byte, newHead), content...)))
}

// slottedIn returns a file with slots that has had the given contents, one after the other, the last of them whole.
func slottedIn(contents ...string) []byte {
	most := 0
	for _, content := range contents {
		most = max(most, len(content))
	}
	size := slotFor(most)
	file := append(make([]byte, newHead), contents[0]...)
	fillSlotted(file, size)
	for i, content := range contents[1:] {
		b := append(make([]byte, slotHead), content...)
		fillSlot(b, uint64(i+2))
		at := slottedHead + (i+1)%2*size
		file = append(file, make([]byte, max(0, at+len(b)-len(file)))...)
		copy(file[at:], b)
	}
	return file
}

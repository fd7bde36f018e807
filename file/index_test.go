package file

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// A term is what one of the indexes is of.
type term struct {
	index func(s *store) *index
	list  func(s *store, ctx context.Context, term string) iter.Seq2[driver.Entry, error]
	set   func(rec *driver.Record, term string)
}

func (of term) record(term string) *driver.Record {
	rec := testRecord("", "x")
	of.set(rec, term)
	return rec
}

// ofTerms runs a test for each index.
func ofTerms(t *testing.T, test func(t *testing.T, of term)) {
	t.Run("users", func(t *testing.T) {
		test(t, term{
			func(s *store) *index { return s.users }, (*store).ListUser,
			func(rec *driver.Record, user string) { rec.User = user },
		})
	})
	t.Run("aliases", func(t *testing.T) {
		test(t, term{
			func(s *store) *index { return s.aliases }, (*store).ListAlias,
			func(rec *driver.Record, alias string) { rec.Alias = alias },
		})
	})
}

// TestIndexHeals takes markers away, and adds some: a sweep brings them back, or removes them.
func TestIndexHeals(t *testing.T) { ofTerms(t, testIndexHeals) }

func testIndexHeals(t *testing.T, of term) {
	s := newTestStore(t, t.TempDir(), none)
	x := of.index(s)
	ctx := t.Context()
	for _, key := range []string{"a", "b", "c"} {
		if err := s.Create(ctx, key, of.record("ann")); err != nil {
			t.Fatal(err)
		}
	}
	x.remove("ann", mustPlace(t, s, "a").name())
	for _, term := range []string{"ann", "bob"} {
		for _, key := range []string{"b", "gone"} {
			if _, err := x.add(term, mustPlace(t, s, key).name()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := keys(t, of.list(s, ctx, "bob")); len(got) != 0 {
		t.Errorf("before the sweep bob has %q: not verified", got)
	}
	if removed, err := s.Sweep(ctx, nil); removed != 0 || err != nil {
		t.Errorf("Sweep = %d, %v", removed, err)
	}
	if got := keys(t, of.list(s, ctx, "ann")); !slices.Equal(got, []string{"a", "b", "c"}) || markers(t, s) != 3 {
		t.Errorf("after the sweep ann has %q, and there are %d markers", got, markers(t, s))
	}
	if _, err := s.home.root().Lstat(x.folder("bob")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of a term without sessions is still there (%v)", err)
	}
}

// TestIndexFollows checks that there is a marker for each live session of a user and no other, whatever the
// calls were.
func TestIndexFollows(t *testing.T) { ofTerms(t, testIndexFollows) }

func testIndexFollows(t *testing.T, of term) {
	s := newTestStore(t, t.TempDir(), none)
	ctx := t.Context()
	rec := of.record("ann")
	want := func(after string, ann, bob []string) {
		t.Helper()
		if got := keys(t, of.list(s, ctx, "ann")); !slices.Equal(got, ann) {
			t.Errorf("after %s ann has %q, want %q", after, got, ann)
		}
		if got := keys(t, of.list(s, ctx, "bob")); !slices.Equal(got, bob) {
			t.Errorf("after %s bob has %q, want %q", after, got, bob)
		}
		if n := markers(t, s); n != len(ann)+len(bob) {
			t.Errorf("after %s there are %d markers, want %d", after, n, len(ann)+len(bob))
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(s.Create(ctx, "1", rec))
	do(s.Create(ctx, "2", testRecord("", "x")))
	want("Create", []string{"1"}, nil)
	if got := keys(t, of.list(s, ctx, "")); !slices.Equal(got, []string{"2"}) {
		t.Errorf("nobody has %q, want 2", got)
	}
	of.set(rec, "bob")
	do(s.Save(ctx, "1", rec))
	want("Save", nil, []string{"1"})
	do(s.Rename(ctx, "1", 2, "3", of.record("ann"), driver.Mark{}))
	want("Rename", []string{"3"}, nil)
	do(s.Rename(ctx, "3", 1, "4", of.record("ann"), driver.Mark{}))
	want("Rename of the same user", []string{"4"}, nil)
	brief := of.record("bob")
	brief.Expires = time.Now().Add(-time.Second)
	do(s.Create(ctx, "5", brief))
	do(s.Rename(ctx, "4", 1, "5", of.record("ann"), driver.Mark{}))
	want("Rename to an expired one", []string{"5"}, nil)
	do(s.Delete(ctx, "5", 0))
	want("Delete", nil, nil)
	do(s.Create(ctx, "6", brief))
	do(s.Create(ctx, "6", of.record("ann")))
	want("Create of an expired one", []string{"6"}, nil)
	do(s.Create(ctx, "7", brief))
	if removed, err := s.Sweep(ctx, nil); removed != 1 || err != nil {
		t.Errorf("Sweep = %d, %v", removed, err)
	}
	want("Sweep", []string{"6"}, nil)
}

// TestUserFolderGoes has a user's sessions come and go, so that the folder of the markers does, while it is read.
func TestUserFolderGoes(t *testing.T) {
	s := newTestStore(t, t.TempDir(), none)
	done := make(chan struct{})
	var marking, reading sync.WaitGroup
	for i := range 4 {
		name := mustPlace(t, s, fmt.Sprint("k ", i)).name()
		marking.Go(func() {
			for range 1500 {
				if _, err := s.users.add("ann", name); err != nil {
					t.Errorf("add: %v", err)
					return
				}
				s.users.remove("ann", name)
			}
		})
	}
	for range 2 {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := s.names(s.users.folder("ann"), false); err != nil {
					t.Errorf("names: %v", err)
					return
				}
			}
		})
	}
	marking.Wait()
	close(done)
	reading.Wait()
}

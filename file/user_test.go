package file

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestIndexHeals takes markers away, and adds some: a sweep brings them back, or removes them.
func TestIndexHeals(t *testing.T) {
	s := newTestStore(t, t.TempDir(), none)
	ctx := t.Context()
	for _, key := range []string{"a", "b", "c"} {
		if err := s.Create(ctx, key, testRecord("ann", "x")); err != nil {
			t.Fatal(err)
		}
	}
	s.unmark("ann", mustPlace(t, s, "a").name())
	for _, user := range []string{"ann", "bob"} {
		for _, key := range []string{"b", "gone"} {
			if _, err := s.mark(user, mustPlace(t, s, key).name()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := keys(t, s.ListUser(ctx, "bob")); len(got) != 0 {
		t.Errorf("before the sweep bob has %q: not verified", got)
	}
	if removed, err := s.Sweep(ctx, nil); removed != 0 || err != nil {
		t.Errorf("Sweep = %d, %v", removed, err)
	}
	if got := keys(t, s.ListUser(ctx, "ann")); !slices.Equal(got, []string{"a", "b", "c"}) || markers(t, s) != 3 {
		t.Errorf("after the sweep ann has %q, and there are %d markers", got, markers(t, s))
	}
	if _, err := s.root.Lstat(s.userFolder("bob")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of a user without sessions is still there (%v)", err)
	}
}

// TestIndexFollows checks that there is a marker for each live session of a user and no other, whatever the
// calls were.
func TestIndexFollows(t *testing.T) {
	s := newTestStore(t, t.TempDir(), none)
	ctx := t.Context()
	rec := testRecord("ann", "x")
	want := func(after string, ann, bob []string) {
		t.Helper()
		if got := keys(t, s.ListUser(ctx, "ann")); !slices.Equal(got, ann) {
			t.Errorf("after %s ann has %q, want %q", after, got, ann)
		}
		if got := keys(t, s.ListUser(ctx, "bob")); !slices.Equal(got, bob) {
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
	if got := keys(t, s.ListUser(ctx, "")); !slices.Equal(got, []string{"2"}) {
		t.Errorf("nobody has %q, want 2", got)
	}
	rec.User = "bob"
	do(s.Save(ctx, "1", rec))
	want("Save", nil, []string{"1"})
	do(s.Rename(ctx, "1", 2, "3", testRecord("ann", "x")))
	want("Rename", []string{"3"}, nil)
	do(s.Rename(ctx, "3", 1, "4", testRecord("ann", "x")))
	want("Rename of the same user", []string{"4"}, nil)
	brief := testRecord("bob", "x")
	brief.Expires = time.Now().Add(-time.Second)
	do(s.Create(ctx, "5", brief))
	do(s.Rename(ctx, "4", 1, "5", testRecord("ann", "x")))
	want("Rename to an expired one", []string{"5"}, nil)
	do(s.Delete(ctx, "5", 0))
	want("Delete", nil, nil)
	do(s.Create(ctx, "6", brief))
	do(s.Create(ctx, "6", testRecord("ann", "x")))
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
				if _, err := s.mark("ann", name); err != nil {
					t.Errorf("mark: %v", err)
					return
				}
				s.unmark("ann", name)
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
				if _, err := s.names(s.userFolder("ann"), false); err != nil {
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

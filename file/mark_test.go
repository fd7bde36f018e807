package file

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
)

// TestMarkFails checks that a Rename whose mark cannot be written leaves none, and is done.
func TestMarkFails(t *testing.T) {
	s := newTestStore(t, t.TempDir(), files)
	ctx := t.Context()
	if err := s.Create(ctx, "k", testRecord("ann", "old")); err != nil {
		t.Fatal(err)
	}
	synced := syncsOf(s)
	flush := s.flush
	s.flush = func(f *os.File) error {
		if err := flush(f); err != nil {
			return err
		}
		b, err := os.ReadFile(f.Name())
		if err == nil && strings.Contains(string(b), "ses1\xff") {
			err = syscall.EIO
		}
		return err
	}
	if err := s.Rename(ctx, "k", 1, "l", testRecord("ann", "new"), testMark("l")); err != nil || synced.String() != "ttt" {
		t.Errorf("Rename: %v, synced %q", err, synced)
	}
	if _, marked := errors.AsType[*driver.MarkedError](s.Load(ctx, "k", new(driver.Record))); marked {
		t.Error("there is a mark")
	}
	if got := keys(t, s.ListUser(ctx, "ann")); !slices.Equal(got, []string{"l"}) {
		t.Errorf("ann has %q, want l", got)
	}
	noTemps(t, s)
}

// TestFailureLeavesNoMark has a Rename fail in each of its steps: the record is there, and no mark.
func TestFailureLeavesNoMark(t *testing.T) {
	for _, fails := range []string{"t", "tt", "ttd", "ttdd"} {
		s := newTestStore(t, t.TempDir(), full)
		ctx := t.Context()
		if err := s.Create(ctx, "k", testRecord("", "old")); err != nil {
			t.Fatal(err)
		}
		if err := s.mkdirs(mustPlace(t, s, "l").dir()); err != nil {
			t.Fatal(err)
		}
		synced := syncsOf(s)
		flush := s.flush
		s.flush = func(f *os.File) error {
			if err := flush(f); err != nil || synced.String() != fails {
				return err
			}
			return syscall.EIO
		}
		err := s.Rename(ctx, "k", 1, "l", testRecord("", "new"), testMark("l"))
		if fails == "tt" { // the mark's own
			if err != nil {
				t.Errorf("Rename with a fault at %q: %v", fails, err)
			}
			continue
		}
		var got driver.Record
		if loaded := s.Load(ctx, "k", &got); !errors.Is(err, syscall.EIO) || loaded != nil || string(got.Data) != "old" {
			t.Errorf("a fault at %q: %v; Load: %v, %q", fails, err, loaded, got.Data)
		}
		noTemps(t, s)
	}
}

// noTemps checks that there is no temporary file.
func noTemps(t *testing.T, s *store) {
	t.Helper()
	for dir, err := range s.dirs(t.Context()) {
		names, _ := s.names(dir.path, false)
		if err != nil || slices.ContainsFunc(names, isTemp) {
			t.Errorf("a temporary file remains: %q, %v", names, err)
		}
	}
}

//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package file_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// Somebody has put a folder, or a link, in the place of a session's file: the user's other sessions are listed and limited as
// before, or who wrote it would keep them all from being ended.
func TestNothingInPlaceHidesOthers(t *testing.T) {
	for what, tt := range map[string]struct {
		plant func(path string) error
		stays bool
	}{
		"a folder":                     {func(path string) error { return os.Mkdir(path, 0o700) }, true},
		"a folder with a file":         {func(path string) error { return os.MkdirAll(path+"/x", 0o700) }, true},
		"a link to itself":             {func(path string) error { return os.Symlink(filepath.Base(path), path) }, false},
		"a link that leads out":        {func(path string) error { return os.Symlink("/etc/passwd", path) }, false},
		"a link to a folder":           {func(path string) error { return os.Symlink("../locks", path) }, false},
		"a link to another file":       {func(path string) error { return os.Symlink("../locks/00", path) }, false},
		"a link to nothing":            {func(path string) error { return os.Symlink("nothing/there", path) }, false},
		"a file that nobody can write": {func(path string) error { return os.WriteFile(path, []byte("no record"), 0o400) }, false},
	} {
		t.Run(what, func(t *testing.T) {
			ctx, dir, key := t.Context(), t.TempDir(), sessiontest.Key("a")
			s := open(t, dir)
			for _, key := range []string{key, sessiontest.Key("b")} {
				rec := newRecord(time.Hour)
				rec.User = "ann"
				if err := s.Create(ctx, key, rec); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(dir, folder, sessionName("a")[:2], sessionName("a"))
			if err := errors.Join(os.Remove(path), tt.plant(path)); err != nil {
				t.Fatal(err)
			}
			if err := s.Load(ctx, key, new(driver.Record)); !errors.Is(err, session.ErrCorrupt) && !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Load = %v", err)
			}
			if !listsUser(t, s, "ann", sessiontest.Key("b")) {
				t.Error("the user's other session is not listed")
			}
			if err := reserve(t, s, "ann", sessiontest.Key("c"), 2); err != nil {
				t.Errorf("Reserve: %v", err)
			}
			if n, err := s.(driver.Sweeper).Sweep(ctx, nil); n != 0 || err != nil {
				t.Errorf("Sweep = %d, %v", n, err)
			}
			if err := s.Delete(ctx, key, 0); (err != nil) != tt.stays {
				t.Errorf("Delete = %v", err)
			}
		})
	}
}

// A file to lock is a link into a folder that is missing: what would make the file makes none, again and again.
func TestLinkInPlaceOfLock(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	locks, err := filepath.Glob(filepath.Join(dir, folder, "locks", "??"))
	if err != nil || len(locks) == 0 {
		t.Fatalf("%d files to lock, %v", len(locks), err)
	}
	for _, path := range locks {
		if err := errors.Join(os.Remove(path), os.Symlink("missing/lock", path)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	inTime(t, func() {
		if err := s.Create(ctx, sessiontest.Key("a"), newRecord(time.Hour)); err == nil {
			t.Error("Create locks nothing")
		}
	})
}

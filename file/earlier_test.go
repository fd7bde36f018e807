package file

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// TestEarlierFolder opens the folder of an earlier version: it stays in use, with its sessions where they were.
func TestEarlierFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "sessions"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := newTestStore(t, dir, none)
	ctx, p := t.Context(), mustPlace(t, s, "k")
	if strings.Count(p.path, "/") != 2 {
		t.Fatalf("a session's place is %q", p.path)
	}
	rec := testRecord("ann", "data")
	rec.Version = 3
	content, err := rec.AppendBinary(nil)
	if err = errors.Join(err, putContent(s, p, content, true)); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(ctx, "k", rec); err != nil || rec.Version != 4 {
		t.Errorf("Save: %v", err)
	}
	if err := s.Create(ctx, "l", testRecord("ann", "new")); err != nil {
		t.Errorf("Create: %v", err)
	}
	for _, key := range []string{"k", "l"} {
		if _, err := os.Stat(filepath.Join(dir, "sessions", mustPlace(t, s, key).path)); err != nil {
			t.Errorf("the session %s: %v", key, err)
		}
	}
	if got := keys(t, s.List(ctx)); len(got) != 2 {
		t.Errorf("List: %q", got)
	}
	if n, err := s.Sweep(ctx, nil); n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v", n, err)
	}
	if err := s.Rename(ctx, "k", 4, "m", testRecord("ann", "x"), testMark("m")); err != nil {
		t.Errorf("Rename: %v", err)
	}
	if err := s.Clear(ctx); err != nil || len(keys(t, s.List(ctx))) != 0 {
		t.Errorf("Clear: %v", err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(names) != 1 {
		t.Errorf("beside the folder: %q, %v", names, err)
	}
}

// TestEarlierVersionFails opens and reads a new folder as an earlier version does: nothing seems to be missing, everything
// fails.
func TestEarlierVersionFails(t *testing.T) {
	for _, namespace := range []string{"", "app"} {
		dir := t.TempDir()
		for range 2 { // as it is made, and as it is opened again
			s, err := open(config{path: dir}, namespace)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Create(t.Context(), "k", testRecord("", "x")); err != nil && !errors.Is(err, session.ErrExists) {
				t.Fatal(err)
			}
			s.Close()
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		old := namespaceFolder(namespace)
		if _, err := root.Open(old + "/3f/a0/3fa0"); err == nil || errors.Is(err, os.ErrNotExist) {
			t.Errorf("Open of a session = %v, want an error that is no miss", err)
		}
		if err := ownFolder(root, old); err == nil || !strings.Contains(err.Error(), old) {
			t.Errorf("opening the folder: %v, want an error that names it", err)
		}
	}
}

// TestEarlierFolderRemoved removes the folder of an earlier version from a running store, and has another process make a new
// one: both use the same.
func TestEarlierFolderRemoved(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "sessions"), 0o700); err != nil {
		t.Fatal(err)
	}
	a := newTestStore(t, dir, none)
	if err := a.Create(t.Context(), "k", testRecord("", "x")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "sessions")); err != nil {
		t.Skipf("a folder in use cannot be removed: %v", err)
	}
	b := newTestStore(t, dir, none)
	if err := b.Create(t.Context(), "k", testRecord("", "y")); err != nil {
		t.Fatal(err)
	}
	var rec driver.Record
	if err := a.Load(t.Context(), "k", &rec); err != nil || string(rec.Data) != "y" {
		t.Errorf("Load = %v, %q", err, rec.Data)
	}
	if err := a.Create(t.Context(), "l", testRecord("", "z")); err != nil {
		t.Fatal(err)
	}
	if err := b.Touch(t.Context(), "l", time.Now().Add(2*time.Hour)); err != nil {
		t.Errorf("Touch on the other node: %v", err)
	}
}

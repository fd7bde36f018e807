//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package file_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// Somebody has put pipes in place of a session's file and of those that are locked. To open one for reading takes until
// somebody writes, unless it is asked for otherwise.
func TestPipesStopNobody(t *testing.T) {
	dir := t.TempDir()
	key := sessiontest.Key("a")
	if err := open(t, dir).Create(t.Context(), key, newRecord(time.Hour)); err != nil {
		t.Fatal(err)
	}
	pipes := plantPipes(t, dir)
	if len(pipes) < 2 {
		t.Fatalf("a session and a lock should be there: %q", pipes)
	}
	s := open(t, dir) // a node that has opened none of them
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx := context.Background()
		rec := newRecord(time.Hour)
		rec.Version = 1
		if err := s.Load(ctx, key, new(driver.Record)); err == nil {
			t.Error("a pipe was read as a session")
		}
		for _, err := range s.(driver.Lister).List(ctx) {
			_ = err
		}
		_ = s.Save(ctx, key, rec)
		_ = s.Touch(ctx, key, time.Now().Add(2*time.Hour))
		if err := s.Delete(ctx, key, 0); err != nil {
			t.Errorf("Delete: %v", err)
		}
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		// Close waits for whoever has a lock, so that the test cannot go on.
		panic("a pipe is waited for")
	}
}

// plantPipes puts pipes in place of all files, and returns them.
func plantPipes(t *testing.T, dir string) (pipes []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		pipes = append(pipes, path)
		if err := os.Remove(path); err != nil {
			return err
		}
		return syscall.Mkfifo(path, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return pipes
}

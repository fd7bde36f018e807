//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package file_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/file"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// Somebody has put a pipe in the place of a file, or of a folder. To open it takes until somebody opens the other end, and
// to read it until somebody writes, unless it is asked for otherwise. No call waits for that.
func TestPipesStopNobody(t *testing.T) {
	for _, place := range []string{
		"??/*", "??", "users/??/*/*", "users/??/*", "users/??", "users", "aliases/??/*/*", "aliases/??/*", "locks/??", "locks", "", "../sessions",
	} {
		for _, held := range []bool{false, true} {
			t.Run(place, func(t *testing.T) {
				dir := t.TempDir()
				s := open(t, dir)
				rec := newRecord(time.Hour)
				rec.User, rec.Alias = "ann", "https://issuer.example 7"
				if err := s.Create(t.Context(), sessiontest.Key("a"), rec); err != nil {
					t.Fatal(err)
				}
				plantPipe(t, filepath.Join(dir, folder, place), held)
				inTime(t, func() { useAll(s, sessiontest.Key("a"), "ann") })
				inTime(t, func() {
					if s, err := file.Open(context.Background(), driver.Config{Config: dir}); err == nil {
						s.(interface{ Close() error }).Close()
					}
				})
			})
		}
	}
}

// inTime runs do, and ends the process if that does not end: Close waits for whoever has a lock, so that the test cannot
// go on.
func inTime(t *testing.T, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		panic(t.Name() + ": a call does not end")
	}
}

// plantPipe puts pipes in place of what is at the pattern. Somebody holds them open, both ends, if they are held.
func plantPipe(t *testing.T, pattern string, held bool) (paths []string) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("nothing is there: %v", err)
	}
	for _, path := range paths {
		if err := errors.Join(os.RemoveAll(path), syscall.Mkfifo(path, 0o600)); err != nil {
			t.Fatal(err)
		}
		if !held {
			continue
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
	}
	return paths
}

// What is no regular file in the place of a session's is no session, can be destroyed, and hides no other.
func TestIrregularFiles(t *testing.T) {
	for what, plant := range map[string]func(t *testing.T, path string){
		"pipe":        func(t *testing.T, path string) { plantPipe(t, path, false) },
		"pipe in use": func(t *testing.T, path string) { plantPipe(t, path, true) },
		"socket": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			t.Chdir(filepath.Dir(path)) // the path of a socket is short
			l, err := net.Listen("unix", filepath.Base(path))
			if err != nil {
				t.Skip(err)
			}
			t.Cleanup(func() { l.Close() })
		},
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
			plant(t, path)
			rec := newRecord(time.Hour)
			rec.Version = 1
			inTime(t, func() {
				for call, err := range map[string]error{
					"Load":   s.Load(ctx, key, new(driver.Record)),
					"Create": s.Create(ctx, key, newRecord(time.Hour)),
					"Save":   s.Save(ctx, key, rec),
					"Touch":  s.Touch(ctx, key, time.Now().Add(2*time.Hour)),
					"Delete": s.Delete(ctx, key, 1),
				} {
					if !errors.Is(err, session.ErrCorrupt) || strings.Contains(err.Error(), sessionName("a")) {
						t.Errorf("%s: %v, want ErrCorrupt and no name", call, err)
					}
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
				if err := s.Delete(ctx, key, 0); err != nil {
					t.Errorf("Delete at any version: %v", err)
				}
			})
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("it is still there: %v", err)
			}
		})
	}
}

// A store whose files to lock are no files is not opened: the error says which one.
func TestIrregularLock(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	plantPipe(t, filepath.Join(dir, folder, "locks", "3f"), true)
	_, err := file.Open(t.Context(), driver.Config{Config: dir})
	if c, ok := errors.AsType[*session.ConfigError](err); !ok || !strings.Contains(c.Error(), folder+"/locks/3f") ||
		!strings.Contains(c.Error(), "not a regular file") {
		t.Errorf("Open: %v, want a *ConfigError that names the file to lock", err)
	}
	plantPipe(t, filepath.Join(dir, folder, "locks", "??"), true)
	if err := s.Create(t.Context(), sessiontest.Key("a"), newRecord(time.Hour)); err == nil {
		t.Error("Create locks a pipe")
	}
}

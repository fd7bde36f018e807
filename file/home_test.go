package file_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/file"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// TestPathRemoved has somebody remove the whole folder of running stores, and make it again or not: they go on, with
// the same sessions again, wherever the process has gone meanwhile.
func TestPathRemoved(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a folder in use cannot be removed")
	}
	for _, tt := range []struct {
		name   string
		beego  bool
		remove func(dir string) error
	}{
		{"removed", false, os.RemoveAll},
		{"made again", false, func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o777)) }},
		{"beego's removed", true, os.RemoveAll},
		{"locks of beego mode removed", true, func(dir string) error { return os.RemoveAll(dir + ".locks") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			dir, err := filepath.Abs("tmp")
			if err != nil {
				t.Fatal(err)
			}
			node := func() driver.Backend {
				s, err := file.Open(t.Context(), driver.Config{Config: "tmp", Beego: tt.beego, Lifetime: time.Hour})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { s.(interface{ Close() error }).Close() })
				return s
			}
			a, b := node(), node()
			t.Chdir("/")
			for i, key := range []string{sessiontest.Key("1"), sessiontest.Key("2"), sessiontest.Key("3")} {
				inFive(t, func() {
					for _, s := range []driver.Backend{a, b} {
						other := sessiontest.Key("other " + key)
						if err := s.Create(t.Context(), other, newRecord(time.Hour)); err != nil {
							t.Errorf("Create after %d removals: %v", i, err)
						}
						if err := s.Delete(t.Context(), other, 0); err != nil {
							t.Errorf("Delete: %v", err)
						}
					}
					if err := a.Create(t.Context(), key, newRecord(time.Hour)); err != nil {
						t.Errorf("Create: %v", err)
					}
					if err := b.Load(t.Context(), key, new(driver.Record)); err != nil {
						t.Errorf("Load on the other node: %v", err)
					}
				})
				if err := tt.remove(dir); err != nil {
					t.Fatal(err)
				}
				if p, ok := a.(driver.Pinger); i == 1 && (!ok || p.Ping(t.Context()) != nil) {
					t.Error("Ping fails")
				}
			}
		})
	}
}

// inFive fails at once, and for good, if do takes longer than five seconds: Close would wait for it.
func inFive(t *testing.T, do func()) {
	t.Helper()
	late := time.AfterFunc(5*time.Second, func() { panic(t.Name() + ": a call does not return") })
	defer late.Stop()
	do()
}

// What is opened again is looked at as what was opened first.
func TestPathOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a folder in use cannot be removed")
	}
	dir := filepath.Join(t.TempDir(), "tmp")
	s := open(t, dir)
	sessions := filepath.Join(dir, folder)
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(sessions, 0o700), os.Chmod(sessions, 0o777)); err != nil {
		t.Fatal(err)
	}
	err := s.Create(t.Context(), sessiontest.Key("a"), newRecord(time.Hour))
	if err == nil || errors.Is(err, session.ErrExists) || !strings.Contains(err.Error(), "others can write") {
		t.Errorf("Create: %v, want an error that says what is wrong", err)
	}
}

// TestPathMadeAgainIsRead has a node look for what another one has stored after the whole folder was removed.
func TestPathMadeAgainIsRead(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a folder in use cannot be removed")
	}
	for _, tt := range []struct {
		name  string
		beego bool
		find  func(b driver.Backend, key string) (int, error)
	}{
		{"Load", false, found},
		{"Count", false, counted},
		{"ListUser", false, listed},
		{"beego's Load", true, found},
		{"beego's Count", true, counted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "tmp")
			var nodes [2]driver.Backend
			for i := range nodes {
				b, err := file.Open(t.Context(), driver.Config{Config: dir, Beego: tt.beego, Lifetime: time.Hour})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { b.(io.Closer).Close() })
				nodes[i] = b
			}
			key, rec := sessiontest.Key("1"), newRecord(time.Hour)
			rec.User = "ann"
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			if n, err := tt.find(nodes[1], key); n != 0 || err != nil {
				t.Errorf("%d found before, %v", n, err)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("who only reads has made the folder")
			}
			if err := nodes[0].Create(t.Context(), key, rec); err != nil {
				t.Fatal(err)
			}
			if n, err := tt.find(nodes[1], key); n != 1 || err != nil {
				t.Errorf("%d found, %v", n, err)
			}
		})
	}
}

func found(b driver.Backend, key string) (int, error) {
	err := b.Load(context.Background(), key, new(driver.Record))
	if errors.Is(err, driver.ErrNotFound) {
		return 0, nil
	}
	return 1, err
}

func counted(b driver.Backend, _ string) (int, error) {
	return b.(driver.Counter).Count(context.Background())
}

func listed(b driver.Backend, _ string) (n int, err error) {
	for _, err := range b.(driver.UserLister).ListUser(context.Background(), "ann") {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Package kvtest tests the engines that are built on package kv.
package kvtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/internal/test/sample"
	"github.com/seed1a8f7c28/session/kv"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// An Engine says how to open an engine.
type Engine struct {
	Open sessiontest.Open                   // opens one more backend on a store
	DB   func(s kv.Settings) (kv.DB, error) // opens the store without kv

	// Fake says that the store works in fake time: none of its goroutines outlives Close, and none waits for what a bubble
	// of testing/synctest does not know.
	Fake bool

	// DiskMB is how many MB a file system must have for an empty store and a little more; 0 means 4.
	DiskMB int

	// Buffers says that without syncing the store itself keeps changes back for a moment, which a kill loses.
	Buffers bool

	// Damage makes a closed store unusable, in one of several ways: it returns false for a number that is too large.
	Damage func(t testing.TB, path string, way int) bool
}

// Test runs the tests that apply to every engine.
func (e Engine) Test(t *testing.T) {
	t.Run("Contract", func(t *testing.T) { sessiontest.Run(t, e.Harness()) })
	t.Run("Model", func(t *testing.T) { sessiontest.Model(t, e.Harness(), 12) })
	t.Run("History", func(t *testing.T) {
		t.Parallel()
		historytest.Run(t, historytest.Setup{Open: func(path string) func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
			return func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
				opts = append(opts, session.CfgProviderConfig(path))
				return session.New(session.NewProvider(e.Open), session.NewManagerConfig(opts...))
			}
		}(e.path(t))})
	})
	for _, fsync := range []string{"full", "none"} {
		if fsync == "full" || !e.Buffers {
			t.Run("Killed/"+fsync, func(t *testing.T) {
				t.Parallel()
				e.killed(t, fsync)
			})
		}
	}
	t.Run("Reopened", e.reopened)
	t.Run("SecondProcess", e.secondProcess)
	t.Run("Damaged", e.damaged)
	t.Run("DiskFull", e.diskFull)
	t.Run("ReadOnly", e.readOnly)
	t.Run("NoFolder", e.noFolder)
	t.Run("BadConfig", e.badConfig)
	t.Run("Modes", e.modes)
}

// Role plays the role of this process, if it has one; TestMain must then return.
func (e Engine) Role() bool {
	return proctest.Run(proctest.Roles{
		"work": e.work,
		"open": func(path string) error {
			b, err := e.open(context.Background(), path)
			if err != nil {
				return err
			}
			return closed(b)
		},
	})
}

// Harness returns the harness for package sessiontest.
func (e Engine) Harness() sessiontest.Harness {
	return sessiontest.Harness{Bounded: true, Local: e.Fake, Store: func(t testing.TB) sessiontest.Open {
		path := e.path(t)
		return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
			c.Config = path
			return e.Open(ctx, c)
		}
	}}
}

// path returns a path for a store of its own.
func (e Engine) path(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "sessions")
}

func (e Engine) open(ctx context.Context, config string) (driver.Backend, error) {
	return e.Open(ctx, driver.Config{Config: config, Logger: slog.New(slog.DiscardHandler)})
}

// opened opens a store, which is closed when the test ends or before.
func (e Engine) opened(t testing.TB, config string) driver.Backend {
	t.Helper()
	b, err := e.open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(b) })
	return b
}

func closed(b driver.Backend) error { return b.(io.Closer).Close() }

// checkEntries checks the entries of a store that is not open.
func (e Engine) checkEntries(t testing.TB, path string) {
	t.Helper()
	db, err := e.DB(kv.Settings{Path: path, Sync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	CheckEntries(t, db)
}

// reopened has a store keep its sessions while it is closed.
func (e Engine) reopened(t *testing.T) {
	for _, fsync := range []string{"full", "none"} {
		path := e.path(t)
		config := fmt.Sprintf(`{"path": %q, "fsync": %q}`, path, fsync)
		b := e.opened(t, config)
		rec := sample.Numbered(1)
		if err := b.Create(t.Context(), sessiontest.Key("k"), rec); err != nil {
			t.Fatal(err)
		}
		if err := closed(b); err != nil {
			t.Fatal(err)
		}
		if err := b.Load(t.Context(), sessiontest.Key("k"), rec); !errors.Is(err, session.ErrClosed) {
			t.Errorf("Load after Close: %v, want ErrClosed", err)
		}
		b = e.opened(t, path)
		if err := b.Load(t.Context(), sessiontest.Key("k"), rec); err != nil || sample.Whole(rec) != nil {
			t.Errorf("fsync %s: Load after opening again: %v, %v", fsync, err, sample.Whole(rec))
		}
		if err := closed(b); err != nil {
			t.Fatal(err)
		}
		e.checkEntries(t, path)
	}
}

// secondProcess has another process open a store that is open.
func (e Engine) secondProcess(t *testing.T) {
	path := e.path(t)
	b := e.opened(t, path)
	try := func() (string, error) {
		cmd := proctest.Command("open", path)
		cmd.Stderr = nil
		out, err := cmd.Output()
		if exit := new(interface{ ExitCode() int }); errors.As(err, exit) {
			cmd = proctest.Command("open", path)
			cmd.Stderr = nil
			said, _ := cmd.CombinedOutput()
			return string(said), err
		}
		return string(out), err
	}
	said, err := try()
	if err == nil || !strings.Contains(said, path) || !strings.Contains(said, kv.ErrLocked.Error()) {
		t.Errorf("a second process: %v, and says %q; want an error that names the path and says that it is open", err, said)
	}
	if err := b.Create(t.Context(), sessiontest.Key("k"), sample.Numbered(1)); err != nil {
		t.Errorf("the first process: %v", err)
	}
	if err := closed(b); err != nil {
		t.Fatal(err)
	}
	if said, err := try(); err != nil {
		t.Errorf("a second process after the first: %v, and says %q", err, said)
	}
}

// damaged has an engine open what is no store, or no longer one: that is an error, or each call is one, and the file stays.
func (e Engine) damaged(t *testing.T) {
	for way := 0; ; way++ {
		path := e.path(t)
		b := e.opened(t, path)
		for i := range 200 {
			if err := b.Create(t.Context(), sessiontest.Key(fmt.Sprint(i)), sample.Numbered(uint64(i+1))); err != nil {
				t.Fatal(err)
			}
		}
		if err := closed(b); err != nil {
			t.Fatal(err)
		}
		if err := closed(e.opened(t, path)); err != nil { // some stores only now move everything to its place
			t.Fatal(err)
		}
		if !e.Damage(t, path, way) {
			if way == 0 {
				t.Fatal("no way to damage the store")
			}
			return
		}
		b, err := e.open(t.Context(), path)
		if err != nil {
			if c, ok := errors.AsType[*session.ConfigError](err); !ok || !strings.Contains(c.Error(), path) {
				t.Errorf("way %d: Open: %v, want a *ConfigError that names %s", way, err, path)
			}
			t.Logf("way %d: Open: %v", way, err)
			continue
		}
		failed := 0
		for i := range 200 {
			rec := new(driver.Record)
			err := b.Load(t.Context(), sessiontest.Key(fmt.Sprint(i)), rec)
			if err == nil {
				rec.Data = append(rec.Data, 1)
				err = b.Save(t.Context(), sessiontest.Key(fmt.Sprint(i)), rec)
			}
			if errors.Is(err, session.ErrNotFound) {
				t.Fatalf("way %d: a session of a damaged store is gone, which logs the visitor out", way)
			}
			if err != nil {
				if failed++; failed == 1 {
					t.Logf("way %d: %v", way, err)
				}
			}
		}
		if failed == 0 {
			t.Errorf("way %d: nothing failed", way)
		}
		closed(b)
		if b, err = e.open(t.Context(), path); err == nil { // the file is not locked by what went wrong
			closed(b)
		} else if errors.Is(err, kv.ErrLocked) {
			t.Errorf("way %d: opening it again: %v", way, err)
		}
	}
}

// noFolder has an engine create a store where no folder can be.
func (e Engine) noFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(file, "sessions")
	_, err := e.open(t.Context(), path)
	if c, ok := errors.AsType[*session.ConfigError](err); !ok || !strings.Contains(c.Error(), file) {
		t.Errorf("Open in a folder that is a file: %v, want a *ConfigError that names it", err)
	}
}

func (e Engine) badConfig(t *testing.T) {
	for _, tt := range []struct{ config, field, says string }{
		{"", "providerConfig", "want the path"},
		{" ", "providerConfig", "want the path"},
		{"{}", "providerConfig.path", "want the path"},
		{`{"path": "x", "fsync": "file"}`, "providerConfig.fsync", `"full" and "none"`},
		{`{"path": "x", "sync": true}`, "providerConfig.sync", "unknown key"},
	} {
		_, err := e.open(t.Context(), tt.config)
		if c, ok := errors.AsType[*session.ConfigError](err); !ok || c.Field != tt.field || !strings.Contains(c.Error(), tt.says) {
			t.Errorf("%s: %v, want a *ConfigError of %s that says %q", tt.config, err, tt.field, tt.says)
		}
	}
	_, err := e.Open(t.Context(), driver.Config{Config: e.path(t), Beego: true})
	if c, ok := errors.AsType[*session.ConfigError](err); !ok || c.Field != "beego" || !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("in beego mode: %v, want a *ConfigError of beego that wraps ErrUnsupported", err)
	}
}

// modes checks that nobody else can read what is stored.
func (e Engine) modes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "sessions")
	b := e.opened(t, path)
	if err := b.Create(t.Context(), sessiontest.Key("k"), sample.Numbered(1)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the new folder: %v, %v", info.Mode(), err)
	}
	if info, err = os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the store: %v, %v", info.Mode(), err)
	}
}

// inAnHour is when the sessions of these tests expire.
func inAnHour() time.Time { return time.Now().Add(time.Hour) }

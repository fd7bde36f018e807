package file_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/file"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestContract(t *testing.T) {
	for _, tt := range []struct {
		name, fsync string
		open        func(dir, fsync string) sessiontest.Open
	}{
		{"none", "none", inFolder},
		{"file", "file", inFolder},
		{"full", "full", inFolder},
		{"the folder of an earlier version", "none", inEarlierFolder},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name != "none" && !soak {
				t.Skip("takes a minute: set SESSION_SOAK=1")
			}
			sessiontest.Run(t, sessiontest.Harness{
				Store:   func(t testing.TB) sessiontest.Open { return tt.open(t.TempDir(), tt.fsync) },
				Bounded: true,
			})
		})
	}
}

// inEarlierFolder is inFolder for folders that an earlier version has made.
func inEarlierFolder(dir, fsync string) sessiontest.Open {
	return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		name := "sessions"
		if c.Namespace != "" {
			name += "-" + c.Namespace
		}
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			return nil, err
		}
		return inFolder(dir, fsync)(ctx, c)
	}
}

// inFolder returns how to open nodes on a folder.
func inFolder(dir, fsync string) sessiontest.Open {
	config := `{"path": "` + filepath.ToSlash(dir) + `", "fsync": "` + fsync + `"}`
	return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		c.Config = config
		return file.Open(ctx, c)
	}
}

func TestRegistered(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "tmp")
	m, err := session.NewManager("file", session.NewManagerConfig(session.CfgProviderConfig(dir)))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		t.Errorf("the folder was not made: %v", err)
	}
}

func TestConfigError(t *testing.T) {
	dir := t.TempDir()
	notDir := filepath.Join(dir, "file")
	if err := os.WriteFile(notDir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, config, field, says string }{
		{"empty", "", "providerConfig", "path of a folder"},
		{"blank", " \t", "providerConfig", "path of a folder"},
		{"no path", `{}`, "providerConfig.path", "path of a folder"},
		{"empty path", `{"path": "", "fsync": "full"}`, "providerConfig.path", "path of a folder"},
		{"path of another type", `{"path": 1}`, "providerConfig.path", "string"},
		{"unknown fsync", `{"path": "./tmp", "fsync": "always"}`, "providerConfig.fsync", `"always"`},
		{"unknown key", `{"path": "./tmp", "sync": "full"}`, "providerConfig.sync", "unknown"},
		{"broken JSON", `{"path": "./tmp"`, "providerConfig", ""},
		{"a file", notDir, "providerConfig", `folder "` + notDir + `": not a directory`},
		{"below a file", notDir + "/tmp", "providerConfig", notDir + "/tmp"},
		{"below a file, JSON", `{"path": "` + filepath.ToSlash(notDir) + `/tmp"}`, "providerConfig.path", "/tmp"},
		{"no path for the system", dir + "/a\x00b", "providerConfig", "folder"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := file.Open(t.Context(), driver.Config{Config: tt.config})
			if err == nil {
				s.(io.Closer).Close()
				t.Fatal("Open succeeded")
			}
			c, ok := errors.AsType[*session.ConfigError](err)
			if !ok || c.Field != tt.field || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Open: %v; want a *ConfigError of %s that says %q", err, tt.field, tt.says)
			}
		})
	}
}

func TestOptional(t *testing.T) {
	s := open(t, t.TempDir())
	type all interface {
		driver.Renamer
		driver.Counter
		driver.Sweeper
		driver.Lister
		driver.UserLister
		driver.AliasLister
		driver.Marker
		driver.UserLimiter
		driver.Clearer
		driver.Pinger
		io.Closer
	}
	if _, ok := s.(all); !ok {
		t.Errorf("%T lacks an optional interface", s)
	}
}

func TestRestart(t *testing.T) {
	dir, key := t.TempDir(), sessiontest.Key("k")
	first := open(t, dir)
	rec := newRecord(time.Hour)
	if err := first.Create(t.Context(), key, rec); err != nil {
		t.Fatal(err)
	}
	if err := first.(io.Closer).Close(); err != nil {
		t.Fatal(err)
	}
	var got driver.Record
	if err := open(t, `{"path": "`+filepath.ToSlash(dir)+`"}`).Load(t.Context(), key, &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != 1 || string(got.Data) != string(rec.Data) {
		t.Errorf("after a restart: version %d, %d bytes", got.Version, len(got.Data))
	}
}

func TestClosed(t *testing.T) {
	s := open(t, t.TempDir())
	key := sessiontest.Key("k")
	if err := s.Create(t.Context(), key, newRecord(time.Hour)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.(io.Closer).Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	for call, err := range map[string]error{
		"Load":   s.Load(t.Context(), key, new(driver.Record)),
		"Save":   s.Save(t.Context(), key, newRecord(time.Hour)),
		"Create": s.Create(t.Context(), sessiontest.Key("other"), newRecord(time.Hour)),
		"Delete": s.Delete(t.Context(), key, 0),
		"Ping":   s.(driver.Pinger).Ping(t.Context()),
	} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s after Close: %v, want an error wrapping os.ErrClosed", call, err)
		}
	}
}

// TestFolderRemoved checks that a store whose namespace somebody has removed goes on with an empty one.
func TestFolderRemoved(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	key := sessiontest.Key("k")
	for range 2 {
		if err := a.Create(t.Context(), key, newRecord(time.Hour)); err != nil {
			t.Fatal(err)
		}
		rec := new(driver.Record)
		if err := b.Load(t.Context(), key, rec); err != nil {
			t.Fatal(err)
		}
		if err := b.Save(t.Context(), key, rec); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, folder)); err != nil {
			t.Fatal(err)
		}
		if err := b.Load(t.Context(), key, rec); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Load: %v, want ErrNotFound", err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	s, key := open(t, t.TempDir()), sessiontest.Key("k")
	rec := newRecord(time.Hour)
	if err := s.Create(t.Context(), key, rec); err != nil {
		t.Fatal(err)
	}
	rec.Data = make([]byte, 64<<20)
	if err := s.Save(t.Context(), key, rec); !errors.Is(err, session.ErrTooLarge) {
		t.Errorf("Save: %v, want ErrTooLarge", err)
	}
	rec.Data = make([]byte, 1<<20)
	if err := s.Save(t.Context(), key, rec); err != nil {
		t.Errorf("Save of a mebibyte: %v", err)
	}
	if err := s.Load(t.Context(), key, rec); err != nil || len(rec.Data) != 1<<20 || rec.Version != 2 {
		t.Errorf("Load: %v, %d bytes, version %d", err, len(rec.Data), rec.Version)
	}
}

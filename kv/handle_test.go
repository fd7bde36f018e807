package kv_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/kvtest"
	"github.com/seed1a8f7c28/session/kv"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func decodeKey(key string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(key) }

// openAt opens m as if it was at a path.
func openAt(ctx context.Context, m *kvtest.Memory, config string) (driver.Backend, error) {
	return kv.Open(ctx, driver.Config{Config: config}, kv.Engine{Name: "memory", Folder: true, Open: m.Open})
}

// TestShared opens one store under several names: all share it, and the last one closes it.
func TestShared(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	link := filepath.Join(dir, "link")
	ok(t, os.Mkdir("real", 0o700))
	ok(t, os.Symlink("real", link))
	m := new(kvtest.Memory)
	var all []driver.Backend
	for _, path := range []string{"real", "./real/", "link/../real", link, fmt.Sprintf(`{"path": %q, "fsync": "full"}`, link)} {
		b, err := openAt(t.Context(), m, path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, b)
	}
	_, err := openAt(t.Context(), m, `{"path": "real", "fsync": "none"}`)
	if c, ok := errors.AsType[*driver.ConfigError](err); !ok || c.Field != "providerConfig.fsync" || !strings.Contains(c.Error(), `want "full"`) {
		t.Errorf("with another fsync: %v, want a *ConfigError of providerConfig.fsync", err)
	}
	ok(t, all[0].Create(t.Context(), sessiontest.Key("k"), record("", time.Hour)))
	for i, b := range all {
		ok(t, b.Load(t.Context(), sessiontest.Key("k"), new(driver.Record)))
		for range 2 { // the second time it changes nothing
			ok(t, b.(io.Closer).Close())
		}
		if m.IsOpen() != (i < len(all)-1) {
			t.Fatalf("open: %t, after %d of %d have closed it", m.IsOpen(), i+1, len(all))
		}
		for call, err := range map[string]error{
			"Load":   b.Load(t.Context(), sessiontest.Key("k"), new(driver.Record)),
			"Delete": b.Delete(t.Context(), sessiontest.Key("k"), 0),
		} {
			if !errors.Is(err, driver.ErrClosed) {
				t.Errorf("%s after Close: %v, want ErrClosed", call, err)
			}
		}
	}
	b, err := openAt(t.Context(), m, `{"path": "real", "fsync": "none"}`)
	ok(t, err)
	ok(t, b.Load(t.Context(), sessiontest.Key("k"), new(driver.Record)))
	ok(t, b.(io.Closer).Close())
}

// TestManyOpen opens and closes a store from many goroutines: it is open while somebody has it, and closed in the end.
func TestManyOpen(t *testing.T) {
	m, dir := new(kvtest.Memory), t.TempDir()
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 50 {
				b, err := openAt(t.Context(), m, dir)
				if err != nil {
					t.Errorf("Open: %v", err)
					return
				}
				b.Create(t.Context(), sessiontest.Key(fmt.Sprint(i)), record("", time.Hour))
				if err := b.Load(t.Context(), sessiontest.Key(fmt.Sprint(i)), new(driver.Record)); err != nil {
					t.Errorf("Load: %v", err)
				}
				if err := b.(io.Closer).Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
		})
	}
	all.Wait()
	if m.IsOpen() {
		t.Error("it is still open")
	}
}

// TestLockedByOthers has another process have the store open: kv waits a moment for its end, and then says who is in the way.
func TestLockedByOthers(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		m := new(kvtest.Memory)
		other, err := m.Open(kv.Settings{})
		ok(t, err)
		begin := time.Now()
		_, err = openAt(t.Context(), m, dir)
		if c, ok := errors.AsType[*driver.ConfigError](err); !ok || !errors.Is(err, kv.ErrLocked) || !strings.Contains(c.Error(), dir) {
			t.Errorf("Open: %v, want a *ConfigError that wraps ErrLocked and names the path", err)
		}
		if took := time.Since(begin); took < time.Second || took > 2*time.Second {
			t.Errorf("Open gives up after %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err = openAt(ctx, m, dir); err == nil || time.Since(begin) > 2*time.Second {
			t.Errorf("Open with a context that ends: %v, after %v", err, time.Since(begin))
		}
		go func() {
			time.Sleep(time.Second / 2)
			other.Close()
		}()
		b, err := openAt(t.Context(), m, dir)
		ok(t, err)
		ok(t, b.(io.Closer).Close())
	})
}

// TestCloseWaits closes a store while a call is under way.
func TestCloseWaits(t *testing.T) {
	m := new(kvtest.Memory)
	b, err := openAt(t.Context(), m, t.TempDir())
	ok(t, err)
	writing, goOn := make(chan bool), make(chan bool)
	m.OnWrite = func([]kv.Change) error {
		close(writing)
		<-goOn
		return nil
	}
	created, closed := make(chan error, 1), make(chan error, 1)
	go func() { created <- b.Create(t.Context(), sessiontest.Key("k"), record("", time.Hour)) }()
	<-writing
	go func() { closed <- b.(io.Closer).Close() }()
	close(goOn)
	ok(t, <-created) // kvtest.Memory panics if it is closed too early
	ok(t, <-closed)
	if m.IsOpen() {
		t.Error("it is still open")
	}
}

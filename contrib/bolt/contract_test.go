package bolt_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/contrib/bolt"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/kvtest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestMain(m *testing.M) {
	if !engine.Role() {
		os.Exit(m.Run())
	}
}

var engine = kvtest.Engine{Open: bolt.Open, DB: bolt.OpenDB, Fake: true, Damage: damage}

func TestBolt(t *testing.T) { engine.Test(t) }

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, engine.Harness()) }

// damage writes over a file: over all of it, over the first two pages, which say where everything is, over all others, or over
// those with sessions. Or it cuts the file off.
func damage(t testing.TB, path string, way int) bool {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	size, page := info.Size(), int64(os.Getpagesize())
	over := func(from, to int64) {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		junk := make([]byte, to-from)
		for i := range junk {
			junk[i] = "not a bbolt file"[i%16]
		}
		if _, err := f.WriteAt(junk, from); err != nil {
			t.Fatal(err)
		}
	}
	switch way {
	case 0:
		over(0, size)
	case 1:
		over(0, 2*page)
	case 2:
		over(2*page, size)
	case 3:
		err = os.Truncate(path, 4*page)
	case 4:
		err = os.Truncate(path, 100)
	case 5: // the pages with sessions alone
		for at := 2 * page; at < size; at += page {
			if isLeaf(t, path, at) {
				over(at+16, at+page)
			}
		}
	default:
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	return true
}

// isLeaf reports whether the page at an offset has more than one key and value.
func isLeaf(t testing.TB, path string, at int64) bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var header [16]byte // 8 bytes number, 2 flags, 2 count, 4 overflow
	if _, err := f.ReadAt(header[:], at); err != nil {
		t.Fatal(err)
	}
	return binary.NativeEndian.Uint16(header[8:]) == 2 && binary.NativeEndian.Uint16(header[10:]) > 1
}

// TestCutOff has somebody cut a file off that is open: that is an error, and the process lives on.
func TestCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sessions.db")
	b, err := bolt.Open(t.Context(), driver.Config{Config: path})
	if err != nil {
		t.Fatal(err)
	}
	defer b.(io.Closer).Close()
	rec := &driver.Record{Expires: time.Now().Add(time.Hour), Data: make([]byte, 100<<10)}
	for _, key := range []string{"a", "b", "c"} {
		if err := b.Create(t.Context(), sessiontest.Key(key), rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(path, 2*int64(os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		for call, err := range map[string]error{
			"Load":   b.Load(t.Context(), sessiontest.Key("a"), new(driver.Record)),
			"Save":   b.Save(t.Context(), sessiontest.Key("b"), rec),
			"Create": b.Create(t.Context(), sessiontest.Key("d"), rec),
		} {
			if err == nil || errors.Is(err, driver.ErrNotFound) || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("%s: %v, want an error that says that the file is damaged", call, err)
			}
		}
	}
}

func BenchmarkSize(b *testing.B) {
	var path string
	h := engine.Harness()
	h.Store = func(t testing.TB) sessiontest.Open {
		path = filepath.Join(t.TempDir(), "sessions.db")
		return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
			c.Config = fmt.Sprintf(`{"path": %q, "fsync": "none"}`, path)
			return bolt.Open(ctx, c)
		}
	}
	sessiontest.BenchSize(b, h, 100_000, func(b *testing.B) int64 {
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		return info.Size()
	})
}

package file_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/file"
	"github.com/seed1a8f7c28/session/internal/test/proctest"
	"github.com/seed1a8f7c28/session/sessiontest"
)

const beegoSID = "0123456789abcdef0123456789abcdef"

func openBeego(t testing.TB, dir string, lifetime time.Duration) driver.Backend {
	t.Helper()
	b, err := file.Open(t.Context(), driver.Config{Config: dir, Beego: true, Lifetime: lifetime})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.(io.Closer).Close() })
	return b
}

// asBeego stores as SessionRelease of beego's provider does.
func asBeego(t testing.TB, dir, sid, data string) string {
	t.Helper()
	name := filepath.Join(dir, sid[:1], sid[1:2], sid)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(data), 0o600)); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestBeegoManager runs the kit in beego mode.
func TestBeegoManager(t *testing.T) {
	sessiontest.Run(t, sessiontest.Harness{Beego: true, Store: func(t testing.TB) sessiontest.Open {
		dir := t.TempDir()
		return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
			c.Config = dir
			return file.Open(ctx, c)
		}
	}})
}

// TestBeegoContract checks what the mode keeps of the contract: all but versions that count.
func TestBeegoContract(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	b, other := openBeego(t, dir, time.Hour), openBeego(t, dir, time.Hour)
	for _, sid := range []string{"", "a", "../a", "a/b", "a.b", "ab\x00", "ab:c"} {
		rec := new(driver.Record)
		for call, err := range map[string]error{
			"Load": b.Load(ctx, sid, rec), "Save": b.Save(ctx, sid, rec), "Touch": b.Touch(ctx, sid, time.Now()),
			"Delete": b.Delete(ctx, sid, 1),
		} {
			if !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s(%q) = %v, want ErrNotFound", call, sid, err)
			}
		}
		if err := errors.Join(b.Delete(ctx, sid, 0)); err != nil {
			t.Error(err)
		}
		if err := b.Create(ctx, sid, rec); err == nil {
			t.Errorf("Create(%q) succeeded", sid)
		}
	}
	ends := time.UnixMilli(time.Now().Add(time.Hour).UnixMilli())
	rec := &driver.Record{Expires: ends, Data: []byte("data")}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(b.Create(ctx, beegoSID, rec))
	if err := other.Create(ctx, beegoSID, &driver.Record{Expires: ends}); !errors.Is(err, session.ErrExists) {
		t.Errorf("Create = %v, want ErrExists", err)
	}
	stale := new(driver.Record)
	check(other.Load(ctx, beegoSID, stale))
	if stale.Version != rec.Version || stale.Version == 0 || !stale.Expires.Equal(ends) || string(stale.Data) != "data" {
		t.Errorf("loaded %+v, created %+v", stale, rec)
	}
	rec.Data, rec.Expires = []byte("second"), ends.Add(-time.Minute)
	check(b.Save(ctx, beegoSID, rec))
	for call, err := range map[string]error{
		"Save":   other.Save(ctx, beegoSID, stale),
		"Delete": other.Delete(ctx, beegoSID, stale.Version),
	} {
		conflict, ok := errors.AsType[*driver.ConflictError](err)
		if !ok || string(conflict.Record.Data) != "second" || conflict.Record.Version != rec.Version ||
			!conflict.Record.Expires.Equal(ends) {
			t.Errorf("%s = %v, want a *ConflictError with what is stored, which expires no earlier", call, err)
		}
	}
	rec.Shorten = true
	check(b.Save(ctx, beegoSID, rec))
	check(b.Touch(ctx, beegoSID, rec.Expires.Add(-time.Hour/2)))
	check(other.Load(ctx, beegoSID, stale))
	if !stale.Expires.Equal(rec.Expires) {
		t.Errorf("expires at %v, want %v: Save shortened it and Touch must not", stale.Expires, rec.Expires)
	}
	check(b.Touch(ctx, beegoSID, ends.Add(time.Hour)))
	check(other.Load(ctx, beegoSID, stale))
	if !stale.Expires.Equal(ends.Add(time.Hour)) || stale.Version != rec.Version {
		t.Errorf("after a touch it expires at %v", stale.Expires)
	}
	check(b.Delete(ctx, beegoSID, rec.Version))
	check(b.Delete(ctx, beegoSID, 0))
	for call, err := range map[string]error{
		"Load": b.Load(ctx, beegoSID, rec), "Save": b.Save(ctx, beegoSID, rec),
		"Touch": b.Touch(ctx, beegoSID, rec.Expires), "Delete": b.Delete(ctx, beegoSID, rec.Version),
	} {
		if !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s of what is gone = %v, want ErrNotFound", call, err)
		}
	}
}

// TestBeegoFolder checks what is in beego's folder, which its GC walks through, and that a sweep leaves alone what is no
// session.
func TestBeegoFolder(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	b := openBeego(t, dir, time.Hour)
	rec := &driver.Record{Expires: time.Now().Add(time.Hour), Data: []byte("x")}
	if err := b.Create(ctx, beegoSID, rec); err != nil {
		t.Fatal(err)
	}
	files := func() (names []string) {
		filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			name, err = filepath.Rel(dir, name)
			names = append(names, filepath.ToSlash(name))
			return err
		})
		return names
	}
	if names := files(); len(names) != 1 || names[0] != "0/1/"+beegoSID {
		t.Errorf("the files are %q", names)
	}
	old := time.Now().Add(-61 * time.Minute)
	for _, name := range []string{
		asBeego(t, dir, "ffff", "old"), filepath.Join(dir, "README"), filepath.Join(dir, "0", "1", "fe"),
	} {
		if err := errors.Join(os.WriteFile(name, []byte("old"), 0o600), os.Chtimes(name, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	temp := filepath.Join(dir, "0", "1", "tmp-0123456789abcdef") // of a save under way
	if err := os.WriteFile(temp, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := b.(driver.Counter).Count(ctx); n != 1 || err != nil {
		t.Errorf("Count = %d, %v, want 1", n, err)
	}
	if err := os.Remove(temp); err != nil {
		t.Fatal(err)
	}
	var told []string
	n, err := b.(driver.Sweeper).Sweep(ctx, func(key, user string) { told = append(told, key+user) })
	if n != 1 || err != nil || len(told) != 1 || told[0] != "ffff" {
		t.Errorf("Sweep = %d, %v, and told of %q, want ffff", n, err, told)
	}
	if names := files(); len(names) != 3 {
		t.Errorf("the files are %q", names)
	}
}

// TestBeegoFuture has an empty file of beego's from before the clock was put back: nobody waits long.
func TestBeegoFuture(t *testing.T) {
	dir := t.TempDir()
	b := openBeego(t, dir, time.Hour)
	later := time.Now().Add(time.Hour).Truncate(time.Second).Add(time.Microsecond)
	if err := os.Chtimes(asBeego(t, dir, beegoSID, ""), later, later); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := b.Load(ctx, beegoSID, new(driver.Record)); err != nil {
		t.Error(err)
	}
}

// TestBeegoCut reads while a beego process writes: it cuts the file to nothing first, also one that was not changed for a
// while.
func TestBeegoCut(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	b := openBeego(t, dir, time.Hour)
	name := asBeego(t, dir, beegoSID, "values")
	var done, slow atomic.Bool // slow says that it took longer than a process does that nobody stops
	var wg sync.WaitGroup
	wg.Go(func() {
		defer done.Store(true)
		for i := range 600 {
			f, err := os.OpenFile(name, os.O_RDWR, 0o600)
			if err != nil {
				t.Error(err)
				return
			}
			begin := time.Now()
			err = errors.Join(f.Truncate(0), write(f, "values"))
			if time.Since(begin) > 50*time.Millisecond {
				slow.Store(true)
			}
			if err = errors.Join(err, f.Close()); err != nil {
				t.Error(err)
				return
			}
			pause := time.Millisecond
			if i%30 == 0 {
				pause = 120 * time.Millisecond
			}
			time.Sleep(pause)
		}
	})
	cut := 0
	for !done.Load() {
		rec := new(driver.Record)
		if err := b.Load(ctx, beegoSID, rec); err != nil || len(rec.Data) > 0 && string(rec.Data) != "values" {
			t.Errorf("loaded %q, %v", rec.Data, err)
			break
		}
		if len(rec.Data) == 0 {
			cut++
		}
	}
	wg.Wait()
	if cut > 0 && !slow.Load() {
		t.Errorf("loaded nothing %d times", cut)
	}
}

func write(f *os.File, values string) error {
	_, err := f.WriteString(values)
	return err
}

// TestBeegoWriters has writers on two nodes change one session: nothing is lost.
func TestBeegoWriters(t *testing.T) {
	dir := t.TempDir()
	var nodes []*session.Manager
	for range 2 {
		m, err := session.New(file.New(), session.NewManagerConfig(
			session.CfgBeego(true), session.CfgProviderConfig(dir), session.CfgOpTimeout(time.Minute)))
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		nodes = append(nodes, m)
	}
	asBeego(t, dir, beegoSID, "")
	proctest.TestNodes(t, beegoSID, nodes...)
}

// What beego's files have no room for is not offered.
func TestBeegoOffersNoMore(t *testing.T) {
	b, err := file.Open(t.Context(), driver.Config{Config: t.TempDir(), Beego: true, Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer b.(io.Closer).Close()
	for name, offered := range map[string]bool{
		"Marker": is[driver.Marker](b), "Renamer": is[driver.Renamer](b), "Lister": is[driver.Lister](b),
		"UserLister": is[driver.UserLister](b), "AliasLister": is[driver.AliasLister](b), "UserLimiter": is[driver.UserLimiter](b),
	} {
		if offered {
			t.Errorf("it is a %s", name)
		}
	}
}

func is[T any](b driver.Backend) bool {
	_, ok := driver.As[T](b)
	return ok
}

package file_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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
	first, second := gobOf(t, "first"), gobOf(t, "second")
	rec := &driver.Record{Expires: ends, Data: first}
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
	if stale.Version != rec.Version || stale.Version == 0 || !stale.Expires.Equal(ends) || !bytes.Equal(stale.Data, first) {
		t.Errorf("loaded %+v, created %+v", stale, rec)
	}
	rec.Data, rec.Expires = second, ends.Add(-time.Minute)
	check(b.Save(ctx, beegoSID, rec))
	for call, err := range map[string]error{
		"Save":   other.Save(ctx, beegoSID, stale),
		"Delete": other.Delete(ctx, beegoSID, stale.Version),
	} {
		conflict, ok := errors.AsType[*driver.ConflictError](err)
		if !ok || !bytes.Equal(conflict.Record.Data, second) || conflict.Record.Version != rec.Version ||
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

// gobOf returns what beego writes for a session with one value.
func gobOf(t testing.TB, value any) []byte {
	t.Helper()
	data, err := session.EncodeGob(map[any]any{"key": value})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestBeegoUnfinished reads and saves while beego writes: beego has cut the file to nothing, or has written a part of the
// values. The time of the file does not matter: this provider may have set it, which it does in whole milliseconds.
func TestBeegoUnfinished(t *testing.T) {
	whole, other := gobOf(t, "value"), gobOf(t, "other")
	const slow = 500 * time.Millisecond // how long beego takes
	for name, found := range map[string][]byte{
		"empty": nil, "half": whole[:len(whole)/2], "twice": slices.Concat(whole, whole),
	} {
		calls := map[string]func(t *testing.T, b driver.Backend){
			"Load": func(t *testing.T, b driver.Backend) {
				rec := new(driver.Record)
				if err := b.Load(t.Context(), beegoSID, rec); err != nil || !bytes.Equal(rec.Data, whole) {
					t.Errorf("loaded %q, %v, want %q", rec.Data, err, whole)
				}
			},
			"Save": func(t *testing.T, b driver.Backend) {
				rec := &driver.Record{Version: 1, Data: other, Expires: time.Now().Add(time.Hour)}
				conflict, ok := errors.AsType[*driver.ConflictError](b.Save(t.Context(), beegoSID, rec))
				if !ok || !bytes.Equal(conflict.Record.Data, whole) {
					t.Error("the save has not seen what beego has written")
				}
			},
			"Create": func(t *testing.T, b driver.Backend) {
				err := b.Create(t.Context(), beegoSID, &driver.Record{Data: other, Expires: time.Now().Add(time.Hour)})
				if !errors.Is(err, session.ErrExists) {
					t.Errorf("Create = %v, want ErrExists", err)
				}
			},
		}
		for call, do := range calls {
			for _, fraction := range []time.Duration{0, time.Microsecond} {
				t.Run(fmt.Sprint(name, "/", call, "/", fraction), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						dir := t.TempDir()
						b := openBeego(t, dir, time.Hour)
						used := time.Now().Truncate(time.Second).Add(fraction)
						path := asBeego(t, dir, beegoSID, string(found))
						date := func() error { return os.Chtimes(path, used, used) }
						if err := date(); err != nil {
							t.Fatal(err)
						}
						var beego sync.WaitGroup
						beego.Go(func() {
							time.Sleep(slow)
							if err := errors.Join(os.WriteFile(path, whole, 0o600), date()); err != nil {
								t.Error(err)
							}
						})
						do(t, b)
						beego.Wait()
					})
				})
			}
		}
	}
}

// TestBeegoStaysUnfinished has files that nobody completes. An empty one is a session without values, of which beego has
// released nothing yet. The core reports the others.
func TestBeegoStaysUnfinished(t *testing.T) {
	for _, data := range []string{"", "torn"} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			b := openBeego(t, dir, time.Hour)
			// Of a file from before the clock was put back, too.
			for _, at := range []time.Duration{0, time.Hour + time.Microsecond, -time.Minute} {
				at := time.Now().Truncate(time.Second).Add(at)
				if err := os.Chtimes(asBeego(t, dir, beegoSID, data), at, at); err != nil {
					t.Fatal(err)
				}
				begin, rec := time.Now(), new(driver.Record)
				err := b.Load(t.Context(), beegoSID, rec)
				if took := time.Since(begin); err != nil || string(rec.Data) != data || took < 900*time.Millisecond || took > 2*time.Second {
					t.Errorf("after %v loaded %q, %v", took, rec.Data, err)
				}
			}
		})
	}
}

// TestBeegoEmpty stores sessions without values. Their files are not empty, because beego empties a file before it writes.
func TestBeegoEmpty(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	m, err := session.New(file.New(), session.NewManagerConfig(session.CfgBeego(true), session.CfgProviderConfig(dir)))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.Start(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	sid := s.SessionID(ctx)
	begun, err := os.ReadFile(filepath.Join(dir, sid[:1], sid[1:2], sid))
	if err != nil || len(begun) == 0 {
		t.Errorf("a new session has the file %q, %v", begun, err)
	}
	for _, change := range []error{s.Set(ctx, "key", 1), s.Save(ctx), s.Delete(ctx, "key"), s.Save(ctx)} {
		if change != nil {
			t.Fatal(change)
		}
	}
	emptied, err := os.ReadFile(filepath.Join(dir, sid[:1], sid[1:2], sid))
	if err != nil || !bytes.Equal(begun, emptied) {
		t.Errorf("an emptied session has the file %q, %v, want %q", emptied, err, begun)
	}
}

// TestBeegoForgotten opens beego's folder without the mode, as somebody does who has not read of it: all are logged out.
func TestBeegoForgotten(t *testing.T) {
	for name, tt := range map[string]struct {
		file  string
		beego bool
		warns int
	}{
		"sessions of beego": {"0/1/" + beegoSID, false, 1},
		"in the mode":       {"0/1/" + beegoSID, true, 0},
		"other files":       {"0/1/23", false, 0},
		"in other folders":  {"ab/1/ab1", false, 0},
		"less deep":         {"0/01", false, 0},
		"no folder yet":     {"", false, 0},
	} {
		dir := filepath.Join(t.TempDir(), "sessions")
		if tt.file != "" {
			path := filepath.Join(dir, tt.file)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		var log bytes.Buffer
		m, err := session.New(file.New(), session.NewManagerConfig(session.CfgBeego(tt.beego), session.CfgProviderConfig(dir),
			session.CfgMaxLifeTime(3600), session.CfgLogger(slog.New(slog.NewTextHandler(&log, nil)))))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(log.String(), "level=WARN"); got != tt.warns || strings.Contains(log.String(), beegoSID) {
			t.Errorf("%s: %d warnings, want %d: %s", name, got, tt.warns, &log)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestBeegoCut reads while a beego process writes values that take several reads: it cuts the file to nothing first. No
// part of the old values may be with one of the new. Beego writes so rarely that each write gets a time of its own, also
// where file systems take the time from a clock that ticks every ten milliseconds.
func TestBeegoCut(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	b := openBeego(t, dir, time.Hour)
	var datas [2][]byte
	for i := range datas {
		datas[i] = gobOf(t, strings.Repeat(fmt.Sprint(i), 20_000))
	}
	name := asBeego(t, dir, beegoSID, string(datas[0]))
	var done, slow atomic.Bool // slow says that it took longer than a process does that nobody stops
	var wg sync.WaitGroup
	wg.Go(func() {
		defer done.Store(true)
		for i := range 100 {
			f, err := os.OpenFile(name, os.O_RDWR, 0o600)
			if err != nil {
				t.Error(err)
				return
			}
			begin := time.Now()
			writing := f.Truncate(0)
			if writing == nil {
				_, writing = f.Write(datas[i%2])
			}
			if time.Since(begin) > 50*time.Millisecond {
				slow.Store(true)
			}
			if err = errors.Join(writing, f.Close()); err != nil {
				t.Error(err)
				return
			}
			time.Sleep(15 * time.Millisecond)
		}
	})
	torn := 0
	for !done.Load() {
		rec := new(driver.Record)
		if err := b.Load(ctx, beegoSID, rec); err != nil {
			t.Error(err)
			break
		}
		if !bytes.Equal(rec.Data, datas[0]) && !bytes.Equal(rec.Data, datas[1]) {
			torn++
		}
		if err := b.Touch(ctx, beegoSID, time.Now().Add(time.Hour)); err != nil { // sets the time in whole milliseconds
			t.Error(err)
			break
		}
	}
	wg.Wait()
	if torn > 0 && !slow.Load() {
		t.Errorf("loaded nothing, or a part, %d times", torn)
	}
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

package file_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/file"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// mount mounts a file system on a new folder until the test ends, or skips the test.
func mount(t *testing.T, fstype, options string) string {
	t.Helper()
	dir := t.TempDir()
	source := fstype
	if fstype == "" {
		source = dir
	}
	flags := uintptr(0)
	if fstype == "" {
		flags = syscall.MS_BIND
	}
	if err := syscall.Mount(source, dir, fstype, flags, options); err != nil {
		t.Skipf("needs the right to mount a file system (root, CAP_SYS_ADMIN): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// full calls everything that writes on a store that cannot, and checks that each fails with want and that the
// old session stays.
func full(t *testing.T, s driver.Backend, want error) {
	t.Helper()
	ctx, key := t.Context(), sessiontest.Key("old")
	rec := new(driver.Record)
	if err := s.Load(ctx, key, rec); err != nil {
		t.Fatal(err)
	}
	version := rec.Version
	larger := newRecord(time.Hour)
	larger.Version, larger.User, larger.Data = version, "bob", make([]byte, 64<<10)
	for call, err := range map[string]error{
		"Create":  s.Create(ctx, sessiontest.Key("new"), larger),
		"Save":    s.Save(ctx, key, larger),
		"Rename":  s.(driver.Renamer).Rename(ctx, key, version, sessiontest.Key("new"), larger, driver.Mark{}),
		"Reserve": reserve(t, s, "cid", sessiontest.Key("new"), 1),
	} {
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", call, err, want)
		}
		for _, name := range []string{key, sessiontest.Key("new"), "tmp-", "sessions"} {
			if err != nil && strings.Contains(err.Error(), name) {
				t.Errorf("%s: %q shows %q", call, err, name)
			}
		}
	}
	var got driver.Record
	if err := s.Load(ctx, key, &got); err != nil || got.Version != version || !bytes.Equal(got.Data, rec.Data) || got.User != "ann" {
		t.Errorf("the old session: %v, version %d, user %q, %d bytes", err, got.Version, got.User, len(got.Data))
	}
	if err := s.Load(ctx, sessiontest.Key("new"), new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("the new session: %v, want ErrNotFound", err)
	}
	if !listsUser(t, s, "ann", key) || listsUser(t, s, "bob", key) {
		t.Error("the index has changed")
	}
}

func createOld(t *testing.T, s driver.Backend) {
	t.Helper()
	rec := newRecord(time.Hour)
	rec.User = "ann"
	if err := s.Create(t.Context(), sessiontest.Key("old"), rec); err != nil {
		t.Fatal(err)
	}
}

// noTemps checks that there is no temporary file.
func noTemps(t *testing.T, dir string) {
	t.Helper()
	for path := range tree(t, dir) {
		if strings.Contains(path, "/tmp-") {
			t.Errorf("%s remains", path)
		}
	}
}

// again checks that the store works when its disk does.
func again(t *testing.T, s driver.Backend) {
	t.Helper()
	rec := new(driver.Record)
	if err := s.Load(t.Context(), sessiontest.Key("old"), rec); err != nil {
		t.Fatal(err)
	}
	rec.Data = make([]byte, 64<<10)
	if err := s.Save(t.Context(), sessiontest.Key("old"), rec); err != nil {
		t.Errorf("Save when there is room again: %v", err)
	}
	if err := reserve(t, s, "cid", sessiontest.Key("newer"), 1); err != nil {
		t.Errorf("Reserve when there is room again: %v", err)
	}
}

// tornData is so much that the second slot of a session begins on a page that exists and ends on one that does not.
const tornData = 5000

// saveTorn saves a session for whose second slot there is only half of the room.
func saveTorn(t *testing.T, s driver.Backend) {
	t.Helper()
	rec := new(driver.Record)
	for range 2 {
		if err := s.Load(t.Context(), sessiontest.Key("torn"), rec); err != nil || rec.Version != 1 || string(rec.Data) != strings.Repeat("1", tornData) {
			t.Fatalf("Load: %v, version %d, %d bytes", err, rec.Version, len(rec.Data))
		}
		rec.Data = bytes.Repeat([]byte("2"), tornData)
		if err := s.Save(t.Context(), sessiontest.Key("torn"), rec); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Save: %v, want ENOSPC", err)
		}
	}
}

func TestDiskFull(t *testing.T) {
	for _, fsync := range []string{"none", "full"} {
		t.Run(fsync, func(t *testing.T) {
			dir := mount(t, "tmpfs", "size=1m")
			s := open(t, fmt.Sprintf(`{"path": %q, "fsync": %q}`, dir, fsync))
			createOld(t, s)
			torn := newRecord(time.Hour)
			torn.Data = bytes.Repeat([]byte("1"), tornData)
			if err := s.Create(t.Context(), sessiontest.Key("torn"), torn); err != nil {
				t.Fatal(err)
			}
			filler := filepath.Join(dir, "filler")
			if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("filling the disk: %v", err)
			}
			saveTorn(t, s)
			full(t, s, syscall.ENOSPC)
			noTemps(t, dir)
			small := new(driver.Record)
			if err := s.Load(t.Context(), sessiontest.Key("old"), small); err != nil {
				t.Fatal(err)
			}
			if err := s.Save(t.Context(), sessiontest.Key("old"), small); err != nil {
				t.Errorf("Save, which needs no room: %v", err)
			}
			if err := s.Touch(t.Context(), sessiontest.Key("old"), time.Now().Add(2*time.Hour)); err != nil {
				t.Errorf("Touch, which needs no room: %v", err)
			}
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			again(t, s)
		})
	}
}

func TestInodesUsedUp(t *testing.T) {
	dir := mount(t, "tmpfs", "nr_inodes=700")
	s := open(t, dir)
	createOld(t, s)
	for i := range 5 {
		if err := s.Create(t.Context(), sessiontest.Key(strconv.Itoa(i)), newRecord(-time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Create(t.Context(), sessiontest.Key("another"), newRecord(time.Hour)); err != nil {
		t.Fatal(err)
	}
	var fillers []string
	for i := 0; ; i++ {
		name := filepath.Join(dir, "filler"+strconv.Itoa(i))
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			break
		}
		fillers = append(fillers, name)
	}
	full(t, s, syscall.ENOSPC)
	noTemps(t, dir)
	if removed, err := s.(driver.Sweeper).Sweep(t.Context(), nil); removed != 5 || err != nil {
		t.Errorf("Sweep = %d, %v; want 5, though there is no room", removed, err)
	}
	if err := s.Delete(t.Context(), sessiontest.Key("another"), 1); err != nil {
		t.Errorf("Delete, which needs no room: %v", err)
	}
	for _, name := range fillers {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	again(t, s)
}

func TestReadOnly(t *testing.T) {
	dir := mount(t, "", "")
	s := open(t, dir)
	createOld(t, s)
	remount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|flags, ""); err != nil {
			t.Skipf("the file system cannot be made read-only: %v", err)
		}
	}
	remount(syscall.MS_RDONLY)
	full(t, s, syscall.EROFS)
	if err := s.Touch(t.Context(), sessiontest.Key("old"), time.Now().Add(2*time.Hour)); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Touch: %v, want EROFS", err)
	}
	if err := s.Delete(t.Context(), sessiontest.Key("old"), 0); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Delete: %v, want EROFS", err)
	}
	if err := s.(driver.Pinger).Ping(t.Context()); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Ping: %v, want EROFS", err)
	}
	_, err := file.Open(t.Context(), driver.Config{Config: dir})
	if c, ok := errors.AsType[*session.ConfigError](err); !ok || !errors.Is(err, syscall.EROFS) || !strings.Contains(c.Error(), dir) {
		t.Errorf("Open: %v, want a *ConfigError that names the folder and wraps EROFS", err)
	}
	if n, err := s.(driver.Counter).Count(t.Context()); n != 1 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
	remount(0)
	again(t, s)
}

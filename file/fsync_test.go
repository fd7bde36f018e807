package file

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
)

// TestFsync checks what each policy syncs, and when: a file before it gets its name or its slot counts, a folder after, and a
// file after its slot counts.
func TestFsync(t *testing.T) {
	for _, tt := range []struct {
		fsync policy
		want  map[string]string
	}{
		{none, map[string]string{}},
		{files, map[string]string{
			"Create": "t", "Save": "f", "Large save": "t", "Touch": "f", "Rename": "tt", "Rename and mark": "ttt", "Mark": "f",
		}},
		{full, map[string]string{
			"Create": "td", "Save": "ff", "Large save": "td", "Touch": "f", "Rename": "tddt", "Rename and mark": "ttddt",
			"Mark": "ff", "Delete": "d",
		}},
	} {
		s := newTestStore(t, t.TempDir(), tt.fsync)
		synced := syncsOf(s)
		check := func(call string, err error) {
			if got := synced.String(); err != nil || got != tt.want[call] {
				t.Errorf("policy %d, %s: %v, synced %q, want %q", tt.fsync, call, err, got, tt.want[call])
			}
			synced.Reset()
		}
		ctx, rec := t.Context(), testRecord("", "x")
		check("Create", s.Create(ctx, "k", rec))
		check("Save", s.Save(ctx, "k", rec))
		check("Touch", s.Touch(ctx, "k", rec.Expires.Add(time.Second)))
		check("Rename", s.Rename(ctx, "k", 2, "l", testRecord("", "x"), driver.Mark{}))
		mark := driver.Mark{Kind: 1, Expires: time.Now().Add(time.Minute)}
		expired := driver.Mark{Kind: 1, Expires: time.Now()}
		check("Rename and mark", s.Rename(ctx, "l", 1, "k", testRecord("", "x"), expired))
		check("Mark", s.Mark(ctx, "l", 0, mark))
		check("Mark", s.Mark(ctx, "k", 1, expired))
		check("Delete", s.Delete(ctx, "k", 0))
		if err := s.Create(ctx, "k", rec); err != nil {
			t.Fatal(err)
		}
		synced.Reset()
		rec.Data = make([]byte, fileBlock)
		check("Large save", s.Save(ctx, "k", rec))
	}
}

// syncsOf notes what s syncs: t for a temporary file, f for another, d for a folder.
func syncsOf(s *store) *strings.Builder {
	synced := new(strings.Builder)
	s.flush = func(f *os.File) error {
		info, err := f.Stat()
		switch name := f.Name(); {
		case err != nil:
			return err
		case info.IsDir():
			synced.WriteByte('d')
		case isTemp(name[strings.LastIndexAny(name, `/\`)+1:]):
			synced.WriteByte('t')
		default:
			synced.WriteByte('f')
		}
		return f.Sync()
	}
	return synced
}

// TestBeegoFsync is TestFsync in beego mode, where the time of a file is part of the session.
func TestBeegoFsync(t *testing.T) {
	for _, tt := range []struct {
		fsync policy
		want  map[string]string
	}{
		{none, map[string]string{}},
		{files, map[string]string{"Create": "tt", "Save": "tt", "Touch": "f"}},
		{full, map[string]string{"Create": "ddttd", "Save": "ttd", "Touch": "f", "Delete": "d"}},
	} {
		b, err := openBeego(config{path: t.TempDir(), fsync: tt.fsync}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		synced := syncsOf(b.s)
		check := func(call string, err error) {
			if got := synced.String(); err != nil || got != tt.want[call] {
				t.Errorf("policy %d, %s: %v, synced %q, want %q", tt.fsync, call, err, got, tt.want[call])
			}
			synced.Reset()
		}
		ctx, rec := t.Context(), testRecord("", "x")
		check("Create", b.Create(ctx, "k0", rec))
		check("Save", b.Save(ctx, "k0", rec))
		check("Touch", b.Touch(ctx, "k0", rec.Expires.Add(time.Second)))
		check("Delete", b.Delete(ctx, "k0", 0))
		check("Delete again", b.Delete(ctx, "k0", 0))
		check("Delete elsewhere", b.Delete(ctx, "other", 0))
	}
}

// TestSyncFails checks that a disk that fails leaves the old session, and no temporary file.
func TestSyncFails(t *testing.T) {
	for _, fsync := range []policy{files, full} {
		s := newTestStore(t, t.TempDir(), fsync)
		ctx, rec := t.Context(), testRecord("ann", "old")
		if err := s.Create(ctx, "k", rec); err != nil {
			t.Fatal(err)
		}
		s.flush = func(*os.File) error { return syscall.EIO }
		rec.Data, rec.User = []byte("new"), "bob"
		for call, err := range map[string]error{
			"Save":   s.Save(ctx, "k", rec),
			"Rename": s.Rename(ctx, "k", 1, "l", testRecord("bob", "new"), driver.Mark{}),
			"Create": s.Create(ctx, "m", testRecord("bob", "new")),
		} {
			if !errors.Is(err, syscall.EIO) {
				t.Errorf("%s: %v, want EIO", call, err)
			}
		}
		var got driver.Record
		if err := s.Load(ctx, "k", &got); err != nil || string(got.Data) != "old" || got.Version != 1 || rec.Version != 1 {
			t.Errorf("after the failures: %v, version %d, %q", err, got.Version, got.Data)
		}
		if got := keys(t, s.List(ctx)); !slices.Equal(got, []string{"k"}) || markers(t, s) != 1 {
			t.Errorf("after the failures: %q, %d markers", got, markers(t, s))
		}
		noTemps(t, s)
	}
}

// TestLateSyncFails has the last sync of a save fail, after the slot counts: the call returns an error that leaves open
// whether the save was made, and it was.
func TestLateSyncFails(t *testing.T) {
	s := newTestStore(t, t.TempDir(), full)
	ctx, rec := t.Context(), testRecord("ann", "old")
	if err := s.Create(ctx, "k", rec); err != nil {
		t.Fatal(err)
	}
	times := 0
	s.flush = func(f *os.File) error {
		info, err := f.Stat()
		if err != nil || info.IsDir() {
			return err
		}
		if times++; times == 2 {
			return syscall.EIO
		}
		return nil
	}
	rec.Data, rec.User = []byte("new"), "bob"
	err := s.Save(ctx, "k", rec)
	_, conflict := errors.AsType[*driver.ConflictError](err)
	if !errors.Is(err, syscall.EIO) || conflict || errors.Is(err, driver.ErrNotFound) || rec.Version != 1 {
		t.Errorf("Save = %v, version %d; want EIO", err, rec.Version)
	}
	var got driver.Record
	if err := s.Load(ctx, "k", &got); err != nil || string(got.Data) != "new" || got.Version != 2 {
		t.Errorf("Load = %v, version %d, %q", err, got.Version, got.Data)
	}
	if got := keys(t, s.ListUser(ctx, "bob")); !slices.Equal(got, []string{"k"}) {
		t.Errorf("bob has %q, want k", got)
	}
}

// TestSyncedBeforeItCounts looks at a session while its save is being synced: it is the old one.
func TestSyncedBeforeItCounts(t *testing.T) {
	for _, fsync := range []policy{files, full} {
		s := newTestStore(t, t.TempDir(), fsync)
		ctx, rec := t.Context(), testRecord("ann", "0")
		if err := s.Create(ctx, "k", rec); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			looked := false
			s.flush = func(*os.File) error {
				var got driver.Record
				if err := s.Load(ctx, "k", &got); !looked && (err != nil || got.Version != rec.Version || string(got.Data) != string('0'+rune(i))) {
					t.Errorf("policy %d, during save %d: %v, version %d, %q", fsync, i, err, got.Version, got.Data)
				}
				looked = true
				return nil
			}
			rec.Data = []byte{byte('1' + i)}
			if err := s.Save(ctx, "k", rec); err != nil || !looked {
				t.Fatalf("Save: %v", err)
			}
		}
	}
}

// TestFolderSyncFails checks that a Rename whose folders cannot be synced is undone.
func TestFolderSyncFails(t *testing.T) {
	s := newTestStore(t, t.TempDir(), full)
	ctx := t.Context()
	if err := s.Create(ctx, "k", testRecord("ann", "old")); err != nil {
		t.Fatal(err)
	}
	if err := s.mkdirs(mustPlace(t, s, "l").dir()); err != nil {
		t.Fatal(err)
	}
	s.flush = func(f *os.File) error {
		if info, err := f.Stat(); err != nil || info.IsDir() {
			return syscall.EIO
		}
		return nil
	}
	if err := s.Rename(ctx, "k", 1, "l", testRecord("", "new"), driver.Mark{}); !errors.Is(err, syscall.EIO) {
		t.Errorf("Rename: %v, want EIO", err)
	}
	var got driver.Record
	if err := s.Load(ctx, "k", &got); err != nil || string(got.Data) != "old" {
		t.Errorf("after the failure: %v, %q", err, got.Data)
	}
	if got := keys(t, s.List(ctx)); !slices.Equal(got, []string{"k"}) {
		t.Errorf("after the failure: %q", got)
	}
}

package file

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// TestUnreadable puts what is no session in the place of one.
func TestUnreadable(t *testing.T) {
	rec := testRecord("ann", "data")
	rec.Version = 1
	good, err := rec.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	rec.Alias, rec.Meta = "alias", []byte("meta")
	aliased, err := rec.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		data string
		want error
	}{
		{"empty", "", session.ErrNotFound},
		{"zeros, which a loss of power leaves", strings.Repeat("\x00", 500), session.ErrNotFound},
		{"one byte", "x", session.ErrCorrupt},
		{"one byte of a file with slots", "s", session.ErrNotFound},
		{"no slot", slottedMagic + strings.Repeat("\x00", 60), session.ErrCorrupt},
		{"large slots", slottedMagic + "\xff\xff\xff\xff" + strings.Repeat("\x00", 60), session.ErrCorrupt},
		{"no slot is whole", string(append(slottedIn("x", "y")[:200], "12345678"...)), session.ErrCorrupt},
		{"cut off in the header", string(good[:20]), session.ErrCorrupt},
		{"cut off in the user", string(good[:47]), session.ErrCorrupt},
		{"cut off in the alias", string(aliased[:52]), session.ErrCorrupt},
		{"cut off in the metadata", string(aliased[:57]), session.ErrCorrupt},
		{"another format", "ses3" + string(good[4:]), session.ErrCorrupt},
		{"gob of beego", "\r\x7f\x04\x01\x02\xff\x80\x00\x01\x10\x01\x10\x00\x00", session.ErrCorrupt},
		{"moving, no name", "sesm", session.ErrCorrupt},
		{"moving, long name", "sesm\xff\xffabc", session.ErrCorrupt},
		{"moving, no record", "sesm\x00\x01a", session.ErrCorrupt},
		{"moving, long record", "sesm\x00\x01a\xff\xff\xff\xffses1", session.ErrCorrupt},
		{"moving, empty record", "sesm\x00\x01a\x00\x00\x00\x00", session.ErrCorrupt},
		{"moving, moving record", "sesm\x00\x01a\x00\x00\x00\x04sesm", session.ErrCorrupt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newTestStore(t, t.TempDir(), none)
			ctx, p := t.Context(), mustPlace(t, s, "k")
			put := func() {
				if err := errors.Join(s.mkdirs(p.dir()), s.home.root().WriteFile(p.path, []byte(tt.data), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			put()
			late := testRecord("ann", "late")
			late.Version = 1
			for call, err := range map[string]error{
				"Load":   s.Load(ctx, "k", new(driver.Record)),
				"Save":   s.Save(ctx, "k", late),
				"Touch":  s.Touch(ctx, "k", time.Now().Add(2*time.Hour)),
				"Delete": s.Delete(ctx, "k", 1),
				"Rename": s.Rename(ctx, "k", 1, "l", testRecord("", "new"), driver.Mark{}),
			} {
				if !errors.Is(err, tt.want) {
					t.Errorf("%s: %v, want %v", call, err, tt.want)
				}
			}
			if n, err := s.Count(ctx); n != 0 || err != nil {
				t.Errorf("Count = %d, %v", n, err)
			}
			if n, err := s.Sweep(ctx, nil); n != 0 || err != nil {
				t.Errorf("Sweep = %d, %v", n, err)
			}
			if b, err := s.home.root().ReadFile(p.path); err != nil || string(b) != tt.data {
				t.Errorf("the file was changed: %q, %v", b, err)
			}
			err := s.Create(ctx, "k", testRecord("", "new"))
			if tt.want == session.ErrNotFound {
				if err != nil {
					t.Errorf("Create: %v", err)
				}
			} else if !errors.Is(err, tt.want) {
				t.Errorf("Create: %v, want %v", err, tt.want)
			}
			put()
			if err := s.Delete(ctx, "k", 0); err != nil {
				t.Errorf("Delete at any version: %v", err)
			}
			if _, err := s.home.root().Lstat(p.path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file is still there: %v", err)
			}
		})
	}
}

// TestHuge checks that a file larger than any session is not read into memory, and that a list reads what it shows, however
// long that is, and no data.
func TestHuge(t *testing.T) {
	s := newTestStore(t, t.TempDir(), none)
	rec := testRecord("ann"+strings.Repeat("n", headSize), "x")
	rec.Alias, rec.Meta = strings.Repeat("a", headSize), []byte(strings.Repeat("m", 65535))
	if err := s.Create(t.Context(), "k", rec); err != nil {
		t.Fatal(err)
	}
	f, err := s.home.root().OpenFile(mustPlace(t, s, "k").path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(1 << 40); err != nil {
		t.Skipf("no file of a tebibyte here: %v", err)
	}
	if err := s.Load(t.Context(), "k", new(driver.Record)); !errors.Is(err, session.ErrTooLarge) {
		t.Errorf("Load: %v, want ErrTooLarge", err)
	}
	var listed []driver.Entry
	for entry, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, entry)
	}
	for range 10 { // what was listed is in no buffer that others use next
		if err := s.Create(t.Context(), "another", testRecord("", strings.Repeat("x", 128<<10))); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), "another", 0); err != nil {
			t.Fatal(err)
		}
	}
	if len(listed) != 1 || listed[0].User != rec.User || listed[0].Alias != rec.Alias || string(listed[0].Meta) != string(rec.Meta) || listed[0].Data != nil {
		t.Errorf("List yielded %d records, want the one with all but its data", len(listed))
	}
}

// TestFolderInPlace puts a folder where a session's file would be: an error, and the folder stays.
func TestFolderInPlace(t *testing.T) {
	s := newTestStore(t, t.TempDir(), none)
	ctx, p := t.Context(), mustPlace(t, s, "k")
	if err := s.mkdirs(p.path); err != nil {
		t.Fatal(err)
	}
	for call, err := range map[string]error{
		"Load":   s.Load(ctx, "k", new(driver.Record)),
		"Create": s.Create(ctx, "k", testRecord("", "x")),
		"Delete": s.Delete(ctx, "k", 0),
	} {
		if err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrExists) ||
			strings.Contains(err.Error(), p.name()) {
			t.Errorf("%s: %v, want an error of the system, without the name of the file", call, err)
		}
	}
	if n, err := s.Sweep(ctx, nil); n != 0 || err != nil {
		t.Errorf("Sweep = %d, %v", n, err)
	}
	if err := s.Clear(ctx); err != nil {
		t.Errorf("Clear: %v", err)
	}
	if info, err := s.home.root().Lstat(p.path); err != nil || !info.IsDir() {
		t.Errorf("the folder has gone: %v", err)
	}
}

// FuzzRecord checks that no file makes a reader panic, and that what can be read can be written.
func FuzzRecord(f *testing.F) {
	rec := testRecord("ann", "data")
	var buf buffer
	buf.appendMoving("new", rec, rec)
	f.Add(buf.b, "new")
	f.Add(buf.b, "old")
	plain, _ := rec.AppendBinary(nil)
	f.Add(plain, "old")
	f.Add([]byte("ses2"+strings.Repeat("0", 40)+"\x00\x00\x00\x00\x00\x00"), "old") // no alias and no metadata
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		var rec driver.Record
		found, err := recordIn(b, name)
		if err == nil {
			err = rec.UnmarshalBinary(found)
		}
		if err != nil {
			if !errors.Is(err, session.ErrCorrupt) {
				t.Errorf("%v, want ErrCorrupt", err)
			}
			return
		}
		written, err := rec.AppendBinary(nil)
		if err != nil || len(written) > len(found) { // what was read may use the second format without need
			t.Fatalf("read %q, wrote %q, %v", found, written, err)
		}
		var again driver.Record
		if err := again.UnmarshalBinary(written); err != nil || !reflect.DeepEqual(again, rec) {
			t.Errorf("%v: read %+v, then %+v", err, rec, again)
		}
	})
}

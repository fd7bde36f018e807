package file

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// versioned returns the record at a version, all of which depends on it.
func versioned(version uint64, length int) *driver.Record {
	rec := testRecord(fmt.Sprint("user ", version), strings.Repeat(fmt.Sprintf("%08d", version), length/8))
	rec.Version, rec.Alias = version, fmt.Sprint("alias ", version)
	rec.Expires = time.UnixMilli(4_000_000_000_000 + int64(version))
	return rec
}

// versionOf returns the version of a record, and an error if not all of the record is of that version.
func versionOf(rec *driver.Record, length int) (uint64, error) {
	want := versioned(rec.Version, length)
	if rec.User != want.User || rec.Alias != want.Alias || !bytes.Equal(rec.Data, want.Data) || !rec.Expires.Equal(want.Expires) {
		return 0, fmt.Errorf("version %d is a mixture: user %q, alias %q, expires %v", rec.Version, rec.User, rec.Alias, rec.Expires)
	}
	return rec.Version, nil
}

// savedTwice returns the file of a session before and after its second save, which overwrites the slot of the first one.
func savedTwice(t *testing.T, s *store, length int) (p place, before, after []byte) {
	t.Helper()
	p = mustPlace(t, s, "k")
	rec := versioned(1, length)
	if err := s.Create(t.Context(), "k", rec); err != nil {
		t.Fatal(err)
	}
	var files [2][]byte
	for i := range files {
		next := versioned(uint64(i+2), length)
		next.Version--
		if err := s.Save(t.Context(), "k", next); err != nil {
			t.Fatal(err)
		}
		b, err := s.home.root().ReadFile(p.path)
		if err != nil {
			t.Fatal(err)
		}
		files[i] = b
	}
	if !slotted(files[1]) || len(files[0]) != len(files[1]) {
		t.Fatalf("the session was not saved in place: files of %d and %d bytes", len(files[0]), len(files[1]))
	}
	return p, files[0], files[1]
}

// TestTornSave has a save end after each of its bytes, or before each, or without one of its sectors: the session before it
// is there, or the one after it, never a mixture and never none. And the next save works.
func TestTornSave(t *testing.T) {
	for _, length := range []int{200, 3000} {
		s := newTestStore(t, t.TempDir(), none)
		p, before, after := savedTwice(t, s, length)
		from, to := slottedHead, slottedHead+slotHead+length+50
		check := func(what string, torn []byte, want ...uint64) {
			t.Helper()
			if err := s.home.root().WriteFile(p.path, torn, 0o600); err != nil {
				t.Fatal(err)
			}
			var rec driver.Record
			if err := s.Load(t.Context(), "k", &rec); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			version, err := versionOf(&rec, length)
			if err != nil || version != want[0] && version != want[len(want)-1] {
				t.Fatalf("%s: version %d, %v; want %d", what, version, err, want)
			}
			next := versioned(version+1, length)
			next.Version--
			if err := s.Save(t.Context(), "k", next); err != nil {
				t.Fatalf("%s: Save: %v", what, err)
			}
			if err := s.Load(t.Context(), "k", &rec); err != nil || rec.Version != version+1 {
				t.Fatalf("%s: after Save: version %d, %v", what, rec.Version, err)
			}
			if _, err := versionOf(&rec, length); err != nil {
				t.Fatalf("%s: after Save: %v", what, err)
			}
		}
		check("before", before, 2)
		check("after", after, 3)
		for cut := from; cut <= to; cut++ {
			check(fmt.Sprintf("cut off after %d bytes", cut-from), append(bytes.Clone(after[:cut]), before[cut:]...), 2, 3)
			check(fmt.Sprintf("all but %d bytes", cut-from), append(bytes.Clone(before[:cut]), after[cut:]...), 2, 3)
		}
		for at := 0; at < len(after); at += 512 {
			end := min(at+512, len(after))
			torn := bytes.Clone(after)
			copy(torn[at:end], before[at:end])
			check(fmt.Sprintf("without the sector at %d", at), torn, 2, 3)
			copy(torn, before)
			copy(torn[at:end], after[at:end])
			check(fmt.Sprintf("only the sector at %d", at), torn, 2, 3)
		}
	}
}

// TestDamagedSlot damages each byte of a file, and each of its pages: whoever reads finds the newest session, or the one
// before it, or an error that says that the file is damaged.
func TestDamagedSlot(t *testing.T) {
	for _, length := range []int{200, 7000} {
		s := newTestStore(t, t.TempDir(), none)
		p, _, file := savedTwice(t, s, length)
		check := func(what string, damaged []byte) {
			t.Helper()
			if err := s.home.root().WriteFile(p.path, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			var rec driver.Record
			err := s.Load(t.Context(), "k", &rec)
			if err == nil {
				_, err = versionOf(&rec, length)
			} else if errors.Is(err, session.ErrCorrupt) {
				err = nil
			}
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		for at := range file {
			damaged := bytes.Clone(file)
			damaged[at] ^= 0xff
			check(fmt.Sprintf("the byte at %d", at), damaged)
		}
		for at := 4096; at < len(file); at += 4096 { // the first one has the bytes by which the file is known
			damaged := bytes.Clone(file)
			clear(damaged[at:min(at+4096, len(damaged))])
			check(fmt.Sprintf("the page at %d", at), damaged)
		}
	}
}

// TestTornCreate has a Create end after each of its bytes, or without a sector: there is no session, or all of it. Where
// there is none, one can be created, and a sweep removes the file after an hour.
func TestTornCreate(t *testing.T) {
	const length = 3000
	s := newTestStore(t, t.TempDir(), none)
	p := mustPlace(t, s, "k")
	if err := s.Create(t.Context(), "k", versioned(1, length)); err != nil {
		t.Fatal(err)
	}
	file, err := s.home.root().ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, torn []byte) {
		t.Helper()
		write := func() {
			if err := s.home.root().WriteFile(p.path, torn, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write()
		var rec driver.Record
		err := s.Load(t.Context(), "k", &rec)
		if err == nil {
			_, err = versionOf(&rec, length)
		}
		if whole := bytes.Equal(torn, file); whole != (err == nil) || err != nil && !errors.Is(err, session.ErrNotFound) {
			t.Fatalf("%s: %v", what, err)
		}
		if err == nil {
			return
		}
		old := time.Now().Add(-2 * leftoverAge)
		if err := s.home.root().Chtimes(p.path, old, old); err != nil {
			t.Fatal(err)
		}
		removed, err := s.Sweep(t.Context(), nil)
		if _, stat := s.home.root().Lstat(p.path); removed != 0 || err != nil || !errors.Is(stat, os.ErrNotExist) {
			t.Fatalf("%s: Sweep = %d, %v; the file: %v", what, removed, err, stat)
		}
		write()
		if err := s.Create(t.Context(), "k", versioned(1, length)); err != nil {
			t.Fatalf("%s: Create: %v", what, err)
		}
		if err := s.Load(t.Context(), "k", &rec); err != nil || rec.Version != 1 {
			t.Fatalf("%s: after Create: %v", what, err)
		}
	}
	for cut := 0; cut < len(file); cut += 1 + cut/20 {
		check(fmt.Sprintf("%d bytes", cut), file[:cut])
	}
	check("all bytes", file)
	for at := 0; at < len(file); at += 512 {
		torn := bytes.Clone(file)
		clear(torn[at:min(at+512, len(torn))])
		check(fmt.Sprintf("zeros in the sector at %d", at), torn)
	}
}

// TestReadWhileTorn reads a file in the middle of a save that then goes on: what was found is looked at again.
func TestReadWhileTorn(t *testing.T) {
	s := newTestStore(t, t.TempDir(), none)
	p, before, after := savedTwice(t, s, 200)
	later := time.UnixMilli(5_000_000_000_000)
	if err := s.Touch(t.Context(), "k", later); err != nil {
		t.Fatal(err)
	}
	f, size, err := openSession(s.home.root(), p.path, readOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	both := bytes.Clone(after) // as of a reader who has seen the beginning of one save and the end of another
	clear(both[slottedHead+slotHead : slottedHead+slotHead+8])
	clear(both[len(both)-8:])
	stale := bytes.Clone(before) // the other slot as it was two saves ago
	clear(stale[slottedHead : slottedHead+8])
	touched := bytes.Clone(after)
	touched[slottedHead+slotTouched] ^= 1
	for what, seen := range map[string][]byte{
		"both slots torn": both, "the newest slot torn": append(bytes.Clone(after[:200]), before[200:]...),
		"a slot missing": stale, "the deadline torn": touched,
	} {
		buf := &buffer{bytes.Clone(seen)}
		st, err := buf.readSlots(f, size)
		var rec driver.Record
		if err == nil {
			err = st.unmarshal(st.content, p.name(), &rec)
		}
		if err != nil || rec.Version != 3 || !rec.Expires.Equal(later) {
			t.Errorf("%s: version %d, expires %v, %v; want 3, %v", what, rec.Version, rec.Expires, err, later)
		}
	}
}

// TestReadBesideSaves has sessions of all sizes saved and touched while others load them: each finds what was acknowledged
// before, or something later, and nothing twice in the wrong order.
func TestReadBesideSaves(t *testing.T) {
	dir := t.TempDir()
	a, b := newTestStore(t, dir, none), newTestStore(t, dir, none)
	const saves = 3000
	length := func(version uint64) int { return 8 * int(20+version%64+version/500%2*300) }
	if err := a.Create(t.Context(), "k", versioned(1, length(1))); err != nil {
		t.Fatal(err)
	}
	var acknowledged atomic.Uint64
	acknowledged.Store(1)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				least := acknowledged.Load()
				var rec driver.Record
				if err := b.Load(t.Context(), "k", &rec); err != nil {
					t.Errorf("Load: %v", err)
					return
				}
				if version, err := versionOf(&rec, length(rec.Version)); err != nil || version < least {
					t.Errorf("version %d after %d was acknowledged, %v", version, least, err)
					return
				}
			}
		})
	}
	for version := uint64(1); version < saves; version++ {
		next := versioned(version+1, length(version+1))
		next.Version--
		if err := a.Save(t.Context(), "k", next); err != nil {
			t.Fatal(err)
		}
		acknowledged.Store(version + 1)
	}
	close(done)
	wg.Wait()
}

// TestGrow checks that a session has a file with slots, larger ones when it grows, smaller ones when it shrinks much, and a
// plain file when it is large.
func TestGrow(t *testing.T) {
	s := newTestStore(t, t.TempDir(), none)
	rec := testRecord("ann", "x")
	if err := s.Create(t.Context(), "k", rec); err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		data    int
		size    int64 // of the file, at most
		slotted bool
	}{
		{100, 4096, true},
		{1900, 4096, true},
		{1950, 8192, true},
		{5900, 12288, true},
		{6001, 12288, true},
		{100, 12288, true},
		{30000, 65536, true},
		{30001, 65536, true},
		{100, 4096, true},
		{40000, 40100, false},
		{40000, 40100, false},
		{10, 4096, true},
	} {
		rec.Data = bytes.Repeat([]byte{byte(i)}, step.data)
		if err := s.Save(t.Context(), "k", rec); err != nil {
			t.Fatal(err)
		}
		b, err := s.home.root().ReadFile(mustPlace(t, s, "k").path)
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(b)) > step.size || slotted(b) != step.slotted {
			t.Errorf("step %d, %d bytes: a file of %d bytes, with slots: %t", i, step.data, len(b), slotted(b))
		}
		var got driver.Record
		if err := s.Load(t.Context(), "k", &got); err != nil || !bytes.Equal(got.Data, rec.Data) || got.Version != rec.Version {
			t.Errorf("step %d: version %d, %d bytes, %v", i, got.Version, len(got.Data), err)
		}
	}
}

// TestPlain works on the files of an earlier version: they can be read, touched, listed, saved and swept, and get slots
// with the first save.
func TestPlain(t *testing.T) {
	for _, alias := range []string{"", "alias"} {
		s := newTestStore(t, t.TempDir(), none)
		ctx, p := t.Context(), mustPlace(t, s, "k")
		put := func(rec *driver.Record) {
			t.Helper()
			b, err := rec.AppendBinary(nil)
			if err = errors.Join(err, putContent(s, p, b, true)); err != nil {
				t.Fatal(err)
			}
		}
		rec := testRecord("ann", "data")
		rec.Version, rec.Alias = 7, alias
		put(rec)
		later := rec.Expires.Add(time.Hour)
		if err := s.Touch(ctx, "k", later); err != nil {
			t.Errorf("Touch: %v", err)
		}
		var got driver.Record
		if err := s.Load(ctx, "k", &got); err != nil || string(got.Data) != "data" || got.Version != 7 || !got.Expires.Equal(later) {
			t.Errorf("Load: %v, version %d, %q, %v", err, got.Version, got.Data, got.Expires)
		}
		if n, err := s.Count(ctx); n != 1 || err != nil {
			t.Errorf("Count = %d, %v", n, err)
		}
		if n, err := s.Sweep(ctx, nil); n != 0 || err != nil || len(keys(t, s.ListUser(ctx, "ann"))) != 1 {
			t.Errorf("Sweep = %d, %v", n, err)
		}
		if b, err := s.home.root().ReadFile(p.path); err != nil || slotted(b) {
			t.Errorf("the file has slots before the first save: %v", err)
		}
		got.Data = []byte("saved")
		for range 2 {
			if err := s.Save(ctx, "k", &got); err != nil {
				t.Errorf("Save: %v", err)
			}
		}
		if b, err := s.home.root().ReadFile(p.path); err != nil || !slotted(b) || string(contentOf(t, s, "k")[4:12]) != "\x00\x00\x00\x00\x00\x00\x00\x09" {
			t.Errorf("after two saves: %v, %q", err, b)
		}
		rec.Expires = time.Now().Add(-time.Second)
		put(rec)
		if n, err := s.Sweep(ctx, nil); n != 1 || err != nil {
			t.Errorf("Sweep of what has expired = %d, %v", n, err)
		}
	}
}

// TestTouchedSlot checks that a touch counts until the next save, and not for what that saves.
func TestTouchedSlot(t *testing.T) {
	s := newTestStore(t, t.TempDir(), none)
	ctx, rec := t.Context(), testRecord("", "x")
	if err := s.Create(ctx, "k", rec); err != nil {
		t.Fatal(err)
	}
	first, later := rec.Expires, rec.Expires.Add(time.Hour)
	for i := range 3 {
		if err := s.Touch(ctx, "k", later); err != nil {
			t.Fatal(err)
		}
		var got driver.Record
		if err := s.Load(ctx, "k", &got); err != nil || !got.Expires.Equal(later) || got.Version != rec.Version {
			t.Errorf("after the touch of save %d: %v, expires %v, want %v", i, err, got.Expires, later)
		}
		rec.Expires, rec.Shorten = first, true
		if err := s.Save(ctx, "k", rec); err != nil {
			t.Fatal(err)
		}
		if err := s.Load(ctx, "k", &got); err != nil || !got.Expires.Equal(first) {
			t.Errorf("after save %d: %v, expires %v, want %v", i, err, got.Expires, first)
		}
	}
}

// FuzzSlots checks that no file makes a reader panic, and that nobody finds what is not whole.
func FuzzSlots(f *testing.F) {
	content, _ := testRecord("ann", "data").AppendBinary(nil)
	f.Add(slottedIn(string(content)))
	f.Add(slottedIn(string(content), string(content)+"more", string(content)))
	f.Add(slottedIn("")[:70])
	f.Fuzz(func(t *testing.T, b []byte) {
		found, err := slotsIn(b)
		if err != nil {
			if !errors.Is(err, session.ErrCorrupt) {
				t.Errorf("%v, want ErrCorrupt", err)
			}
			return
		}
		newest, settled := found.newest()
		if settled && !newest.whole() {
			t.Error("settled, but not whole")
		}
		if !newest.whole() {
			return
		}
		again := append(make([]byte, slotHead), newest.content...)
		fillSlot(again, newest.sequence)
		fillTouched(again, newest.touched)
		if got := b[newest.at : newest.at+len(again)]; !newest.torn && !bytes.Equal(append(bytes.Clone(got[:28]), got[slotHead:]...), append(again[:28:28], again[slotHead:]...)) {
			t.Errorf("read %x, which is written %x", got, again)
		}
	})
}

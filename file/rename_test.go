package file

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// half makes the files that a Rename leaves when it crashes in the middle: before its one step, after, or with its mark.
// plain files are those of an earlier version.
func half(t *testing.T, s *store, old, rec *driver.Record, plain, after, marked bool) {
	t.Helper()
	if err := s.Create(t.Context(), "old", old); err != nil {
		t.Fatal(err)
	}
	from, to := mustPlace(t, s, "old"), mustPlace(t, s, "new")
	buf := &buffer{make([]byte, newHead)}
	renamed := *rec
	renamed.Version = 1
	_, entered := s.enter(to.name(), &driver.Record{}, &renamed)
	if err := errors.Join(entered, buf.appendMoving(to.name(), old, &renamed),
		putContent(s, from, buf.b[newHead:], plain), s.mkdirs(to.dir())); err != nil {
		t.Fatal(err)
	}
	if after {
		if err := s.home.root().Rename(from.path, to.path); err != nil {
			t.Fatal(err)
		}
	}
	if marked {
		mark, err := testMark("new").Record().AppendBinary(nil)
		if err = errors.Join(err, putContent(s, from, mark, plain)); err != nil {
			t.Fatal(err)
		}
	}
}

func testMark(target string) driver.Mark {
	return driver.Mark{Kind: 1, Target: []byte(target), Expires: time.Now().Add(time.Minute)}
}

// TestHalfRename checks that each call works on what a crash in the middle of a Rename leaves: the old record
// or the new one, as if nothing had happened.
func TestHalfRename(t *testing.T) {
	t.Run("now", func(t *testing.T) { testHalfRename(t, false) })
	t.Run("earlier", func(t *testing.T) { testHalfRename(t, true) })
}

func testHalfRename(t *testing.T, ofEarlier bool) {
	for _, tt := range []struct {
		name       string
		after      bool
		marked     bool
		live, dead string
		data       string
	}{
		{"before the step", false, false, "old", "new", "old data"},
		{"after the step", true, false, "new", "old", "new data"},
		{"after the mark", true, true, "new", "old", "new data"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			long := strings.Repeat("long", headSize)
			start := func(t *testing.T) (*store, *driver.Record) {
				s := newTestStore(t, t.TempDir(), none)
				half(t, s, testRecord("ann"+long, "old data"), testRecord("bob", "new data"), ofEarlier, tt.after, tt.marked)
				rec := new(driver.Record)
				if err := s.Load(ctx, tt.live, rec); err != nil || string(rec.Data) != tt.data {
					t.Fatalf("Load: %v, %q", err, rec.Data)
				}
				if err := s.Load(ctx, tt.dead, new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
					t.Fatalf("Load of the other key: %v, want ErrNotFound", err)
				}
				return s, rec
			}
			alone := func(t *testing.T, s *store) {
				if moving(contentOf(t, s, tt.live)) {
					t.Error("the file still has two records")
				}
			}
			t.Run("Save", func(t *testing.T) {
				s, rec := start(t)
				rec.Data = []byte("saved")
				if err := s.Save(ctx, tt.live, rec); err != nil || rec.Version != 2 {
					t.Errorf("Save: %v", err)
				}
				alone(t, s)
			})
			t.Run("Touch", func(t *testing.T) {
				s, rec := start(t)
				later := rec.Expires.Add(time.Hour)
				if err := s.Touch(ctx, tt.live, later); err != nil {
					t.Errorf("Touch: %v", err)
				}
				if err := s.Load(ctx, tt.live, rec); err != nil || !rec.Expires.Equal(later) || string(rec.Data) != tt.data {
					t.Errorf("after Touch: %v, %v, %q", err, rec.Expires, rec.Data)
				}
				if ofEarlier {
					alone(t, s)
				}
			})
			t.Run("Delete", func(t *testing.T) {
				s, _ := start(t)
				if err := s.Delete(ctx, tt.live, 1); err != nil {
					t.Errorf("Delete: %v", err)
				}
				for _, key := range []string{"old", "new"} {
					if err := s.Load(ctx, key, new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
						t.Errorf("Load(%s): %v", key, err)
					}
				}
			})
			t.Run("Create", func(t *testing.T) {
				s, _ := start(t)
				if err := s.Create(ctx, tt.live, testRecord("", "")); !errors.Is(err, session.ErrExists) {
					t.Errorf("Create: %v, want ErrExists", err)
				}
				if err := s.Create(ctx, tt.dead, testRecord("", "created")); tt.marked != errors.Is(err, session.ErrExists) {
					t.Errorf("Create of the other key: %v; marked: %t", err, tt.marked)
				}
				if err := s.Load(ctx, tt.live, new(driver.Record)); err != nil {
					t.Errorf("Load: %v", err)
				}
			})
			t.Run("Rename", func(t *testing.T) {
				s, _ := start(t)
				if err := s.Rename(ctx, tt.live, 1, "third", testRecord("cid", "third"), driver.Mark{}); err != nil {
					t.Errorf("Rename: %v", err)
				}
				if got := keys(t, s.List(ctx)); !slices.Equal(got, []string{"third"}) {
					t.Errorf("List: %q", got)
				}
			})
			t.Run("List and Sweep", func(t *testing.T) {
				s, rec := start(t)
				for range 2 {
					if got := keys(t, s.List(ctx)); !slices.Equal(got, []string{tt.live}) {
						t.Errorf("List: %q, want %q", got, tt.live)
					}
					if got := keys(t, s.ListUser(ctx, rec.User)); !slices.Equal(got, []string{tt.live}) {
						t.Errorf("ListUser: %q, want %q", got, tt.live)
					}
					if removed, err := s.Sweep(ctx, nil); removed != 0 || err != nil {
						t.Errorf("Sweep = %d, %v", removed, err)
					}
				}
				if n := markers(t, s); n != 1 {
					t.Errorf("%d markers after a sweep, want 1", n)
				}
			})
			t.Run("Clear", func(t *testing.T) {
				s, _ := start(t)
				if err := s.Clear(ctx); err != nil {
					t.Errorf("Clear: %v", err)
				}
				if got := keys(t, s.List(ctx)); len(got) != 0 || markers(t, s) != 0 {
					t.Errorf("List: %q, %d markers", got, markers(t, s))
				}
			})
		})
	}
}

// TestReaderOfOldName opens a session's file before a Rename gives it the new name, and reads it later: it is the old
// session, whatever has become of the new one.
func TestReaderOfOldName(t *testing.T) {
	s := newTestStore(t, t.TempDir(), files)
	ctx := t.Context()
	if err := s.Create(ctx, "old", testRecord("", "old data")); err != nil {
		t.Fatal(err)
	}
	p := mustPlace(t, s, "old")
	type early struct {
		f    *os.File
		size int64
	}
	var readers []early
	flush := s.flush
	s.flush = func(f *os.File) error {
		if opened, size, err := openSession(s.home.root(), p.path, readOnly); err == nil {
			readers = append(readers, early{opened, size})
		}
		return flush(f)
	}
	rec := testRecord("ann", "new data")
	if err := s.Rename(ctx, "old", 1, "new", rec, testMark("new")); err != nil {
		t.Fatal(err)
	}
	s.flush = flush
	check := func() {
		t.Helper()
		for i, r := range readers[:2] { // before the step; later ones find the mark
			buf := new(buffer)
			if _, err := r.f.Seek(0, 0); err != nil {
				t.Fatal(err)
			}
			var got driver.Record
			st, err := buf.readAll(r.f, r.size, maxSize)
			if err == nil {
				err = st.unmarshal(st.content, p.name(), &got)
			}
			if err != nil || string(got.Data) != "old data" || got.User != "" {
				t.Errorf("reader %d: %v, %q of %q", i, err, got.Data, got.User)
			}
		}
	}
	if len(readers) < 2 {
		t.Fatalf("%d readers", len(readers))
	}
	check()
	for range 2 {
		if err := s.Save(ctx, "new", rec); err != nil {
			t.Fatal(err)
		}
	}
	check()
	for _, r := range readers {
		r.f.Close()
	}
}

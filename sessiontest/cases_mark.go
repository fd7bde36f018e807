package sessiontest

import (
	"bytes"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Marks take the place of a record for a short time.
var markCases = []testCase{
	{
		name:     "mark/in place of a record",
		sentence: "Marker",
		rule:     "Mark removes the record at its version, and Load returns a *MarkedError with the mark, on all nodes.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.node(t)
			m := optional[driver.Marker](t, a)
			key, mark := e.key("k"), newMark("to the\x00byte\r\n\xff")
			create(t, a, key, newRecord("x"))
			wantOK(t, "Mark", m.Mark(t.Context(), key, 1, mark))
			e.wantMark(t, a, key, mark)
			e.wantMark(t, b, key, mark)
			bare := driver.Mark{Kind: 255, Expires: mark.Expires}
			create(t, a, e.key("bare"), newRecord("x"))
			wantOK(t, "Mark", m.Mark(t.Context(), e.key("bare"), 1, bare))
			e.wantMark(t, b, e.key("bare"), bare)
			most := newMark(string(bytes.Repeat([]byte{'t'}, driver.MaxTarget)))
			wantOK(t, "Mark", m.Mark(t.Context(), e.key("most"), 0, most))
			e.wantMark(t, b, e.key("most"), most)
		},
	},
	{
		name:     "mark/another version",
		sentence: "Marker",
		rule:     "Mark at another version changes nothing and returns a *ConflictError carrying the record as stored.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			m := optional[driver.Marker](t, b)
			rec := newRecord("first")
			create(t, b, key, rec)
			rec.Data = []byte("acknowledged")
			save(t, b, key, rec)
			e.wantRecord(t, wantConflict(t, "Mark", m.Mark(t.Context(), key, 1, newMark("m"))), rec)
			wantStored(t, b, key, 2, "acknowledged")
		},
	},
	{
		name:     "mark/nothing",
		sentence: "Marker",
		rule:     "Mark at a version returns ErrNotFound if the record is missing, has expired or is a mark, and leaves no other mark.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			m := optional[driver.Marker](t, b)
			wantErr(t, "Mark", m.Mark(t.Context(), e.key("none"), 1, newMark("m")), session.ErrNotFound)
			e.wantNoMark(t, b, e.key("none"))
			e.createExpired(t, b, e.key("expired"))
			wantErr(t, "Mark", m.Mark(t.Context(), e.key("expired"), 1, newMark("m")), session.ErrNotFound)
			e.wantNoMark(t, b, e.key("expired"))
			first := newMark("first")
			wantOK(t, "Mark", m.Mark(t.Context(), e.key("marked"), 0, first))
			for _, version := range versions {
				wantErr(t, "Mark", m.Mark(t.Context(), e.key("marked"), version, newMark("second")), session.ErrNotFound)
			}
			e.wantMark(t, b, e.key("marked"), first)
		},
	},
	{
		name:     "mark/where nothing stands",
		sentence: "Marker",
		rule:     "Mark at version 0 marks a key that has no record or an expired one. For a live record or a mark it returns ErrExists and changes nothing.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			m := optional[driver.Marker](t, b)
			mark := newMark("m")
			wantOK(t, "Mark", m.Mark(t.Context(), e.key("none"), 0, mark))
			e.wantMark(t, b, e.key("none"), mark)
			e.createExpired(t, b, e.key("expired"))
			wantOK(t, "Mark", m.Mark(t.Context(), e.key("expired"), 0, mark))
			e.wantMark(t, b, e.key("expired"), mark)
			wantErr(t, "Mark of a mark", m.Mark(t.Context(), e.key("none"), 0, newMark("other")), session.ErrExists)
			e.wantMark(t, b, e.key("none"), mark)
			create(t, b, e.key("live"), newRecord("x"))
			wantErr(t, "Mark of a live record", m.Mark(t.Context(), e.key("live"), 0, mark), session.ErrExists)
			wantStored(t, b, e.key("live"), 1, "x")
		},
	},
	{
		name:     "mark/nothing comes back",
		sentence: "S4",
		rule:     "On a mark, Save, Touch and Rename return ErrNotFound at any version, Create returns ErrExists, and Delete leaves it in place.",
		check: func(t testing.TB, e *env) {
			b, key, mark := e.node(t), e.key("k"), newMark("m")
			m := optional[driver.Marker](t, b)
			create(t, b, key, newRecord("x"))
			wantOK(t, "Mark", m.Mark(t.Context(), key, 1, mark))
			late := newRecord("late")
			late.User, late.Alias = "Ann", "a"
			for _, version := range versions {
				late.Version = version
				wantErr(t, "Save", b.Save(t.Context(), key, late), session.ErrNotFound)
				wantErr(t, "Delete at a version", b.Delete(t.Context(), key, version), session.ErrNotFound)
				if r, ok := driver.As[driver.Renamer](b); ok {
					err := r.Rename(t.Context(), key, version, e.key("new"), newRecord("late"), newMark("n"))
					wantErr(t, "Rename", err, session.ErrNotFound)
					e.wantNoMark(t, b, e.key("new"))
				}
			}
			wantErr(t, "Touch", b.Touch(t.Context(), key, time.Now().Add(2*time.Hour)), session.ErrNotFound)
			wantErr(t, "Create", b.Create(t.Context(), key, newRecord("late")), session.ErrExists)
			wantOK(t, "Delete", b.Delete(t.Context(), key, 0))
			e.wantMark(t, b, key, mark)
		},
	},
	{
		name:     "mark/not listed",
		sentence: "Marker",
		rule:     "Count, List, ListUser, ListAlias and Reserve ignore marks.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			m := optional[driver.Marker](t, b)
			rec := ownedBy("Ann", 1)
			rec.Alias = "a"
			create(t, b, e.key("1"), rec)
			create(t, b, e.key("2"), newRecord("live"))
			wantOK(t, "Mark", m.Mark(t.Context(), e.key("1"), 1, newMark("m")))
			wantOK(t, "Mark", m.Mark(t.Context(), e.key("3"), 0, newMark("m")))
			if c, ok := driver.As[driver.Counter](b); ok {
				wantCount(t, c, 1)
			}
			if l, ok := driver.As[driver.Lister](b); ok {
				if got := listed(t, l); len(got) != 1 || got[e.key("2")] == nil {
					t.Errorf("List yielded %d records, want the live one", len(got))
				}
			}
			if l, ok := driver.As[driver.UserLister](b); ok {
				wantUsers(t, l, "Ann")
			}
			if l, ok := driver.As[driver.AliasLister](b); ok {
				wantAliases(t, l, "a")
			}
			if l, ok := driver.As[driver.UserLimiter](b); ok {
				wantReserved(t, l, "Ann", e.key("4"), 1, false)
			}
		},
	},
	{
		name:     "mark/expires",
		sentence: "S6",
		rule:     "A mark ends at its time, swept or not. Then a record or another mark can take its place.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			m := optional[driver.Marker](t, b)
			mark := driver.Mark{Kind: 1, Expires: e.soon()}
			create(t, b, e.key("record"), newRecord("x"))
			wantOK(t, "Mark", m.Mark(t.Context(), e.key("record"), 1, mark))
			for _, label := range []string{"none", "again", "renamed"} {
				wantOK(t, "Mark", m.Mark(t.Context(), e.key(label), 0, mark))
			}
			e.waitFor(mark.Expires)
			for _, label := range []string{"record", "none"} {
				e.wantNoMark(t, b, e.key(label))
				create(t, b, e.key(label), newRecord("anew"))
				wantStored(t, b, e.key(label), 1, "anew")
			}
			wantOK(t, "Mark of what was marked", m.Mark(t.Context(), e.key("again"), 0, newMark("again")))
			e.wantMark(t, b, e.key("again"), newMark("again"))
			if r, ok := driver.As[driver.Renamer](b); ok {
				wantOK(t, "Rename", r.Rename(t.Context(), e.key("none"), 1, e.key("renamed"), newRecord("fresh"), driver.Mark{}))
				wantStored(t, b, e.key("renamed"), 1, "fresh")
			}
		},
	},
	{
		name:     "mark/swept",
		sentence: "Sweeper",
		rule:     "Sweep leaves marks alone until they expire. Then it removes them without reporting or counting them.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			m, s := optional[driver.Marker](t, b), optional[driver.Sweeper](t, b)
			if _, err := s.Sweep(t.Context(), nil); err != nil { // what earlier cases left behind
				t.Fatalf("Sweep: %v", err)
			}
			lasting, brief := newMark("m"), driver.Mark{Kind: 1, Expires: e.soon()}
			wantOK(t, "Mark", m.Mark(t.Context(), e.key("lasting"), 0, lasting))
			wantOK(t, "Mark", m.Mark(t.Context(), e.key("brief"), 0, brief))
			e.waitFor(brief.Expires)
			removed, err := s.Sweep(t.Context(), func(_, _ string) { t.Error("Sweep tells of a mark") })
			if err != nil || removed != 0 {
				t.Errorf("Sweep = %d, %v; want 0", removed, err)
			}
			e.wantMark(t, b, e.key("lasting"), lasting)
			e.wantNoMark(t, b, e.key("brief"))
		},
	},
	{
		name:     "mark/cleared",
		sentence: "Clearer",
		rule:     "Clear removes marks, too.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			m, c := optional[driver.Marker](t, b), optional[driver.Clearer](t, b)
			wantOK(t, "Mark", m.Mark(t.Context(), e.key("k"), 0, newMark("m")))
			wantOK(t, "Clear", c.Clear(t.Context()))
			e.wantNoMark(t, b, e.key("k"))
			create(t, b, e.key("k"), newRecord("anew"))
		},
	},
	{
		name:     "mark/own namespace",
		sentence: "S12",
		rule:     "A mark exists only in its own namespace.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.nodeOf(t, e.namespace+"x")
			m := optional[driver.Marker](t, a)
			wantOK(t, "Mark", m.Mark(t.Context(), e.key("k"), 0, newMark("m")))
			create(t, b, e.key("k"), newRecord("theirs"))
			wantStored(t, b, e.key("k"), 1, "theirs")
			e.wantMark(t, a, e.key("k"), newMark("m"))
		},
	},
	{
		name:     "mark/left by a rename",
		sentence: "S7",
		rule:     "Rename leaves its mark under the old key only, and no mark if it fails. If the new key has a mark it returns ErrExists.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			m, r := optional[driver.Marker](t, b), optional[driver.Renamer](t, b)
			old, key, mark := e.key("old"), e.key("new"), newMark("m")
			rec := newRecord("x")
			rec.User = "Ann"
			create(t, b, old, rec)
			wantConflict(t, "Rename", r.Rename(t.Context(), old, 2, key, newRecord("fresh"), mark))
			wantStored(t, b, old, 1, "x")
			wantOK(t, "Mark", m.Mark(t.Context(), e.key("marked"), 0, mark))
			err := r.Rename(t.Context(), old, 1, e.key("marked"), newRecord("fresh"), newMark("other"))
			wantErr(t, "Rename to a marked key", err, session.ErrExists)
			wantStored(t, b, old, 1, "x")
			e.wantMark(t, b, e.key("marked"), mark)
			wantOK(t, "Rename", r.Rename(t.Context(), old, 1, key, ownedBy("Ann", 0), mark))
			wantErr(t, "Save, too late", b.Save(t.Context(), old, rec), session.ErrNotFound)
			e.wantMark(t, b, old, mark)
			wantStored(t, b, key, 1, "0")
			if l, ok := driver.As[driver.UserLister](b); ok {
				wantUsers(t, l, "Ann", key)
			}
			wantOK(t, "Rename", r.Rename(t.Context(), key, 1, e.key("newer"), ownedBy("Ann", 0), driver.Mark{}))
			e.wantNoMark(t, b, key)
		},
	},
	{
		name:     "mark/one wins",
		sentence: "S7",
		rule:     "If a Mark and a Save at the same version compete, or two Marks, exactly one wins.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.node(t)
			ma, mb := optional[driver.Marker](t, a), optional[driver.Marker](t, b)
			for round := range 50 {
				key := e.key(strconv.Itoa(round))
				create(t, a, key, newRecord("x"))
				save := newRecord("saved")
				save.Version = 1
				marks := [...]driver.Mark{newMark("a"), newMark("b")}
				var errs [3]error
				together(3, func(i int) {
					i = (i + round) % 3
					switch i {
					case 0:
						errs[i] = ma.Mark(t.Context(), key, 1, marks[0])
					case 1:
						errs[i] = mb.Mark(t.Context(), key, 1, marks[1])
					case 2:
						errs[i] = b.Save(t.Context(), key, save)
					}
				})
				won := 0
				for i, err := range errs {
					if err != nil {
						continue
					}
					if won++; i < len(marks) {
						e.wantMark(t, a, key, marks[i])
					} else {
						wantStored(t, a, key, 2, "saved")
					}
				}
				if won != 1 {
					t.Fatalf("%d of three won, want one: %v", won, errs)
				}
			}
		},
	},
}

// versions are the versions that might be found where a mark is: a record's first two, and the mark's own.
var versions = []uint64{1, 2, driver.MarkVersion}

// newMark returns a mark that lasts for a few minutes.
func newMark(target string) driver.Mark {
	return driver.Mark{Kind: 7, Target: []byte(target), Expires: time.Now().Add(5 * time.Minute).Truncate(time.Minute)}
}

// wantMark checks that there is a mark under key.
func (e *env) wantMark(t testing.TB, b driver.Backend, key string, want driver.Mark) {
	t.Helper()
	err := b.Load(t.Context(), key, new(driver.Record))
	wantErr(t, "Load", err, session.ErrNotFound)
	marked, ok := errors.AsType[*driver.MarkedError](err)
	if !ok {
		t.Errorf("Load = %v, want a *MarkedError", err)
		return
	}
	if got := marked.Mark; got.Kind != want.Kind || !bytes.Equal(got.Target, want.Target) {
		t.Errorf("the mark has kind %d, target %.40q; want kind %d, target %.40q", got.Kind, got.Target, want.Kind, want.Target)
	}
	e.wantTime(t, "Expires", marked.Mark.Expires, want.Expires)
}

// wantNoMark checks that there is neither a record nor a mark under key.
func (e *env) wantNoMark(t testing.TB, b driver.Backend, key string) {
	t.Helper()
	err := b.Load(t.Context(), key, new(driver.Record))
	wantErr(t, "Load", err, session.ErrNotFound)
	if _, ok := errors.AsType[*driver.MarkedError](err); ok {
		t.Error("there is a mark")
	}
}

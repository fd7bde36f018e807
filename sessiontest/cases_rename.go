package sessiontest

import (
	"errors"
	"reflect"
	"strconv"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Regenerating in one step.
var renameCases = []testCase{
	{
		name:     "rename/moves",
		sentence: "S7",
		rule:     "Rename removes the old record at its version and stores the new one at version 1.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			r := optional[driver.Renamer](t, b)
			old, key := e.key("old"), e.key("new")
			rec := newRecord("x")
			create(t, b, old, rec)
			save(t, b, old, rec)
			fresh := newRecord("fresh")
			fresh.User, fresh.AuthTime = "ann", fresh.Created
			if err := r.Rename(t.Context(), old, 2, key, fresh, driver.Mark{}); err != nil {
				t.Fatalf("Rename: %v", err)
			}
			wantGone(t, b, old)
			fresh.Version = 1
			e.wantRecord(t, load(t, b, key), fresh)
			rec.Data = []byte("late")
			wantErr(t, "a late Save to the old key", b.Save(t.Context(), old, rec), session.ErrNotFound)
			save(t, b, key, fresh)
		},
	},
	{
		name:     "rename/another version",
		sentence: "S7",
		rule:     "Rename at another version changes nothing and returns a *ConflictError carrying the record as stored.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			r := optional[driver.Renamer](t, b)
			old, key := e.key("old"), e.key("new")
			rec := newRecord("first")
			create(t, b, old, rec)
			rec.Data = []byte("acknowledged")
			save(t, b, old, rec)
			err := r.Rename(t.Context(), old, 1, key, newRecord("fresh"), driver.Mark{})
			e.wantRecord(t, wantConflict(t, "Rename", err), rec)
			wantStored(t, b, old, 2, "acknowledged")
			wantGone(t, b, key)
		},
	},
	{
		name:     "rename/nothing",
		sentence: "S7",
		rule:     "Rename of a record that is missing or has expired returns ErrNotFound and creates nothing.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			r := optional[driver.Renamer](t, b)
			old, key := e.key("old"), e.key("new")
			wantErr(t, "Rename", r.Rename(t.Context(), old, 1, key, newRecord("x"), driver.Mark{}), session.ErrNotFound)
			wantGone(t, b, key)
			e.createExpired(t, b, old)
			err := r.Rename(t.Context(), old, 1, key, newRecord("x"), driver.Mark{})
			wantErr(t, "Rename of an expired record", err, session.ErrNotFound)
			wantGone(t, b, key)
		},
	},
	{
		name:     "rename/taken",
		sentence: "S7",
		rule:     "Rename to the key of a live record returns ErrExists and changes neither record.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			r := optional[driver.Renamer](t, b)
			old, key := e.key("old"), e.key("another's")
			create(t, b, old, newRecord("x"))
			create(t, b, key, newRecord("theirs"))
			wantErr(t, "Rename", r.Rename(t.Context(), old, 1, key, newRecord("fresh"), driver.Mark{}), session.ErrExists)
			wantStored(t, b, old, 1, "x")
			wantStored(t, b, key, 1, "theirs")
		},
	},
	{
		name:     "rename/one step",
		sentence: "S7",
		rule:     "A reader during a Rename finds either the old record or the new one, never none and never both.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.node(t)
			r := optional[driver.Renamer](t, a)
			for round := range 50 {
				old, key := e.key("old "+strconv.Itoa(round)), e.key("new "+strconv.Itoa(round))
				create(t, a, old, newRecord("x"))
				there := func(key string) bool {
					err := b.Load(t.Context(), key, new(driver.Record))
					if err != nil && !errors.Is(err, session.ErrNotFound) {
						t.Errorf("Load: %v", err)
					}
					return err == nil
				}
				together(3, func(i int) {
					switch (i + round) % 3 {
					case 0:
						wantOK(t, "Rename", r.Rename(t.Context(), old, 1, key, newRecord("x"), driver.Mark{}))
					case 1:
						if !there(old) && !there(key) {
							t.Error("the old record was gone before the new one was there")
						}
					case 2:
						if there(key) && there(old) {
							t.Error("the new record was there before the old one was gone")
						}
					}
				})
			}
		},
	},
	{
		name:     "rename/one wins",
		sentence: "S7",
		rule:     "If a Rename and a Save at the same version compete, or two Renames, exactly one wins.",
		check: func(t testing.TB, e *env) {
			a, b := e.node(t), e.node(t)
			ra, rb := optional[driver.Renamer](t, a), optional[driver.Renamer](t, b)
			for round := range 50 {
				label := strconv.Itoa(round)
				old, keyA, keyB := e.key("old "+label), e.key("a "+label), e.key("b "+label)
				create(t, a, old, newRecord("x"))
				save := newRecord("saved")
				save.Version = 1
				var errs [3]error
				together(3, func(i int) {
					i = (i + round) % 3
					switch i {
					case 0:
						errs[i] = ra.Rename(t.Context(), old, 1, keyA, newRecord("a"), driver.Mark{})
					case 1:
						errs[i] = rb.Rename(t.Context(), old, 1, keyB, newRecord("b"), driver.Mark{})
					case 2:
						errs[i] = b.Save(t.Context(), old, save)
					}
				})
				won := 0
				for i, key := range []string{keyA, keyB, old} {
					if errs[i] == nil {
						won++
						load(t, a, key)
					} else {
						wantGone(t, a, key)
					}
				}
				if won != 1 {
					t.Fatalf("%d of three won, want one: %v", won, errs)
				}
			}
		},
	},
}

// optional returns b as T, or skips the case.
func optional[T any](t testing.TB, b driver.Backend) T {
	t.Helper()
	o, ok := driver.As[T](b)
	if !ok {
		t.Skipf("not a %v", reflect.TypeFor[T]())
	}
	return o
}

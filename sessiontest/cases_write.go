package sessiontest

import (
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// Save compares versions, and creates nothing.
var saveCases = []testCase{
	{
		name:     "save/advances the version",
		sentence: "S3",
		rule:     "Save at the stored version replaces the record and advances the version by exactly one.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("0")
			create(t, b, key, rec)
			for i, data := range []string{"1", "2", "2", "3"} {
				rec.Data = []byte(data)
				save(t, b, key, rec)
				if want := uint64(i + 2); rec.Version != want {
					t.Errorf("Save set Version to %d, want %d", rec.Version, want)
				}
				wantStored(t, b, key, uint64(i+2), data)
			}
		},
	},
	{
		name:     "save/another version",
		sentence: "S3",
		rule:     "Save at another version changes nothing and returns a *ConflictError carrying the record as stored.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("first")
			create(t, b, key, rec)
			rec.User, rec.AuthTime, rec.Data = "ann", time.Now(), []byte("second")
			save(t, b, key, rec)
			for _, version := range []uint64{0, 1, 3, 1 << 40} {
				mine := newRecord("mine")
				mine.Version = version
				mine.Expires = mine.Expires.Add(time.Hour)
				stored := wantConflict(t, "Save", b.Save(t.Context(), key, mine))
				e.wantRecord(t, stored, rec)
				if mine.Version != version {
					t.Errorf("the failed Save set Version to %d, want %d as before", mine.Version, version)
				}
				e.wantRecord(t, load(t, b, key), rec)
			}
		},
	},
	{
		name:     "save/again after a conflict",
		sentence: "S3",
		rule:     "The record of a ConflictError can be changed and saved.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("a")
			create(t, b, key, rec)
			save(t, b, key, rec)
			late := newRecord("b")
			late.Version = 1
			stored := wantConflict(t, "Save", b.Save(t.Context(), key, late))
			stored.Data = []byte("ab")
			save(t, b, key, stored)
			wantStored(t, b, key, 3, "ab")
		},
	},
	{
		name:     "save/creates nothing",
		sentence: "S4",
		rule:     "Save of a missing record returns ErrNotFound and creates nothing, at any version.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			for _, version := range []uint64{0, 1, 2} {
				rec := newRecord("late")
				rec.Version = version
				wantErr(t, "Save", b.Save(t.Context(), key, rec), session.ErrNotFound)
				wantGone(t, b, key)
			}
		},
	},
	{
		name:     "save/never shortens",
		sentence: "S5",
		rule:     "Save keeps the later of the two Expires.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("x")
			long := rec.Expires
			create(t, b, key, rec)
			rec.Expires = long.Add(-30 * time.Minute)
			save(t, b, key, rec)
			e.wantExpires(t, b, key, long)
			rec.Expires = long.Add(30 * time.Minute)
			save(t, b, key, rec)
			e.wantExpires(t, b, key, long.Add(30*time.Minute))
		},
	},
	{
		name:     "save/shortens when told to",
		sentence: "S5",
		rule:     "Save with Shorten stores its Expires, earlier or later. The next Save without Shorten does not shorten it.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("x")
			long := rec.Expires
			create(t, b, key, rec)
			for _, expires := range []time.Time{long.Add(-30 * time.Minute), long.Add(30 * time.Minute), long} {
				rec.Expires, rec.Shorten = expires, true
				save(t, b, key, rec)
				e.wantExpires(t, b, key, expires)
			}
			rec.Expires, rec.Shorten = long.Add(-time.Minute), false
			save(t, b, key, rec)
			e.wantExpires(t, b, key, long)
		},
	},
}

// Touch extends, and nothing else.
var touchCases = []testCase{
	{
		name:     "touch/extends",
		sentence: "S5",
		rule:     "Touch moves Expires later. The same time changes nothing and is not reported as a miss.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("x")
			create(t, b, key, rec)
			later := rec.Expires.Add(30 * time.Minute)
			for range 3 {
				touch(t, b, key, later)
				e.wantExpires(t, b, key, later)
			}
		},
	},
	{
		name:     "touch/never shortens",
		sentence: "S5",
		rule:     "Touch with an earlier time changes nothing and is not reported as a miss.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("x")
			create(t, b, key, rec)
			for _, expires := range []time.Time{rec.Expires.Add(-30 * time.Minute), time.Now().Add(-time.Hour), {}} {
				touch(t, b, key, expires)
				e.wantExpires(t, b, key, rec.Expires)
			}
		},
	},
	{
		name:     "touch/no new version",
		sentence: "S3",
		rule:     "Touch changes neither the version nor the data: a save of what was loaded before still succeeds.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			create(t, b, key, newRecord("x"))
			rec := load(t, b, key)
			touch(t, b, key, rec.Expires.Add(time.Minute))
			wantStored(t, b, key, 1, "x")
			rec.Data = []byte("y")
			save(t, b, key, rec)
			wantStored(t, b, key, 2, "y")
		},
	},
	{
		name:     "touch/creates nothing",
		sentence: "S4",
		rule:     "Touch of a missing record returns ErrNotFound and creates nothing.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			wantErr(t, "Touch", b.Touch(t.Context(), key, time.Now().Add(time.Hour)), session.ErrNotFound)
			wantGone(t, b, key)
		},
	},
}

// Delete is final.
var deleteCases = []testCase{
	{
		name:     "delete/any version",
		sentence: "S4",
		rule:     "Delete with version 0 removes any version. Deleting nothing is not an error.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("x")
			create(t, b, key, rec)
			save(t, b, key, rec)
			for range 2 {
				wantOK(t, "Delete", b.Delete(t.Context(), key, 0))
				wantGone(t, b, key)
			}
			wantOK(t, "Delete of what never was", b.Delete(t.Context(), e.key("never"), 0))
		},
	},
	{
		name:     "delete/final",
		sentence: "S4",
		rule:     "After Delete neither a late Save nor a late Touch brings the session back.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			create(t, b, key, newRecord("x"))
			rec := load(t, b, key)
			wantOK(t, "Delete", b.Delete(t.Context(), key, 0))
			rec.Data = []byte("late")
			wantErr(t, "a late Save", b.Save(t.Context(), key, rec), session.ErrNotFound)
			wantErr(t, "a late Touch", b.Touch(t.Context(), key, time.Now().Add(2*time.Hour)), session.ErrNotFound)
			wantGone(t, b, key)
		},
	},
	{
		name:     "delete/its version",
		sentence: "S7",
		rule:     "Delete at the stored version removes the record.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("x")
			create(t, b, key, rec)
			save(t, b, key, rec)
			wantOK(t, "Delete at its version", b.Delete(t.Context(), key, 2))
			wantGone(t, b, key)
		},
	},
	{
		name:     "delete/another version",
		sentence: "S7",
		rule:     "Delete at another version changes nothing and returns a *ConflictError carrying the record as stored.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("x")
			create(t, b, key, rec)
			rec.Data = []byte("acknowledged")
			save(t, b, key, rec)
			for _, version := range []uint64{1, 3} {
				stored := wantConflict(t, "Delete", b.Delete(t.Context(), key, version))
				e.wantRecord(t, stored, rec)
				wantStored(t, b, key, 2, "acknowledged")
			}
		},
	},
	{
		name:     "delete/a version of nothing",
		sentence: "S7",
		rule:     "Delete at a version returns ErrNotFound if there is no live record.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			wantErr(t, "Delete", b.Delete(t.Context(), key, 1), session.ErrNotFound)
			create(t, b, key, newRecord("x"))
			wantOK(t, "Delete at its version", b.Delete(t.Context(), key, 1))
			wantErr(t, "the second Delete", b.Delete(t.Context(), key, 1), session.ErrNotFound)
		},
	},
}

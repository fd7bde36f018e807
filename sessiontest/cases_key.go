package sessiontest

import (
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A key belongs to one session only.
var keyCases = []testCase{
	{
		name:     "key/unknown",
		sentence: "S1",
		rule:     "A key that was never created is not found.",
		check: func(t testing.TB, e *env) {
			wantGone(t, e.node(t), e.key("k"))
		},
	},
	{
		name:     "key/exact",
		sentence: "S1",
		rule:     "A key that differs in case, by a space, at its end or at its beginning is another key.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			create(t, b, key, newRecord("mine"))
			for _, other := range []string{
				strings.ToLower(key), strings.ToUpper(key), swapCase(key), key + " ", " " + key, key + "\x00", key + "\x00x",
				key + "\n", key + "\r\n", key + "A", "A" + key, key[:42], key[1:], key[:22] + "_" + key[23:], "%", "*", "",
			} {
				if other == key {
					continue
				}
				if err := b.Load(t.Context(), other, new(driver.Record)); err == nil {
					t.Errorf("Load(%q) = nil, though only %q was created", other, key)
				}
				rec := newRecord("other")
				rec.Version = 1
				if err := b.Save(t.Context(), other, rec); err == nil {
					t.Errorf("Save(%q) = nil, though only %q was created", other, key)
				}
				if err := b.Touch(t.Context(), other, rec.Expires); err == nil {
					t.Errorf("Touch(%q) = nil, though only %q was created", other, key)
				}
				b.Delete(t.Context(), other, 0) // a key that can be none may be refused
			}
			wantStored(t, b, key, 1, "mine")
		},
	},
	{
		name:     "key/alike",
		sentence: "S1",
		rule:     "Keys that differ only in one character or its case have separate records.",
		check: func(t testing.TB, e *env) {
			const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
			b, key := e.node(t), e.key("k")
			var keys []string
			for _, c := range alphabet {
				keys = append(keys, key[:42]+string(c), string(c)+key[:42])
			}
			for _, key := range keys {
				create(t, b, key, newRecord(key))
			}
			for _, key := range keys {
				wantStored(t, b, key, 1, key)
			}
			wantOK(t, "Delete", b.Delete(t.Context(), keys[0], 0))
			for _, key := range keys[1:] {
				wantStored(t, b, key, 1, key)
			}
		},
	},
	{
		name:     "key/taken",
		sentence: "S4",
		rule:     "Create returns ErrExists for a key that is taken, and leaves the stored record unchanged.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			create(t, b, key, newRecord("first"))
			wantErr(t, "Create over a live record", b.Create(t.Context(), key, newRecord("second")), session.ErrExists)
			wantStored(t, b, key, 1, "first")
		},
	},
	{
		name:     "key/free again",
		sentence: "S4",
		rule:     "A key is free again after Delete, and its next record begins at version 1.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("first")
			create(t, b, key, rec)
			save(t, b, key, rec)
			if err := b.Delete(t.Context(), key, 0); err != nil {
				t.Fatalf("Delete: %v", err)
			}
			rec = newRecord("second")
			rec.Version = 7
			create(t, b, key, rec)
			if rec.Version != 1 {
				t.Errorf("Create set Version to %d, want 1", rec.Version)
			}
			wantStored(t, b, key, 1, "second")
		},
	},
}

// swapCase makes small letters of capitals, and capitals of small letters.
func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z':
			return r ^ 0x20
		}
		return r
	}, s)
}

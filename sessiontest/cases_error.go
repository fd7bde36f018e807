package sessiontest

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// Errors differ from misses and reveal no secrets.
var errorCases = []testCase{
	{
		name:     "error/cancelled load",
		sentence: "S8",
		rule:     "Load with a cancelled context succeeds, or returns an error that does not report a miss.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			create(t, b, key, newRecord("x"))
			wantNoMiss(t, "Load with a cancelled context", b.Load(cancelled(t), key, new(driver.Record)))
			wantStored(t, b, key, 1, "x")
		},
	},
	{
		name:     "error/cancelled create",
		sentence: "S8",
		rule:     "Create with a cancelled context stores the whole record, or returns an error and may store nothing.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			err := b.Create(cancelled(t), key, newRecord("x"))
			if err != nil && errors.Is(b.Load(t.Context(), key, new(driver.Record)), session.ErrNotFound) {
				return
			}
			wantStored(t, b, key, 1, "x")
		},
	},
	{
		name:     "error/cancelled save",
		sentence: "S8",
		rule:     "Save with a cancelled context stores the whole record, or returns an error and may leave the old one.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("old")
			create(t, b, key, rec)
			rec.Data = []byte("new")
			err := b.Save(cancelled(t), key, rec)
			wantNoMiss(t, "Save with a cancelled context", err)
			if err != nil && load(t, b, key).Version == 1 {
				wantStored(t, b, key, 1, "old")
				return
			}
			wantStored(t, b, key, 2, "new")
		},
	},
	{
		name:     "error/cancelled touch",
		sentence: "S8",
		rule:     "Touch with a cancelled context moves the deadline, or returns an error and may not have moved it. The record stays.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			rec := newRecord("x")
			create(t, b, key, rec)
			later := rec.Expires.Add(time.Minute)
			err := b.Touch(cancelled(t), key, later)
			wantNoMiss(t, "Touch with a cancelled context", err)
			wantStored(t, b, key, 1, "x")
			if err == nil {
				e.wantExpires(t, b, key, later)
			}
		},
	},
	{
		name:     "error/cancelled delete",
		sentence: "S8",
		rule:     "Delete with a cancelled context removes the record or returns an error: no logout fails silently.",
		check: func(t testing.TB, e *env) {
			b := e.node(t)
			for _, version := range []uint64{0, 1} {
				key := e.key(string(rune('0' + version)))
				create(t, b, key, newRecord("x"))
				err := b.Delete(cancelled(t), key, version)
				wantNoMiss(t, "Delete with a cancelled context", err)
				if err == nil {
					wantGone(t, b, key)
				} else if err := b.Load(t.Context(), key, new(driver.Record)); !errors.Is(err, session.ErrNotFound) {
					wantStored(t, b, key, 1, "x")
				}
			}
		},
	},
	{
		name:     "error/record unchanged",
		sentence: "S8",
		rule:     "After an error the record that the caller passed is as it was.",
		check: func(t testing.TB, e *env) {
			b, key := e.node(t), e.key("k")
			create(t, b, key, newRecord("stored"))
			for _, tt := range []struct {
				call string
				do   func(rec *driver.Record) error
			}{
				{"Create of a taken key", func(rec *driver.Record) error { return b.Create(t.Context(), key, rec) }},
				{"Load of nothing", func(rec *driver.Record) error { return b.Load(t.Context(), e.key("none"), rec) }},
				{"Save of nothing", func(rec *driver.Record) error { return b.Save(t.Context(), e.key("none"), rec) }},
				{"Save at another version", func(rec *driver.Record) error { return b.Save(t.Context(), key, rec) }},
			} {
				rec := newRecord("passed")
				rec.Version, rec.User, rec.Shorten, rec.MaxData = 7, "Ann", true, 1000
				before := *rec
				if err := tt.do(rec); err != nil && !reflect.DeepEqual(*rec, before) {
					t.Errorf("%s has changed the record", tt.call)
				}
			}
		},
	},
	{
		name:     "error/no secrets",
		sentence: "S13",
		rule:     "No error contains a key, a user or data.",
		check: func(t testing.TB, e *env) {
			b, key, other := e.node(t), e.key("k"), e.key("other")
			rec := newRecord("secret data")
			rec.User = "secret user"
			create(t, b, key, rec)
			save(t, b, key, rec)
			late := *rec
			late.Version = 1
			for call, err := range map[string]error{
				"Load of nothing":   b.Load(t.Context(), other, new(driver.Record)),
				"Save of nothing":   b.Save(t.Context(), other, &late),
				"Touch of nothing":  b.Touch(t.Context(), other, late.Expires),
				"Delete of nothing": b.Delete(t.Context(), other, 1),
				"Create twice":      b.Create(t.Context(), key, &late),
				"Save too late":     b.Save(t.Context(), key, &driver.Record{Version: 1, Expires: late.Expires}),
				"Delete too late":   b.Delete(t.Context(), key, 1),
				"Load, cancelled":   b.Load(cancelled(t), key, new(driver.Record)),
				"Save, cancelled":   b.Save(cancelled(t), key, rec),
			} {
				if err == nil {
					continue
				}
				for _, secret := range []string{key, other, "secret"} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("%s: the error shows %q: %q", call, secret, err)
					}
				}
			}
		},
	},
}

func cancelled(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// wantNoMiss checks that a call for a live record, even if it failed, does not report a missing record or a conflict.
// Otherwise an unreachable store would log users out.
func wantNoMiss(t testing.TB, call string, err error) {
	t.Helper()
	if errors.Is(err, session.ErrNotFound) || conflict(err) != nil {
		t.Errorf("%s, of a live record: %v", call, err)
	}
}

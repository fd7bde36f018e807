package sessiontest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// What an operator does to a session that is named by its id.
var byIDCases = []testCase{
	{
		name:     "by id/changed",
		sentence: "S5",
		rule:     "SessionByID changes values and moves no deadline. DestroyByID returns no error for a session that it has already ended.",
		check: func(t testing.TB, e *env) {
			m, other := e.manager(t, session.CfgTouchInterval(-1)), e.manager(t)
			b := visitor(t, m, values{"a": "1"})
			e.hasten(t, b.value(), func(rec *driver.Record) {
				rec.Expires = time.Now().Add(50 * time.Minute).Truncate(time.Millisecond)
			})
			s, err := other.SessionByID(t.Context(), b.value())
			wantOK(t, "SessionByID", err)
			wantOK(t, "Set", s.Set(t.Context(), "a", "2"))
			wantOK(t, "Save", s.Save(t.Context()))
			e.wantLeft(t, "changed by its id", b, 50*time.Minute)
			again, err := m.SessionByID(t.Context(), s.ID())
			e.wantFound(t, "SessionByID", err)
			if err == nil && again.Get(t.Context(), "a") != "2" {
				t.Error("by its public id another value is found")
			}
			b.wantValues(t, m, values{"a": "2"})
			for range 2 {
				e.wantFound(t, "DestroyByID", m.DestroyByID(t.Context(), s.ID()))
				wantOK(t, "DestroyByID", m.DestroyByID(t.Context(), b.value()))
			}
			e.wantRecordless(t, b.value())
			_, err = m.SessionByID(t.Context(), b.value())
			wantErr(t, "SessionByID", err, session.ErrNotFound)
			wantErr(t, "Reload", s.Reload(t.Context()), session.ErrDestroyed)
		},
	},
	{
		name:     "by id/damaged",
		sentence: "S11",
		rule:     "SessionByID returns an error for a damaged record, as opposed to an absent session. DestroyByID ends the session.",
		check: func(t testing.TB, e *env) {
			m, b := e.manager(t), e.node(t)
			v := visitor(t, m, values{"user": "ann"})
			key := e.storageKey(b, v.value())
			s := v.start(t, m)
			rec := load(t, b, key)
			rec.Data = []byte("damaged")
			save(t, b, key, rec)
			_, err := m.SessionByID(t.Context(), v.value())
			wantErr(t, "SessionByID", err, session.ErrCorrupt)
			wantErr(t, "Reload", s.Reload(t.Context()), session.ErrCorrupt)
			if got := s.Get(t.Context(), "user"); got != "ann" {
				t.Errorf("after a Reload that failed the request sees %v", got)
			}
			wantOK(t, "DestroyByID", m.DestroyByID(t.Context(), v.value()))
			e.wantRecordless(t, v.value())
		},
	},
	{
		name:     "by id/too large",
		sentence: "S9",
		rule:     "SessionByID returns an error for a record that is too large to be opened. DestroyByID ends the session.",
		check: func(t testing.TB, e *env) {
			v := visitor(t, e.manager(t), values{"a": strings.Repeat("x", 3000)})
			m := e.manager(t, session.CfgMaxBytes(700))
			_, err := m.SessionByID(t.Context(), v.value())
			wantErr(t, "SessionByID", err, session.ErrTooLarge)
			wantOK(t, "DestroyByID", m.DestroyByID(t.Context(), v.value()))
			e.wantRecordless(t, v.value())
		},
	},
}

// wantFound checks the error of a call that finds a session by its public id. Beego's layouts have sids alone, and some cannot list
// them.
func (e *env) wantFound(t testing.TB, what string, err error) {
	t.Helper()
	if !e.beego || !errors.Is(err, errors.ErrUnsupported) {
		wantOK(t, what, err)
	}
}

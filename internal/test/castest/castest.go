// Package castest contains tests that the engines over package cas share.
package castest

import (
	"io"
	"maps"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// A Backend is all that such an engine is, except in beego's layout.
type Backend interface {
	driver.Backend
	driver.Marker
	driver.Pinger
	io.Closer
}

// NoMore checks that the backend does not claim what needs a list of the sessions, or a rename.
func NoMore(t *testing.T, b driver.Backend) {
	t.Helper()
	_, counts := b.(driver.Counter)
	_, lists := b.(driver.Lister)
	_, users := b.(driver.UserLister)
	_, limits := b.(driver.UserLimiter)
	_, clears := b.(driver.Clearer)
	_, sweeps := b.(driver.Sweeper)
	_, renames := b.(driver.Renamer)
	if counts || lists || users || limits || clears || sweeps || renames {
		t.Error("an interface is there that needs a list of the sessions, or a rename")
	}
}

// Values is what beego has in a session.
type Values = map[any]any

// A Legacy stands for beego's provider on the server that a manager uses.
type Legacy struct {
	Set   func(sid string, values []byte)                                 // stores the gob of Values for ten minutes; nil is an empty session
	Value func(sid string) (values []byte, left time.Duration, live bool) // reads one
}

// Beego has beego's provider and m, whose sessions live for ten minutes, work on one session in turn.
func Beego(t *testing.T, m *session.Manager, l Legacy) {
	ctx := t.Context()
	const sid = "0123456789abcdef0123456789abcdef"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	set := func(values Values) {
		t.Helper()
		data, err := session.EncodeGob(values)
		must(err)
		l.Set(sid, data)
	}
	check := func(want Values) {
		t.Helper()
		data, left, live := l.Value(sid)
		got := Values{}
		if len(data) > 0 {
			var err error
			got, err = session.DecodeGob(data)
			must(err)
		}
		if !live || !maps.Equal(got, want) {
			t.Errorf("beego reads %v, want %v", got, want)
		}
		if left < 590*time.Second || left > 610*time.Second {
			t.Errorf("it lives for %v, want 10m", left)
		}
	}
	load := func() *session.Session {
		t.Helper()
		store, err := m.GetSessionStore(sid)
		must(err)
		return store.(*session.Session)
	}
	set(Values{"user": "ann", 7: int64(8)})
	s := load()
	if user, n := s.Get(ctx, "user"), s.Get(ctx, 7); user != "ann" || n != int64(8) {
		t.Errorf("beego's session has %v and %v", user, n)
	}
	must(s.Set(ctx, "n", 2))
	set(Values{"user": "ann", 7: int64(8), "beego": true}) // meanwhile
	must(s.Save(ctx))
	check(Values{"user": "ann", 7: int64(8), "beego": true, "n": 2})
	must(s.Flush(ctx))
	must(s.Save(ctx))
	check(Values{})
	l.Set(sid, nil)
	s = load()
	must(s.Set(ctx, "a", "1"))
	must(s.Save(ctx))
	check(Values{"a": "1"})
	must(m.GetProvider().SessionDestroy(ctx, sid))
	if _, _, live := l.Value(sid); live {
		t.Error("it was destroyed, and is there")
	}
}

package cookie_test

import (
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// browse runs a test on a clock of its own.
func browse(t *testing.T, name string, do func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, do) })
}

const yearLong = `{"securityKey": "a secret of the tests", "maxage": 31536000}`

func TestTheServerKeepsTheDeadlines(t *testing.T) {
	browse(t, "idle", func(t *testing.T) {
		m := newManager(t, yearLong, session.CfgMaxLifeTime(600))
		header := seeded(t, m).jar.header(false)
		time.Sleep(10*time.Minute - time.Nanosecond)
		if got := with(m, header); got.user != "ann" {
			t.Errorf("before the deadline: %+v", got)
		}
		time.Sleep(time.Nanosecond)
		wantFresh(t, m, header, "at the deadline")
	})
	browse(t, "use moves the idle deadline", func(t *testing.T) {
		m := newManager(t, yearLong, session.CfgMaxLifeTime(600))
		b := seeded(t, m)
		for range 100 {
			time.Sleep(9 * time.Minute)
			if b.value(m, "user") != "ann" {
				t.Fatal("gone in spite of its use")
			}
		}
		old := b.jar.header(false)
		time.Sleep(time.Minute)
		b.value(m, "user")
		time.Sleep(9 * time.Minute)
		wantFresh(t, m, old, "a cookie that was replaced, at its own deadline")
		if b.value(m, "user") != "ann" {
			t.Error("the cookie that took its place is gone, too")
		}
	})
	browse(t, "absolute", func(t *testing.T) {
		m := newManager(t, yearLong, session.CfgMaxLifeTime(600), session.CfgAbsoluteLifetime(time.Hour),
			session.CfgTouchInterval(-1))
		b := seeded(t, m)
		for range 59 {
			time.Sleep(time.Minute)
			b.visit(m, func(s *session.Session) { set(t, s, "at", time.Now()) })
			if err := regenerate(b, m); err != nil {
				t.Fatal(err)
			}
		}
		header := b.jar.header(false)
		time.Sleep(time.Minute - time.Nanosecond)
		if got := with(m, header); got.user != "ann" {
			t.Errorf("before the deadline: %+v", got)
		}
		time.Sleep(time.Nanosecond)
		wantFresh(t, m, header, "at the deadline")
	})
	browse(t, "a read renews the cookie when that is due", func(t *testing.T) {
		m := newManager(t, yearLong, session.CfgMaxLifeTime(600), session.CfgTouchInterval(time.Minute))
		b := seeded(t, m)
		read := func() int { return len(b.visit(m, func(s *session.Session) { s.Get(t.Context(), "user") }).Cookies()) }
		time.Sleep(time.Minute - time.Millisecond)
		if n := read(); n != 0 {
			t.Errorf("%d cookies before it is due", n)
		}
		time.Sleep(time.Millisecond)
		if n := read(); n != 1 {
			t.Errorf("%d cookies when it is due", n)
		}
	})
	browse(t, "a session that got too large is renewed as it is, and takes nothing more", func(t *testing.T) {
		large, small := newManager(t, yearLong, session.CfgMaxLifeTime(600)), newManager(t, yearLong, session.CfgMaxLifeTime(600), session.CfgMaxBytes(100))
		b := seeded(t, large)
		b.visit(large, func(s *session.Session) { set(t, s, "text", text(500)) })
		time.Sleep(10*time.Minute - time.Nanosecond)
		b.visit(small, func(s *session.Session) {
			if err := s.Set(t.Context(), "n", 1); !errors.Is(err, session.ErrTooLarge) {
				t.Errorf("Set: %v, want ErrTooLarge", err)
			}
		})
		time.Sleep(time.Nanosecond)
		if b.value(small, "user") != "ann" {
			t.Error("the session is lost")
		}
	})
	browse(t, "a session that the codec of today cannot hold is not renewed, and does not keep the visitor out", func(t *testing.T) {
		before := newManager(t, yearLong, session.CfgMaxLifeTime(600))
		today := newManager(t, yearLong, session.CfgMaxLifeTime(600), session.CfgCodec("json"), quiet)
		b := seeded(t, before)
		b.visit(before, func(s *session.Session) { set(t, s, "value", math.Inf(1)) })
		sid := b.sid(before)
		time.Sleep(9 * time.Minute) // it is due
		wantUnsealable(t, b, today, session.ErrUnencodable)
		if b.value(before, "user") != nil || b.sid(today) != sid {
			t.Error("the session is another, or was not flushed")
		}
	})
	browse(t, "a session that expires during its request", func(t *testing.T) {
		m := newManager(t, yearLong, session.CfgMaxLifeTime(600))
		b := seeded(t, m)
		b.visit(m, func(s *session.Session) {
			time.Sleep(10 * time.Minute)
			if err := s.Set(t.Context(), "n", 1); err == nil {
				t.Error("Set has sealed a session that is gone")
			}
		})
		wantFresh(t, m, b.jar.header(false), "afterwards")
	})
}

// wantUnsealable checks what a visitor can do whose session holds what cannot be sealed: read, and begin anew.
func wantUnsealable(t *testing.T, b *browser, m *session.Manager, want error) {
	t.Helper()
	b.visit(m, func(s *session.Session) {
		if s.IsNew() {
			t.Error("the session is a new one")
		}
		if err := s.Set(t.Context(), "n", 1); !errors.Is(err, want) {
			t.Errorf("Set = %v", err)
		}
	})
	b.visit(m, func(s *session.Session) {
		if err := s.Flush(t.Context()); err != nil {
			t.Errorf("Flush = %v", err)
		}
		set(t, s, "new", "value")
	})
	if b.value(m, "new") != "value" {
		t.Error("what was set after Flush is lost")
	}
}

func regenerate(b *browser, m *session.Manager) (err error) {
	b.visit(m, func(s *session.Session) { err = s.Regenerate(b.Context()) })
	return err
}

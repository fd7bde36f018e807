package sessiontest

import (
	"slices"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// counting returns a tapping that notes the methods called.
func counting(calls *[]string) tapping {
	return func(c call, do func() error) error {
		*calls = append(*calls, c.method)
		return do()
	}
}

// When a session is stored, and when it ends.
var deadlineCases = []testCase{
	{
		name:     "deadline/reads store nothing",
		sentence: "S5",
		rule:     "A request that only reads loads the session once, and stores nothing unless the deadline is due to be moved.",
		check: func(t testing.TB, e *env) {
			var calls []string
			m := e.tapped(t, counting(&calls))
			b := visitor(t, m, values{"a": "1"})
			before := e.stored(t, b.value())
			e.tick() // a deadline that cannot move is not due
			calls = nil
			header := b.visit(t, m, func(s *flight) {
				s.wantValues(t, values{"a": "1", "b": nil})
				s.SessionRelease(t.Context(), s.w)
				s.SessionRelease(t.Context(), s.w)
			})
			if want := []string{"load"}; !slices.Equal(calls, want) {
				t.Errorf("the store was called for %v, want %v", calls, want)
			}
			wantNoCookie(t, "a request that reads", header)
			e.wantRecord(t, e.stored(t, b.value()), before)
		},
	},
	{
		name:       "deadline/reads answer nothing",
		sentence:   "S5",
		rule:       "The response to a request that only reads sets no cookie, unless a twentieth of the cookie's lifetime has passed since it was last sent.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			m := e.manager(t, session.CfgCookieLifeTime(600))
			b := visitor(t, m, values{"a": "1"})
			for range 3 {
				time.Sleep(2 * e.resolution)
				wantNoCookie(t, "a request that reads", b.visit(t, m, func(s *flight) { s.wantValues(t, values{"a": "1"}) }))
			}
		},
	},
	{
		name:       "deadline/moved",
		sentence:   "S5",
		rule:       "Each use that finds the deadline due moves it, so a session in use outlives its idle timeout.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			// On a slow machine the session may have ended rightly: then again, with more time.
			for lifetime := max(time.Second, 4*e.resolution.Round(time.Second)); lifetime <= 16*time.Second; lifetime *= 2 {
				if e.outlives(t, lifetime) {
					return
				}
			}
			t.Error("each time it took longer between two uses than the session lives without one: the machine is too slow to tell")
		},
	},
	{
		name:     "deadline/moved when due",
		sentence: "S5",
		rule:     "Once touchInterval has passed, a request that only reads moves the deadline, in one call.",
		check: func(t testing.TB, e *env) {
			var calls []string
			m := e.tapped(t, counting(&calls)) // lifetime 1 h, touchInterval 1 min
			for _, tt := range []struct {
				since time.Duration
				want  []string
			}{
				{50 * time.Second, []string{"load"}},
				{70 * time.Second, []string{"load", "touch"}},
				{30 * time.Minute, []string{"load", "touch"}},
			} {
				b := visitor(t, m, values{"a": "1"})
				expires := time.Now().Add(time.Hour - tt.since).Truncate(time.Millisecond)
				e.hasten(t, b.value(), func(rec *driver.Record) { rec.Expires = expires })
				version := e.stored(t, b.value()).Version
				calls = nil
				b.visit(t, m, nil)
				if !slices.Equal(calls, tt.want) {
					t.Errorf("%v after the last use the store was called for %v, want %v", tt.since, calls, tt.want)
				}
				rec := e.stored(t, b.value())
				if left := time.Until(rec.Expires); (left > time.Hour-10*time.Second) != (len(tt.want) == 2) {
					t.Errorf("%v after the last use the session has %v left", tt.since, left)
				}
				if rec.Version != version {
					t.Errorf("moving the deadline made version %d of %d", rec.Version, version)
				}
			}
		},
	},
	{
		name:     "deadline/never earlier",
		notBeego: true,
		sentence: "S5",
		rule:     "Neither a save nor a touch moves the deadline earlier, even on a node with a shorter lifetime.",
		check: func(t testing.TB, e *env) {
			long, brief := e.manager(t), e.manager(t, session.CfgMaxLifeTime(60), session.CfgTouchInterval(-1))
			b := visitor(t, long, values{"a": "1"})
			before := e.stored(t, b.value()).Expires
			b.visit(t, brief, nil)
			b.visit(t, brief, func(s *flight) { s.set(t, values{"a": "2"}) })
			e.wantTime(t, "Expires", e.stored(t, b.value()).Expires, before)
			b.wantValues(t, long, values{"a": "2"})

			// What was loaded before somebody else moved the deadline must not move it back.
			for _, change := range []values{nil, {"a": "3"}} {
				soon := time.Now().Add(30 * time.Second).Truncate(time.Millisecond)
				e.hasten(t, b.value(), func(rec *driver.Record) { rec.Expires = soon })
				s := b.start(t, brief)
				b.visit(t, long, nil)
				moved := e.stored(t, b.value()).Expires
				s.set(t, change)
				wantOK(t, "Save", s.Save(t.Context()))
				e.wantTime(t, "Expires", e.stored(t, b.value()).Expires, moved)
			}
		},
	},
	{
		name:     "deadline/absolute bounds idle",
		notBeego: true,
		sentence: "S5",
		rule:     "No use moves the idle deadline past the absolute deadline, and no use moves the absolute deadline.",
		check: func(t testing.TB, e *env) {
			m := e.manager(t, session.CfgAbsoluteLifetime(30*time.Minute), session.CfgTouchInterval(-1))
			b := visitor(t, m, values{"a": "1"})
			first := e.stored(t, b.value())
			if first.Deadline.IsZero() || first.Created.IsZero() || first.Expires.After(first.Deadline) {
				t.Fatalf("created %v, expires %v, deadline %v", first.Created, first.Expires, first.Deadline)
			}
			hasten := func() {
				e.hasten(t, b.value(), func(rec *driver.Record) { rec.Expires = time.Now().Add(time.Minute).Truncate(time.Millisecond) })
			}
			for what, use := range map[string]func(){
				"touch":      func() { b.visit(t, m, nil) },
				"save":       func() { b.visit(t, m, func(s *flight) { s.set(t, values{"a": "2"}) }) },
				"regenerate": func() { b = b.regenerate(t, m) },
			} {
				hasten()
				use()
				rec := e.stored(t, b.value())
				e.wantTime(t, "after a "+what+": Created", rec.Created, first.Created)
				e.wantTime(t, "after a "+what+": Deadline", rec.Deadline, first.Deadline)
				e.wantTime(t, "after a "+what+": Expires", rec.Expires, first.Deadline)
			}
		},
	},
	{
		name:       "deadline/absolute",
		notBeego:   true,
		sentence:   "S6",
		rule:       "A session ends at its absolute deadline, even if it is in use.",
		clientSide: true,
		check: func(t testing.TB, e *env) {
			lifetime := 100*time.Millisecond + 4*e.resolution
			m := e.manager(t, session.CfgAbsoluteLifetime(lifetime), session.CfgTouchInterval(-1))
			begun, b := time.Now(), new(browser)
			b.take(b.start(t, m).w.Header()) // no more than that: a save may come too late on a slow machine
			end := time.Now().Add(lifetime)
			for time.Since(begun) < lifetime {
				s := b.start(t, m)
				if s.IsNew() {
					break
				}
				if err := s.Set(t.Context(), "a", "2"); err == nil {
					s.SessionRelease(t.Context(), s.w)
					b.take(s.w.Header())
				}
				time.Sleep(lifetime / 5)
			}
			if early := begun.Add(lifetime - e.resolution); time.Now().Before(early) {
				t.Errorf("gone %v before its deadline", time.Until(early))
			}
			e.waitFor(end)
			b.wantFresh(t, m, "past its absolute deadline")
		},
	},
	{
		name:     "deadline/idle on every call",
		sentence: "S6",
		rule:     "At its idle deadline a session is gone on every node and for every call, even if nothing has swept it.",
		check: func(t testing.TB, e *env) {
			m, other := e.manager(t), e.manager(t)
			b := visitor(t, m, values{"a": "1"})
			e.expire(t, b.value())
			for _, node := range []*session.Manager{m, other} {
				wantSID(t, node, b.value(), false)
				if node == m { // then Regenerate has replaced it
					b.wantFresh(t, node, "expired")
				}
				exists, err := node.GetProvider().SessionExist(t.Context(), b.value())
				if exists || err != nil {
					t.Errorf("SessionExist = %t, %v; want false", exists, err)
				}
				if next := b.regenerate(t, node); next.value() == b.value() {
					t.Error("Regenerate of an expired sid kept it")
				} else {
					next.wantValues(t, node, values{"a": nil})
				}
			}
			e.wantRecordless(t, b.value())
		},
	},
}

// outlives uses a session for longer than its idle lifetime, and then leaves it alone until it is gone. It reports
// false if it took so long between two uses that the session may have ended.
func (e *env) outlives(t testing.TB, lifetime time.Duration) bool {
	t.Helper()
	m := e.manager(t, session.CfgMaxLifeTime(int64(lifetime/time.Second)), session.CfgTouchInterval(-1))
	used, b := time.Now(), new(browser)
	s := b.start(t, m)
	b.take(s.w.Header())
	for range 6 {
		time.Sleep(lifetime / 4)
		begun := time.Now()
		s := b.start(t, m)
		if s.IsNew() {
			if unused := time.Since(used); unused < lifetime-e.resolution {
				t.Fatalf("gone %v after its last use, with an idle lifetime of %v", unused, lifetime)
			}
			return false
		}
		if s.Save(t.Context()) == nil { // otherwise it has ended since, which the next start tells
			used = begun
		}
		b.take(s.w.Header())
	}
	time.Sleep(lifetime + e.resolution)
	b.wantFresh(t, m, "not used for its idle lifetime")
	return true
}

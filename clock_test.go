package session_test

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// putBack is what the clock goes back by in these tests.
const putBack = time.Hour

// clockGoesBack makes the records of b those of a time that is yet to come, as they are after the clocks of all nodes
// were put back: a test cannot put back its own.
func clockGoesBack(t *testing.T, b driver.Backend) {
	t.Helper()
	for e, err := range b.(driver.Lister).List(t.Context()) {
		var rec driver.Record
		if err == nil {
			err = b.Load(t.Context(), e.Key, &rec)
		}
		later := func(at time.Time) time.Time {
			if at.IsZero() {
				return at
			}
			return at.Add(putBack)
		}
		rec.Created, rec.AuthTime, rec.Expires, rec.Deadline = later(rec.Created), later(rec.AuthTime), later(rec.Expires), later(rec.Deadline)
		if err == nil {
			err = b.Save(t.Context(), e.Key, &rec)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The clocks go back by an hour, as after a correction or when a machine is restored from an image: no session ends, no
// deadline moves earlier or past the absolute one, and what began "later" still ends.
func TestTheClockGoesBack(t *testing.T) {
	for name, use := range map[string]func(t *testing.T, s *session.Session){
		"reads":      func(*testing.T, *session.Session) {},
		"changes":    func(t *testing.T, s *session.Session) { set(t, s, "n", 1) },
		"logs in":    func(t *testing.T, s *session.Session) { must(t, s.Login(t.Context(), "ann")) },
		"new sid":    func(t *testing.T, s *session.Session) { must(t, s.Regenerate(t.Context())) },
		"stays long": func(t *testing.T, s *session.Session) { set(t, s, "n", 1); time.Sleep(5 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, node := sharedMemory(t)
				m := newNode(t, node(), session.CfgMaxLifeTime(600), session.CfgAbsoluteLifetime(2*time.Hour),
					session.CfgTouchInterval(-1), session.CfgGcLifeTime(60))
				go m.GC()
				c, idle := login(t, m, "ann"), login(t, m, "bob")
				before := only(t, m, "ann")
				clockGoesBack(t, b)
				c.visit(t, m, func(s *session.Session) {
					if s.IsNew() || s.User() != "ann" {
						t.Fatal("the session has ended")
					}
					if err := s.RequireFresh(time.Minute); err != nil {
						t.Errorf("a login that is yet to come is not fresh: %v", err)
					}
					use(t, s)
				})
				if c.user(t, m) != "ann" {
					t.Error("the session has ended when it was used")
				}
				after := only(t, m, "ann")
				if name != "logs in" && after.Expires.Before(before.Expires.Add(putBack)) {
					t.Errorf("the deadline has moved earlier, by %v", before.Expires.Add(putBack).Sub(after.Expires))
				}
				if after.Expires.After(after.Deadline) || after.Deadline.After(before.Deadline.Add(putBack)) {
					t.Error("a deadline has moved past the absolute one")
				}
				if m.Stats().Swept > 0 || idle.user(t, m) != "bob" {
					t.Error("a session that is not used has ended")
				}
				time.Sleep(time.Until(before.Deadline.Add(putBack)) + time.Hour)
				if c.user(t, m) != "" || idle.user(t, m) != "" || m.GetActiveSession() != 2 { // those of the last two visits
					t.Errorf("sessions do not end, %d live", m.GetActiveSession())
				}
			})
		})
	}
}

// The clock goes forward by less than the lifetime, as when a machine goes on that was halted: nothing ends, not even of
// a request that was under way. What is over by then ends, and nothing is sent to the store as if it lived.
func TestTheClockGoesForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty(t)
		m := newNode(t, f.provider(), session.CfgMaxLifeTime(600), session.CfgAbsoluteLifetime(time.Hour))
		var clients []*client
		for range 100 {
			clients = append(clients, login(t, m, "ann"))
		}
		s := start(t, m, httptest.NewRecorder(), clients[0].request())
		set(t, s, "n", 1)
		time.Sleep(10*time.Minute - time.Nanosecond)
		save(t, s)
		for _, c := range clients {
			if !alive(t, m, c.sid()) {
				t.Fatal("a session has ended before its time")
			}
		}
		late := start(t, m, httptest.NewRecorder(), clients[0].request())
		set(t, late, "n", 2)
		time.Sleep(time.Hour)
		if late.Get(t.Context(), "n") != 2 {
			t.Error("a request that is under way does not see its own values")
		}
		if err := late.Save(t.Context()); err == nil {
			t.Error("a session was saved that is over")
		}
		if n := f.records(t); n != 0 {
			t.Errorf("%d records", n)
		}
	})
}

// only returns what is known of a user's one session.
func only(t *testing.T, m *session.Manager, user string) session.Info {
	t.Helper()
	infos, err := m.SessionsOf(t.Context(), user)
	if err != nil || len(infos) != 1 {
		t.Fatalf("%d sessions, %v", len(infos), err)
	}
	return infos[0]
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

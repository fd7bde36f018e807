package session_test

import (
	"context"
	"iter"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// lists has a store whose lists of a user's sessions are looked at, or looked past, while they are read.
type lists struct {
	notInProcess
	read   int                                      // how many were
	before func(nth int)                            // called before the nth is read
	keep   func(nth int, e *driver.Entry) (is bool) // whether the nth list has e
}

func (l *lists) ListUser(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		l.read++
		nth := l.read
		if l.before != nil {
			l.before(nth)
		}
		for e, err := range l.notInProcess.ListUser(ctx, user) {
			if l.keep != nil && err == nil && !l.keep(nth, &e) {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func newLists(t *testing.T) (*lists, *session.Manager) {
	b, _ := sharedMemory(t)
	l := &lists{notInProcess: notInProcess{b.(optionals)}}
	return l, newNode(t, session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
		return l, nil
	}))
}

// A session that gets a new sid while a list is read may be missing in it: under its old key it is gone when that is
// looked at, under the new one it is not there yet.
func TestDestroyUserEndsWhatOneListMissed(t *testing.T) {
	for name, others := range map[string]int{"the only one": 0, "one of three": 2} {
		t.Run(name, func(t *testing.T) {
			l, m := newLists(t)
			moving := login(t, m, "ann")
			id := start(t, m, httptest.NewRecorder(), moving.request()).ID()
			for range others {
				login(t, m, "ann")
			}
			l.keep = func(nth int, e *driver.Entry) bool { return nth > 1 || e.Key != id }
			if n, err := m.DestroyUser(t.Context(), "ann"); n != 1+others || err != nil {
				t.Errorf("DestroyUser = %d, %v", n, err)
			}
			if moving.user(t, m) != "" {
				t.Error("the session has escaped")
			}
		})
	}
}

// Logins that go on while the sessions of a user are ended do not keep the call from its end, and none of a login that
// was before the call survives it.
func TestDestroyUserWhileLoginsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, m := newLists(t)
		before := []*client{login(t, m, "ann"), login(t, m, "ann"), login(t, m, "ann")}
		kept, other := login(t, m, "ann"), login(t, m, "bob")
		var during []*client
		l.before = func(nth int) {
			if nth > 10 {
				t.Fatal("it begins anew for each login")
			}
			time.Sleep(time.Millisecond)
			during = append(during, login(t, m, "ann"))
		}
		id := start(t, m, httptest.NewRecorder(), kept.request()).ID()
		if _, err := m.DestroyUser(t.Context(), "ann", id); err != nil {
			t.Fatal(err)
		}
		for _, c := range before {
			if c.user(t, m) != "" {
				t.Error("a session of before the call is still there")
			}
		}
		for _, c := range []*client{kept, during[len(during)-1]} {
			if c.user(t, m) != "ann" {
				t.Error("a session that is excepted has ended, or one whose login was after the call")
			}
		}
		if other.user(t, m) != "bob" {
			t.Error("another user's session has ended")
		}
	})
}

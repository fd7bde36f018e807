package session_test

import (
	"context"
	"errors"
	"iter"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

func TestLabel(t *testing.T) {
	for name, m := range managers(t) {
		t.Run(name, func(t *testing.T) {
			c, ctx := login(t, m, "ann"), t.Context()
			c.visit(t, m, func(s *session.Session) {
				if got := s.Label(ctx); got != "" {
					t.Errorf("the label is %q before it is set", got)
				}
				if err := s.SetLabel(ctx, "Firefox, Leeds"); err != nil {
					t.Fatal(err)
				}
				if err := s.SetLabel(ctx, strings.Repeat("x", 256)); !errors.Is(err, session.ErrTooLarge) {
					t.Errorf("SetLabel of 256 bytes = %v", err)
				}
				if got := s.Label(ctx); got != "Firefox, Leeds" {
					t.Errorf("the label is %q", got)
				}
				if n, err := s.Len(ctx); n != 0 || err != nil {
					t.Errorf("with a label the session has %d values, %v", n, err)
				}
			})
			c.login(t, m, "ann")
			c.visit(t, m, func(s *session.Session) {
				if got := s.Label(ctx); got != "Firefox, Leeds" {
					t.Errorf("after another login the label is %q", got)
				}
			})
			if name != "sealer" {
				infos, err := m.SessionsOf(ctx, "ann")
				if err != nil || len(infos) != 1 || infos[0].Label != "Firefox, Leeds" {
					t.Errorf("SessionsOf = %+v, %v", infos, err)
				}
			}
			c.visit(t, m, func(s *session.Session) {
				if err := s.SetLabel(ctx, ""); err != nil {
					t.Fatal(err)
				}
			})
			c.visit(t, m, func(s *session.Session) {
				if got := s.Label(ctx); got != "" {
					t.Errorf("the label is still %q", got)
				}
			})
			c.login(t, m, "bob")
			c.visit(t, m, func(s *session.Session) { s.SetLabel(ctx, "Bob's") })
			c.login(t, m, "ann")
			c.visit(t, m, func(s *session.Session) {
				if got := s.Label(ctx); got != "" {
					t.Errorf("the label of another user's session is %q", got)
				}
			})
		})
	}
}

func TestSessionsOfSeesALifetimeOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, session.CfgTouchInterval(time.Minute))
		c := login(t, m, "ann")
		c.visit(t, m, func(s *session.Session) {
			if err := s.SetLifetime(t.Context(), 30*24*time.Hour); err != nil {
				t.Fatal(err)
			}
		})
		time.Sleep(24 * time.Hour)
		c.visit(t, m, nil)
		infos, err := m.SessionsOf(t.Context(), "ann")
		if err != nil || len(infos) != 1 || !infos[0].LastSeen.Equal(time.Now()) {
			t.Errorf("SessionsOf = %+v, %v; want it seen at %v", infos, err, time.Now())
		}
	})
}

func TestSessionsOfADamagedOne(t *testing.T) {
	b, provider := sharedMemory(t)
	m := newNode(t, provider())
	whole, damaged := login(t, m, "ann"), login(t, m, "ann")
	id := start(t, m, httptest.NewRecorder(), damaged.request()).ID()
	var rec driver.Record
	if err := b.Load(t.Context(), damaged.sid(), &rec); err != nil {
		t.Fatal(err)
	}
	rec.Data = []byte("damaged")
	if err := b.Save(t.Context(), damaged.sid(), &rec); err != nil {
		t.Fatal(err)
	}
	infos, err := m.SessionsOf(t.Context(), "ann")
	if err != nil || len(infos) != 2 || !slices.ContainsFunc(infos, func(i session.Info) bool { return i.ID == id }) {
		t.Fatalf("SessionsOf = %+v, %v; want both", infos, err)
	}
	if err := m.DestroyByID(t.Context(), id); err != nil {
		t.Errorf("a damaged session cannot be ended: %v", err)
	}
	if !alive(t, m, whole.sid()) {
		t.Error("the other one has ended")
	}
}

// An endsListed backend loses each record of a user when it is listed.
type endsListed struct{ optionals }

func (b endsListed) ListUser(ctx context.Context, user string) iter.Seq2[driver.Entry, error] {
	return func(yield func(driver.Entry, error) bool) {
		for e, err := range b.optionals.ListUser(ctx, user) {
			if err == nil {
				err = b.Delete(ctx, e.Key, 0)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func TestSessionsOfOneThatEndsMeanwhile(t *testing.T) {
	b, _ := sharedMemory(t)
	m := newNode(t, session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
		return endsListed{b.(optionals)}, nil
	}))
	login(t, m, "ann")
	if infos, err := m.SessionsOf(t.Context(), "ann"); len(infos) != 0 || err != nil {
		t.Errorf("SessionsOf = %+v, %v; want none", infos, err)
	}
}

package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/seed1a8f7c28/session"
)

func TestAClientThatHungUpKeepsItsChanges(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(m *session.Manager, w http.ResponseWriter, r *http.Request, s session.Store)
		want func(t *testing.T, m *session.Manager, b *client)
	}{
		{"release", func(_ *session.Manager, w http.ResponseWriter, r *http.Request, s session.Store) {
			_ = s.Set(r.Context(), "user", "ann")
			s.SessionRelease(r.Context(), w)
		}, func(t *testing.T, m *session.Manager, b *client) {
			if got := b.value(t, m, "user"); got != "ann" {
				t.Errorf("user = %v", got)
			}
		}},
		{"regenerate", func(m *session.Manager, w http.ResponseWriter, r *http.Request, s session.Store) {
			if err := s.(*session.Session).Regenerate(r.Context()); err != nil {
				t.Error(err)
			}
		}, func(t *testing.T, m *session.Manager, b *client) {
			if alive(t, m, b.sid()) {
				t.Error("the old sid is alive")
			}
		}},
		{"destroy", func(m *session.Manager, w http.ResponseWriter, r *http.Request, _ session.Store) {
			m.SessionDestroy(w, r)
		}, func(t *testing.T, m *session.Manager, b *client) {
			if alive(t, m, b.sid()) {
				t.Error("it is alive")
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got reports
			m := newNode(t, newFaulty(t).provider(), got.options()...)
			b := seed(t, m, nil)
			ctx, hangUp := context.WithCancel(t.Context())
			w, r := httptest.NewRecorder(), b.request().WithContext(ctx)
			s := start(t, m, w, r)
			hangUp()
			tt.do(m, w, r, s)
			tt.want(t, m, b)
			got.silentSoFar(t)
		})
	}

	t.Run("a lazy session", func(t *testing.T) {
		var got reports
		f := newFaulty(t)
		m := newNode(t, f.provider(), append(got.options(), session.CfgLazy(true))...)
		ctx, hangUp := context.WithCancel(t.Context())
		w, r := httptest.NewRecorder(), new(client).request().WithContext(ctx)
		s := start(t, m, w, r)
		hangUp()
		if err := s.Set(r.Context(), "user", "ann"); err != nil {
			t.Error(err)
		}
		s.SessionRelease(r.Context(), w)
		if n := f.records(t); n != 1 {
			t.Errorf("%d records", n)
		}
		got.silentSoFar(t)
	})
	t.Run("behind Handler", func(t *testing.T) {
		var got reports
		m := newNode(t, newFaulty(t).provider(), got.options()...)
		b := seed(t, m, nil)
		ctx, hangUp := context.WithCancel(t.Context())
		m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, err := m.FromContext(r.Context())
			if err != nil {
				t.Fatal(err)
			}
			hangUp()
			set(t, s, "user", "ann")
		})).ServeHTTP(httptest.NewRecorder(), b.request().WithContext(ctx))
		if got := b.value(t, m, "user"); got != "ann" {
			t.Errorf("user = %v", got)
		}
		got.silentSoFar(t)
	})
}

func TestACancelledLoadIsNoErrorToLog(t *testing.T) {
	for _, c := range chores {
		if c.visitor || c.name == "destroy" || c.name == "regenerate" {
			continue // they load nothing, or go on without the client
		}
		t.Run(c.name, func(t *testing.T) {
			var got reports
			f := newFaulty(t)
			m := newNode(t, f.provider(), got.options()...)
			b := seed(t, m, nil)
			f.plan(1, silent)
			ctx, hangUp := context.WithCancel(t.Context())
			hangUp()
			w, r := httptest.NewRecorder(), b.request().WithContext(ctx)
			if err := c.do(m, w, r); !errors.Is(err, context.Canceled) {
				t.Errorf("err = %v", err)
			}
			if ops := f.ops(); !slices.Equal(ops, []string{"load"}) {
				t.Errorf("calls: %v", ops)
			}
			if got := w.Header()["Set-Cookie"]; got != nil {
				t.Errorf("Set-Cookie = %q", got)
			}
			f.heal()
			if !alive(t, m, b.sid()) {
				t.Error("the session is gone")
			}
			got.silentSoFar(t)
		})
	}
}

// TestAFailedReleaseIsReported says that the store being away is an error although the client is, too.
func TestAFailedReleaseIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got reports
		f := newFaulty(t)
		m := newNode(t, f.provider(), got.options()...)
		b := seed(t, m, nil)
		ctx, hangUp := context.WithCancel(t.Context())
		w, r := httptest.NewRecorder(), b.request().WithContext(ctx)
		s := start(t, m, w, r)
		set(t, s, "user", "ann")
		hangUp()
		f.down(silent)
		s.SessionRelease(r.Context(), w)
		log, errs := got.taken()
		if log == "" || len(errs) != 1 || !errors.Is(errs[0], context.DeadlineExceeded) {
			t.Errorf("logged %q, reported %v", log, errs)
		}
		f.heal()
		s.SessionRelease(r.Context(), w)
		if b.value(t, m, "user") != "ann" {
			t.Error("a second release does not store the changes")
		}
	})
}

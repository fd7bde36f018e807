package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// TestAFailedRegenerateLeavesNothingUnderTheOldSid says that what belongs to a login is not stored without one.
func TestAFailedRegenerateLeavesNothingUnderTheOldSid(t *testing.T) {
	var log reports
	f := newFaulty(t)
	m := newNode(t, f.provider(), log.options()[:1]...)
	c := seed(t, m, map[any]any{"cart": "book"})
	f.heal()
	w, r := httptest.NewRecorder(), c.request()
	s := start(t, m, w, r)
	set(t, s, "user", "ann")
	f.plan(1, refused)
	if err := s.Regenerate(r.Context()); !errors.Is(err, errDown) {
		t.Fatal(err)
	}
	set(t, s, "role", "admin")
	if err := s.Save(r.Context()); err == nil {
		t.Error("Save: no error")
	}
	s.SessionRelease(r.Context(), w)
	if c.value(t, m, "user") != nil || c.value(t, m, "role") != nil {
		t.Error("logged in under the old sid")
	}
	if err := s.Regenerate(r.Context()); err != nil {
		t.Fatal(err)
	}
	set(t, s, "seen", 1)
	save(t, s)
	if c.take(w.Result()); c.value(t, m, "user") != "ann" || c.value(t, m, "role") != "admin" || c.value(t, m, "seen") != 1 {
		t.Error("a second Regenerate does not store the changes")
	}
}

// TestAnotherRegenerateOfTheRequestHelps a Session whose own has failed.
func TestAnotherRegenerateOfTheRequestHelps(t *testing.T) {
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, nil)
	old := c.sid()
	c.do(func(w http.ResponseWriter, r *http.Request) {
		s := start(t, m, w, r)
		set(t, s, "user", "ann")
		f.plan(1, refused)
		if err := s.Regenerate(r.Context()); !errors.Is(err, errDown) {
			t.Fatal(err)
		}
		if _, err := m.Regenerate(w, r); err != nil {
			t.Fatal(err)
		}
		save(t, s)
		set(t, s, "seen", 1)
		save(t, s)
	})
	if c.sid() == old || alive(t, m, old) || c.value(t, m, "user") != "ann" || c.value(t, m, "seen") != 1 {
		t.Errorf("user = %v, seen = %v", c.value(t, m, "user"), c.value(t, m, "seen"))
	}
}

// renaming is a faulty that regenerates in one step.
type renaming struct{ *faulty }

func (r renaming) Rename(
	ctx context.Context, oldKey string, oldVersion uint64, newKey string, rec *driver.Record, _ driver.Mark,
) error {
	return r.call(ctx, "rename", oldKey, func() error {
		if err := r.beneath.Delete(ctx, oldKey, oldVersion); err != nil {
			return err
		}
		return r.beneath.Create(ctx, newKey, rec)
	})
}

func TestRegenerateWhoseAnswerIsLost(t *testing.T) {
	for _, how := range []fault{unsaid, refused} {
		t.Run(string(how), func(t *testing.T) {
			f := newFaulty(t)
			m := newNode(t, session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
				return renaming{f}, nil
			}))
			c := seed(t, m, map[any]any{"cart": "book"})
			before := c.sid()
			c.do(func(w http.ResponseWriter, r *http.Request) {
				s := start(t, m, w, r)
				f.plan(1, how)
				if err := s.Login(r.Context(), "ann"); (err == nil) != (how == unsaid) {
					t.Errorf("Login = %v", err)
				}
			})
			if (c.sid() == before) != (how == refused) {
				t.Error("the client has the wrong sid")
			}
			if c.value(t, m, "cart") != "book" || (c.user(t, m) == "ann") != (how == unsaid) {
				t.Errorf("cart %v, user %q", c.value(t, m, "cart"), c.user(t, m))
			}
		})
	}
}

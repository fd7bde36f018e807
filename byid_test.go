package session_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// An operator looks at a session by its id, and changes it, beside its visitor.
func TestSessionByID(t *testing.T) {
	for made, opts := range map[string][]session.ManagerConfigOpt{
		"usual sids":     nil,
		"generated sids": {session.CfgSessionIDGenerator(func(session.Exchange) (string, error) { return rand.Text(), nil })},
		"encrypted":      {session.CfgEncryptionKeys("0123456789abcdef")},
	} {
		for name, p := range stores(t) {
			t.Run(name+"/"+made, func(t *testing.T) {
				m := newNode(t, p, opts...)
				other, c := login(t, m, "bob"), login(t, m, "ann")
				id := c.open(t, m).ID()
				for by, id := range map[string]string{"sid": c.sid(), "public id": id} {
					s, err := m.SessionByID(t.Context(), id)
					if err != nil {
						t.Fatalf("by %s: %v", by, err)
					}
					visitor := c.open(t, m)
					set(t, s, "credit "+by, 5)
					increment(t, s, "n", 1)
					increment(t, visitor, "n", 10)
					save(t, visitor)
					save(t, s)
					if s.User() != "ann" || s.IsNew() || s.ID() != c.open(t, m).ID() || s.SessionID(t.Context()) != "" {
						t.Errorf("by %s: it is %q's, new = %v, of another id = %v, with a sid = %v", by,
							s.User(), s.IsNew(), s.ID() != c.open(t, m).ID(), s.SessionID(t.Context()) != "")
					}
					if got := c.value(t, m, "credit "+by); got != 5 {
						t.Errorf("by %s: the visitor sees %v", by, got)
					}
				}
				if n := c.value(t, m, "n"); n != int64(22) {
					t.Errorf("n = %v, want 22", n)
				}
				if n := other.value(t, m, "n"); n != nil {
					t.Errorf("another session has n = %v", n)
				}
				for _, id := range []string{"", "x", "../../etc/passwd", c.sid() + " ", id[:42] + "~"} {
					if s, err := m.SessionByID(t.Context(), id); s != nil || !errors.Is(err, session.ErrNotFound) {
						t.Errorf("SessionByID(%q) = %v, %v", id, s, err)
					}
				}
			})
		}
	}
}

// Who looks at a session by its id does not use it: it ends when it would have. A lifetime that is set counts.
func TestSessionByIDMovesNoDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, session.CfgMaxLifeTime(3600), session.CfgTouchInterval(-1))
		c, ends := seed(t, m, nil), time.Now().Add(time.Hour)
		time.Sleep(30 * time.Minute)
		s, err := m.SessionByID(t.Context(), c.sid())
		if err != nil {
			t.Fatal(err)
		}
		s.SessionRelease(t.Context(), nil)
		set(t, s, "k", "v")
		s.SessionRelease(t.Context(), nil)
		reload(t, s)
		if got := s.Expires(); !got.Equal(ends) {
			t.Errorf("it ends %v later", got.Sub(ends))
		}
		if err := s.SetLifetime(t.Context(), 2*time.Hour); err != nil {
			t.Fatal(err)
		}
		save(t, s)
		if got := s.Expires(); !got.Equal(time.Now().Add(2 * time.Hour)) {
			t.Errorf("with a lifetime of two hours it ends in %v", time.Until(got))
		}
		time.Sleep(3 * time.Hour)
		if err := s.Reload(t.Context()); !errors.Is(err, session.ErrDestroyed) {
			t.Errorf("Reload of what has expired: %v", err)
		}
	})
}

// Nobody but the visitor gets another sid, and a logout is that of somebody else.
func TestSessionByIDHasNoSID(t *testing.T) {
	for name, p := range stores(t) {
		t.Run(name, func(t *testing.T) {
			var told []session.Event
			m := newNode(t, p, session.CfgOnDestroy(func(_ context.Context, e session.Event) { told = append(told, e) }))
			c := login(t, m, "ann")
			s, err := m.SessionByID(t.Context(), c.open(t, m).ID())
			if err != nil {
				t.Fatal(err)
			}
			id := s.ID()
			if err := s.Login(t.Context(), "mallory"); err == nil {
				t.Error("Login succeeded")
			}
			if err := s.Regenerate(t.Context()); err == nil {
				t.Error("Regenerate succeeded")
			}
			if err := s.RememberMe(t.Context(), time.Hour); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("RememberMe = %v", err)
			}
			if err := s.SendCookie(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("SendCookie = %v", err)
			}
			set(t, s, "k", "v")
			save(t, s)
			visitor := start(t, m, httptest.NewRecorder(), c.request())
			if visitor.User() != "ann" || visitor.Get(t.Context(), "k") != "v" {
				t.Errorf("the visitor is %q with %v", visitor.User(), visitor.Get(t.Context(), "k"))
			}
			for range 2 {
				if err := s.Logout(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if alive(t, m, c.sid()) {
				t.Error("the session is there after Logout")
			}
			want := []session.Event{{ID: id, User: "ann", Reason: session.ReasonRevoked}}
			if !slices.Equal(told, want) || s.ID() != id {
				t.Errorf("OnDestroy was told %v, want %v; the id is another = %v", told, want, s.ID() != id)
			}
			if err := s.Set(t.Context(), "k", "w"); !errors.Is(err, session.ErrDestroyed) {
				t.Errorf("Set after Logout = %v", err)
			}
		})
	}
}

func TestSessionByIDWhereThereIsNone(t *testing.T) {
	for name, p := range map[string]session.Provider{"client-side": newSealerProvider(), "third party": newShelf()} {
		m := newNode(t, p)
		if _, err := m.SessionByID(t.Context(), seed(t, m, map[any]any{"k": 1}).sid()); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, nil)
	f.down(refused)
	if _, err := m.SessionByID(t.Context(), c.sid()); !errors.Is(err, errDown) {
		t.Errorf("while the store is down: %v", err)
	}
}

// A Logout of what has ended meanwhile is no second end.
func TestSessionByIDLogsOutWhatHasEnded(t *testing.T) {
	for name, p := range stores(t) {
		t.Run(name, func(t *testing.T) {
			told := 0
			m := newNode(t, p, session.CfgOnDestroy(func(context.Context, session.Event) { told++ }))
			c := login(t, m, "ann")
			s, err := m.SessionByID(t.Context(), c.sid())
			if err != nil {
				t.Fatal(err)
			}
			if err := m.DestroyByID(t.Context(), c.sid()); err != nil {
				t.Fatal(err)
			}
			if err := s.Logout(t.Context()); err != nil {
				t.Errorf("Logout = %v", err)
			}
			if n := m.Stats().Revoked; told != 1 || n != 1 {
				t.Errorf("OnDestroy was told %d times, Stats count %d", told, n)
			}
			if err := s.Reload(t.Context()); !errors.Is(err, session.ErrDestroyed) {
				t.Errorf("Reload = %v", err)
			}
		})
	}
	f := newFaulty(t)
	m := newNode(t, f.provider())
	c := seed(t, m, map[any]any{"k": "v"})
	s, err := m.SessionByID(t.Context(), c.sid())
	if err != nil {
		t.Fatal(err)
	}
	f.down(refused)
	if err := s.Logout(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("while the store is down: %v", err)
	}
	f.heal()
	if s.Get(t.Context(), "k") != "v" || s.Reload(t.Context()) != nil || !alive(t, m, c.sid()) {
		t.Error("a Logout that failed has ended the session")
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Logout(t.Context()); !errors.Is(err, session.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// Who is told that a session has ended, by a Logout that finds it gone, waits for it no longer.
func TestSessionByIDFindsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := stores(t)["hashed"]
		m, other := newNode(t, p), newNode(t, p)
		c := seed(t, m, map[any]any{"k": "v"})
		s, err := m.SessionByID(t.Context(), c.sid())
		if err != nil {
			t.Fatal(err)
		}
		ended := s.Done()
		synctest.Wait() // Done looks once
		if err := other.DestroyByID(t.Context(), c.sid()); err != nil {
			t.Fatal(err)
		}
		if err := s.Logout(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ended:
		default:
			t.Error("Done is open")
		}
	})
}

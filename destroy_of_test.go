package session_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// DestroyOf ends a session of the user's, whichever the request says, and nobody else's.
func TestDestroyOf(t *testing.T) {
	for how, opts := range map[string][]session.ManagerConfigOpt{
		"usual":          nil,
		"encrypted":      {session.CfgEncryptionKeys("0123456789abcdef")},
		"generated sids": {session.CfgSessionIDGenerator(func(session.Exchange) (string, error) { return rand.Text(), nil })},
	} {
		for name, p := range stores(t) {
			t.Run(name+"/"+how, func(t *testing.T) {
				var reasons []session.Reason
				m := newNode(t, p, append(opts, session.CfgOnDestroy(func(_ context.Context, e session.Event) {
					if e.User != "ann" {
						t.Errorf("told of user %q", e.User)
					}
					reasons = append(reasons, e.Reason)
				}))...)
				ann, here := login(t, m, "ann"), login(t, m, "ann")
				bob, nobody := login(t, m, "bob"), seed(t, m, nil)
				idOf := func(c *client) string { return start(t, m, httptest.NewRecorder(), c.request()).ID() }
				for what, id := range map[string]string{
					"another user's": idOf(bob), "nobody's": idOf(nobody), "her sid": ann.sid(), "his sid": bob.sid(),
					"unknown": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno-_", "nothing": "", "a path": "../../etc/passwd", "all": "*",
				} {
					if err := m.DestroyOf(t.Context(), "ann", id); !errors.Is(err, session.ErrNotFound) {
						t.Errorf("%s: %v, want ErrNotFound", what, err)
					}
				}
				for _, id := range []string{idOf(ann), idOf(nobody)} {
					if err := m.DestroyOf(t.Context(), "", id); err == nil {
						t.Error("a user without a name has a session")
					}
				}
				for what, c := range map[string]*client{"hers": ann, "his": bob, "nobody's": nobody} {
					if !alive(t, m, c.sid()) {
						t.Errorf("%s has ended", what)
					}
				}
				id := idOf(ann)
				if err := m.DestroyOf(t.Context(), "ann", id); err != nil {
					t.Error(err)
				}
				if alive(t, m, ann.sid()) || !alive(t, m, here.sid()) || !alive(t, m, bob.sid()) {
					t.Error("the wrong session has ended")
				}
				if err := m.DestroyOf(t.Context(), "ann", id); !errors.Is(err, session.ErrNotFound) {
					t.Errorf("again: %v", err)
				}
				if len(reasons) != 1 || reasons[0] != session.ReasonRevoked || m.Stats().Revoked != 1 {
					t.Errorf("told %v, revoked %d", reasons, m.Stats().Revoked)
				}
			})
		}
	}
}

// A racing backend does something between a Load and what follows it, once.
type racing struct {
	optionals
	now func(key string, rec driver.Record)
}

func (r *racing) Load(ctx context.Context, key string, rec *driver.Record) error {
	err := r.optionals.Load(ctx, key, rec)
	if now := r.now; now != nil {
		r.now = nil
		now(key, *rec)
	}
	return err
}

// What DestroyOf has seen may be another's, or changed, when it ends it.
func TestDestroyOfIsAtAVersion(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(b driver.Backend, key string, rec driver.Record) error
		want      error
		alive     bool
	}{
		"saved": {func(b driver.Backend, key string, rec driver.Record) error {
			return b.Save(context.Background(), key, &rec)
		}, nil, false},
		"gone": {func(b driver.Backend, key string, _ driver.Record) error {
			return b.Delete(context.Background(), key, 0)
		}, session.ErrNotFound, false},
		"another user's": {func(b driver.Backend, key string, rec driver.Record) error {
			rec.User = "bob"
			return b.Save(context.Background(), key, &rec)
		}, session.ErrNotFound, true},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := sharedMemory(t)
			r := &racing{optionals: b.(optionals)}
			m := newNode(t, session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) { return r, nil }))
			c := login(t, m, "ann")
			id := start(t, m, httptest.NewRecorder(), c.request()).ID()
			r.now = func(key string, rec driver.Record) {
				if err := tt.meanwhile(b, key, rec); err != nil {
					t.Error(err)
				}
			}
			if err := m.DestroyOf(t.Context(), "ann", id); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if got := alive(t, m, c.sid()); got != tt.alive {
				t.Errorf("alive: %v", got)
			}
		})
	}
}

func TestDestroyOfWithoutUsers(t *testing.T) {
	for name, p := range map[string]session.Provider{"third party": newShelf(), "client-side": newSealerProvider()} {
		m := newNode(t, p)
		if err := m.DestroyOf(t.Context(), "ann", "x"); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

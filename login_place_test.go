package session_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
)

// meanwhile does something between a Reserve and what it is for.
type meanwhile struct {
	optionals
	driver.Renamer
	do func()
}

func (b *meanwhile) Reserve(
	ctx context.Context, user, key string, until time.Time, most int, evict bool,
) ([]string, error) {
	evicted, err := b.optionals.Reserve(ctx, user, key, until, most, evict)
	if do := b.do; do != nil {
		b.do = nil
		do()
	}
	return evicted, err
}

// TestLoginThatFailsHoldsNoPlace has a login fail after it has made room: the user's next one does not wait for it.
func TestLoginThatFailsHoldsNoPlace(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(m *session.Manager, c *client, b *meanwhile)
		set  string
		want error
	}{
		{"somebody ends the session", func(m *session.Manager, c *client, b *meanwhile) {
			b.do = func() {
				if err := m.DestroyByID(t.Context(), c.sid()); err != nil {
					t.Error(err)
				}
			}
		}, "small", session.ErrDestroyed},
		{"too much is stored", func(*session.Manager, *client, *meanwhile) {}, strings.Repeat("x", 900), session.ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			shared, _ := sharedMemory(t)
			b := &meanwhile{optionals: shared.(optionals), Renamer: shared.(driver.Renamer)}
			m := newNode(t, session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
				return b, nil
			}), session.CfgMaxPerUser(1), session.CfgMaxBytes(1000))
			c := seed(t, m, map[any]any{"cart": strings.Repeat("x", 500)})
			s := start(t, m, httptest.NewRecorder(), c.request())
			set(t, s, "more", tt.set)
			tt.do(m, c, b)
			if err := s.Login(t.Context(), "ann"); !errors.Is(err, tt.want) {
				t.Errorf("Login = %v, want %v", err, tt.want)
			}
			begin := time.Now()
			if login(t, m, "ann"); time.Since(begin) > 3*time.Second {
				t.Error("the place was held")
			}
		})
	}
}

// halfway does something, once, when a session has its new record and is about to lose the old one.
type halfway struct {
	optionals
	created string // the key of the newest record
	do      func(created string)
}

func (b *halfway) Create(ctx context.Context, key string, rec *driver.Record) error {
	b.created = key
	return b.optionals.Create(ctx, key, rec)
}

func (b *halfway) Delete(ctx context.Context, key string, version uint64) error {
	if do := b.do; do != nil && version != 0 {
		b.do = nil
		do(b.created)
	}
	return b.optionals.Delete(ctx, key, version)
}

// TestSessionThatALimitHasEnded has another login end a session that is about to get a new sid, and others save it: it
// does not come back.
func TestSessionThatALimitHasEnded(t *testing.T) {
	shared, _ := sharedMemory(t)
	b := &halfway{optionals: shared.(optionals)}
	node := func() *session.Manager { // with a queue of its own, as in another process
		return newNode(t, session.NewProvider(func(context.Context, driver.Config) (driver.Backend, error) {
			return b, nil
		}))
	}
	m, other := node(), node()
	c := login(t, m, "ann")
	s := start(t, m, httptest.NewRecorder(), c.request())
	b.do = func(created string) {
		if err := b.optionals.Delete(t.Context(), created, 0); err != nil {
			t.Error(err)
		}
		c.visit(t, other, func(s *session.Session) { set(t, s, "cart", "book") })
	}
	if err := s.Regenerate(t.Context()); !errors.Is(err, session.ErrDestroyed) {
		t.Errorf("Regenerate = %v, want ErrDestroyed", err)
	}
	if b.do != nil {
		t.Fatal("nothing has come in between")
	}
	if n, err := m.Count(t.Context()); n != 0 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
}

package session_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session"
)

// meanwhile does something between a Reserve and what it is for.
type meanwhile struct {
	optionals
	session.Renamer
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
			b := &meanwhile{optionals: shared.(optionals), Renamer: shared.(session.Renamer)}
			m := newNode(t, session.NewProvider(func(context.Context, session.BackendConfig) (session.Backend, error) {
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

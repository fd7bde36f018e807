package session_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed1a8f7c28/session"
)

// TestPing asks managers of every engine: nil while they can be used, and an error from the one whose store is down.
func TestPing(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			m := e.open(t)
			if err := m.Ping(t.Context()); err != nil {
				t.Errorf("Ping = %v", err)
			}
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			if err := m.Ping(t.Context()); !errors.Is(err, session.ErrClosed) {
				t.Errorf("Ping after Close = %v", err)
			}
		})
	}
	t.Run("a store that is no Pinger", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := newFaulty(t)
			m := newNode(t, f.provider(), session.CfgOpTimeout(time.Second))
			f.heal()
			if err := m.Ping(t.Context()); err != nil || !slices.Equal(f.ops(), []string{"load"}) {
				t.Errorf("Ping = %v, with the calls %v", err, f.ops())
			}
			for how, want := range map[fault]error{refused: errDown, silent: context.DeadlineExceeded} {
				f.down(how)
				began, failures := time.Now(), m.Stats().Errors
				err := m.Ping(t.Context())
				if !errors.Is(err, want) || errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("Ping of a store that is %s = %v", how, err)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("Ping of a store that is %s took %v", how, took)
				}
				if m.Stats().Errors != failures+1 {
					t.Errorf("Ping of a store that is %s counts as no failure", how)
				}
			}
			f.heal()
		})
	})
	t.Run("third party", func(t *testing.T) {
		shelf := newShelf()
		m := newNode(t, shelf, session.CfgSessionIdPrefix("app-"))
		shelf.asked, shelf.down = nil, errDown
		err := m.Ping(t.Context())
		if !errors.Is(err, errDown) || len(shelf.asked) != 1 || len(shelf.read) != 0 {
			t.Errorf("Ping = %v, asked %d times, %d read", err, len(shelf.asked), len(shelf.read))
		}
		if sid := shelf.asked[0]; len(sid) != len("app-")+32 || !strings.HasPrefix(sid, "app-") {
			t.Error("the sid has not the shape of the manager's")
		}
		shelf.down = nil
	})
}

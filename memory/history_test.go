package memory_test

import (
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
	"github.com/seed1a8f7c28/session/memory"
)

// TestHistory has clients do everything at once that a session can do.
func TestHistory(t *testing.T) {
	t.Parallel()
	p := memory.New()
	historytest.Run(t, historytest.Setup{Open: func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		return session.New(p, session.NewManagerConfig(opts...))
	}})
}

package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/sqlite"
	"github.com/seed1a8f7c28/session/sessiontest"
)

var harness = sessiontest.Harness{
	Store: func(t testing.TB) sessiontest.Open {
		file := filepath.Join(t.TempDir(), "sessions.db")
		return func(ctx context.Context, c session.BackendConfig) (session.Backend, error) {
			c.Config = file
			return sqlite.Open(ctx, c)
		}
	},
	Local: true,
	Floor: engine.Floor,
}

func TestContract(t *testing.T) { sessiontest.Run(t, harness) }

func TestModel(t *testing.T) { sessiontest.Model(t, harness, 12) }

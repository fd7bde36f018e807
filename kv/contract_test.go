package kv_test

import (
	"context"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/historytest"
	"github.com/seed1a8f7c28/session/internal/test/kvtest"
	"github.com/seed1a8f7c28/session/kv"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// harness returns the harness for stores in memory. When a test ends, the entries of its store must be right.
func harness() sessiontest.Harness {
	return sessiontest.Harness{Bounded: true, Local: true, Store: func(t testing.TB) sessiontest.Open { return inMemory(t, new(kvtest.Memory)) }}
}

// inMemory returns what opens m.
func inMemory(t testing.TB, m *kvtest.Memory) sessiontest.Open {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() {
		db, err := m.Open(kv.Settings{})
		if err != nil {
			t.Errorf("a manager has not closed the store: %v", err)
			return
		}
		kvtest.CheckEntries(t, db)
		db.Close()
	})
	return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
		c.Config = dir
		return kv.Open(ctx, c, kv.Engine{Name: "memory", Folder: true, Open: m.Open})
	}
}

func TestContract(t *testing.T) { sessiontest.Run(t, harness()) }

func TestModel(t *testing.T) { sessiontest.Model(t, harness(), 60) }

// TestHistory has clients do everything at once that a session can do.
func TestHistory(t *testing.T) {
	t.Parallel()
	open := inMemory(t, new(kvtest.Memory))
	historytest.Run(t, historytest.Setup{Open: func(opts ...session.ManagerConfigOpt) (*session.Manager, error) {
		return session.New(session.NewProvider(open), session.NewManagerConfig(opts...))
	}})
}

package postgres_test

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/postgres"
)

// TestPooler has a PgBouncer in the way, in transaction mode.
func TestPooler(t *testing.T) {
	engine.Poolers(t, []sqltest.Way{
		{Name: "prepared", Prepare: true, Says: "sql.Prepare(false)"},
		{Name: "in two", Says: "binary_parameters=yes"},
		{Name: "at once", Params: "&binary_parameters=yes"},
	})
}

func TestPoolerContract(t *testing.T) { engine.PoolerContract(t, "&binary_parameters=yes") }

func TestPoolerUpgrade(t *testing.T) { engine.PoolerUpgrade(t) }

// TestPoolerProvider has the provider's own connections go through one.
func TestPoolerProvider(t *testing.T) {
	dsn := engine.Pooled(t, "transaction", 2).Empty(t)
	open := func(config string) error {
		m, err := session.New(postgres.New(), session.NewManagerConfig(session.CfgProviderConfig(config)))
		if err == nil {
			m.Close()
		}
		return err
	}
	if err := open(dsn); err == nil || !strings.Contains(err.Error(), `"prepare": false`) {
		t.Errorf("with statements that are prepared: %v", err)
	}
	if err := open(`{"dsn": "` + dsn + `", "prepare": false}`); err != nil {
		t.Errorf("with statements that are not prepared: %v", err)
	}
}

// TestPoolerInSessionMode gives each connection one of its own: everything works.
func TestPoolerInSessionMode(t *testing.T) {
	dsn := engine.Pooled(t, "session", 40).Empty(t)
	b, err := postgres.Open(t.Context(), driver.Config{Config: dsn, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	b.(io.Closer).Close()
}

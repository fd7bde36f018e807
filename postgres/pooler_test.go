package postgres_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/sqltest"
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

func TestPoolerProvider(t *testing.T) { engine.PoolerProvider(t) }

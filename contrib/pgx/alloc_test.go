//go:build !race

package pgx_test

import (
	"context"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/postgres"
	"github.com/seed1a8f7c28/session/sessiontest"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

// TestAllocs counts what requests allocate, over both ways to pgx.
func TestAllocs(t *testing.T) {
	for _, tt := range []struct {
		name, workload string
		h              sessiontest.Harness
		most           float64
	}{
		{"native", "W1", native.Harness(), 34},
		{"native", "W2", native.Harness(), 72},
		{"an application's *sql.DB", "W1", overDB(pooled()), 75},
		{"an application's *sql.DB", "W2", overDB(pooled()), 154},
	} {
		if n := sessiontest.Allocs(t, tt.h, tt.workload); n > tt.most {
			t.Errorf("%s: a request of %s allocates %v times, want %v at most", tt.name, tt.workload, n, tt.most)
		} else {
			t.Logf("%s, %s: %v", tt.name, tt.workload, n)
		}
	}
}

// overDB is e over an application's *sql.DB.
func overDB(e sqltest.Engine) sessiontest.Harness {
	h := e.Harness()
	h.Store = func(t testing.TB) sessiontest.Open {
		db := openPool(t, e.Empty(t))
		return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
			return sessionsql.OpenDB(ctx, c, db, postgres.Dialect())
		}
	}
	return h
}

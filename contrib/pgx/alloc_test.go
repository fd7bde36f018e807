//go:build !race

package pgx_test

import (
	"context"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/alloctest"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/postgres"
	"github.com/seed1a8f7c28/session/sessiontest"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

func TestAllocs(t *testing.T) { alloctest.Requests(t, native.Harness(), 34, 72) }

// TestAllocsOverDB is over an application's *sql.DB.
func TestAllocsOverDB(t *testing.T) { alloctest.Requests(t, overDB(pooled()), 75, 154) }

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

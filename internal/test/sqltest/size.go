package sqltest

import (
	"context"
	"database/sql"
	"testing"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/sessiontest"
)

// BenchSize reports how many bytes a session takes in the database. bytes is a query for the size of the table, including
// its indexes. before is a statement that runs before it, unless empty.
func (e Engine) BenchSize(b *testing.B, before, bytes string) {
	var db *sql.DB
	h := sessiontest.Harness{Store: func(t testing.TB) sessiontest.Open {
		dsn := e.Empty(t)
		db = e.DB(t, dsn)
		return func(ctx context.Context, c driver.Config) (driver.Backend, error) {
			c.Config = dsn
			return e.Node(ctx, c)
		}
	}}
	sessiontest.BenchSize(b, h, 50_000, func(b *testing.B) int64 {
		if before != "" {
			Exec(b, db, before)
		}
		return int64(Int(b, db, bytes))
	})
}

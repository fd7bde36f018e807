package pgx_test

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/postgres"
	"github.com/seed1a8f7c28/session/sessiontest"
	sessionsql "github.com/seed1a8f7c28/session/sql"
)

func TestMain(m *testing.M) {
	if !sqltest.Role(node) {
		servertest.Main(m)
	}
}

var engine = sqltest.Engine{
	Driver: "pgx", Dialect: postgres.Dialect, Node: node, Server: sqltest.Postgres(), DriverOnly: true,
	LostCreations: 1,
}

// node opens a pool of pgx's connections by a DSN, as a provider would.
func node(ctx context.Context, c driver.Config) (driver.Backend, error) {
	d := postgres.Dialect()
	return sessionsql.Open(ctx, c, d, func(dsn string) (sqldriver.Connector, error) {
		cfg, err := pgx.ParseConfig(dsn)
		if err != nil {
			return nil, err
		}
		d.Watch = postgres.Watch(dsn)
		return stdlib.GetConnector(*cfg), nil
	})
}

func TestPgx(t *testing.T) { engine.Test(t) }

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, engine.Harness()) }

// openPool opens a pgxpool behind a *sql.DB.
func openPool(t testing.TB, dsn string) *sql.DB {
	pool, err := pgxpool.New(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	db := stdlib.OpenDBFromPool(pool)
	t.Cleanup(func() { db.Close() })
	return db
}

// pooled is the engine over such pools.
func pooled() sqltest.Engine {
	e := engine
	e.Pool = openPool
	return e
}

// TestPoolFailover has pgxpool keep the connections, which database/sql does not.
func TestPoolFailover(t *testing.T) { pooled().Failover(t) }

// TestPool is the way of doc.go: a pgxpool behind a *sql.DB, as an application has it. Nodes hear of each other.
func TestPool(t *testing.T) {
	dsn := engine.Empty(t)
	db := openPool(t, dsn)
	faulttest.Told(t, func() *session.Manager {
		d := postgres.Dialect()
		d.Watch = postgres.Watch(dsn)
		m, err := session.New(sessionsql.New(db, d), session.NewManagerConfig())
		if err != nil {
			t.Fatal(err)
		}
		return m
	})
}

package pgx_test

import (
	"context"
	"testing"

	pgxv5 "github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/contrib/pgx"
	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/faulttest"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/sessiontest"
	sessionsql "github.com/seed1a8f7c28/session/sql"
	"github.com/seed1a8f7c28/session/sql/pgsql"
)

// native is the engine without database/sql.
var native = sqltest.Engine{
	Driver: "pgx", Dialect: pgsql.Dialect, Node: pgx.Open, App: ownPool, Server: sqltest.Postgres(),
	Testdata: "../../postgres/testdata",
}

// newPool opens an application's pool, until the test ends.
func newPool(t testing.TB, dsn string, maxConns int) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.MaxConns = 16; maxConns > 0 {
		cfg.MaxConns = int32(maxConns)
	}
	p, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func ownPool(t testing.TB, dsn string, maxConns int) sqltest.App {
	p := newPool(t, dsn, maxConns)
	return sqltest.App{
		Open: func(ctx context.Context, c driver.Config, opts ...sessionsql.Option) (driver.Backend, error) {
			return pgx.OpenPool(ctx, c, p, opts...)
		},
		Take: func(ctx context.Context) (func(), error) {
			c, err := p.Acquire(ctx)
			if err != nil {
				return nil, err
			}
			return c.Release, nil
		},
		Conns: func() (open, used int) {
			s := p.Stat()
			return int(s.TotalConns()), int(s.AcquiredConns())
		},
		IdleReadOnly: func(t testing.TB) (is bool) {
			for _, c := range p.AcquireAllIdle(t.Context()) {
				var only string
				if err := c.QueryRow(t.Context(), "SHOW transaction_read_only").Scan(&only); err != nil {
					t.Error(err)
				}
				is = is || only == "on"
				c.Release()
			}
			return is
		},
	}
}

func TestNative(t *testing.T) { native.Test(t) }

func BenchmarkNative(b *testing.B) { sessiontest.Bench(b, native.Harness()) }

func TestNativeAltered(t *testing.T) {
	t.Run("provider", func(t *testing.T) { native.Altered(t, alter) })
	t.Run("own pool", func(t *testing.T) { native.Altered(t, alter, sessionsql.Schema("create")) })
}

// TestDoneOnAnotherNode has nodes hear of each other, over the provider's pools and over one of the application's.
func TestDoneOnAnotherNode(t *testing.T) {
	told := func(t *testing.T, newProvider func() session.Provider, config string) {
		faulttest.Told(t, func() *session.Manager {
			m, err := session.New(newProvider(), session.NewManagerConfig(session.CfgProviderConfig(config)))
			if err != nil {
				t.Fatal(err)
			}
			return m
		})
	}
	t.Run("provider", func(t *testing.T) {
		told(t, func() session.Provider { return session.NewProvider(pgx.Open) }, native.Empty(t))
	})
	t.Run("own pool", func(t *testing.T) { // whose password comes late, and whose notices are the application's
		cfg, err := pgxpool.ParseConfig(native.Empty(t))
		if err != nil {
			t.Fatal(err)
		}
		password := cfg.ConnConfig.Password
		cfg.ConnConfig.Password = "none"
		cfg.BeforeConnect = func(_ context.Context, c *pgxv5.ConnConfig) error {
			c.Password = password
			return nil
		}
		cfg.ConnConfig.OnNotification = func(*pgconn.PgConn, *pgconn.Notification) {}
		p, err := pgxpool.NewWithConfig(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		told(t, func() session.Provider { return pgx.New(p) }, "")
	})
}

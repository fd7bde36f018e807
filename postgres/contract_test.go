package postgres_test

import (
	"context"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/servertest"
	"github.com/seed1a8f7c28/session/internal/sqltest"
	"github.com/seed1a8f7c28/session/postgres"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestMain(m *testing.M) {
	if !sqltest.Role(engine.Provider) {
		servertest.Main(m)
	}
}

var engine = sqltest.Engine{
	Driver: "postgres", Dialect: postgres.Dialect, Provider: postgres.New,
	Database: func(t testing.TB) string {
		server := servertest.Postgres(t)
		return server.DSN(server.NewDatabase(t))
	},
}

var harness = sessiontest.Harness{
	Store: func(t testing.TB) sessiontest.Open {
		dsn := engine.Database(t)
		return func(ctx context.Context, c session.BackendConfig) (session.Backend, error) {
			c.Config = dsn
			return postgres.Open(ctx, c)
		}
	},
	Floor: engine.Floor,
}

func TestContract(t *testing.T) { sessiontest.Run(t, harness) }

func TestModel(t *testing.T) { sessiontest.Model(t, harness, 12) }

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, harness) }

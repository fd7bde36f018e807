package postgres_test

import (
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/postgres"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestMain(m *testing.M) {
	if !sqltest.Role(postgres.Open) {
		servertest.Main(m)
	}
}

var engine = sqltest.Engine{
	Driver: "postgres", Dialect: postgres.Dialect, Node: postgres.Open, New: postgres.New,
	Server: sqltest.Postgres(), LostCreations: 1,
}

func TestPostgres(t *testing.T) { engine.Test(t) }

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, engine.Harness()) }

func BenchmarkSize(b *testing.B) {
	engine.BenchSize(b, "", "SELECT pg_total_relation_size('sessions')")
}

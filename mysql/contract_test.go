package mysql_test

import (
	"context"
	"testing"

	"github.com/seed1a8f7c28/session"
	"github.com/seed1a8f7c28/session/internal/servertest"
	"github.com/seed1a8f7c28/session/mysql"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestMain(m *testing.M) { servertest.Main(m) }

var harness = sessiontest.Harness{Store: func(t testing.TB) sessiontest.Open {
	server := servertest.MariaDB(t)
	dsn := server.DSN(server.NewDatabase(t))
	return func(ctx context.Context, c session.BackendConfig) (session.Backend, error) {
		c.Config = dsn
		return mysql.Open(ctx, c)
	}
}}

func TestContract(t *testing.T) { sessiontest.Run(t, harness) }

func TestModel(t *testing.T) { sessiontest.Model(t, harness, 12) }

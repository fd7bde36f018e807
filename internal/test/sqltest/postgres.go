package sqltest

import (
	"database/sql"
	"testing"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// Postgres is the server of the engines that differ by their driver.
func Postgres() *Server {
	return &Server{
		Shared: servertest.Postgres, Start: servertest.StartPostgres,
		Disconnect: func(t testing.TB, db *sql.DB) {
			Exec(t, db, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity `+
				`WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		},
		ReadOnly: func(t testing.TB, s *servertest.SQLServer, database string) (dsn string, readOnly func(on bool)) {
			return s.DSN(database), func(on bool) {
				if on {
					s.Demote(t)
				} else {
					s.Promote(t)
				}
			}
		},
		Immediate:    true,
		Serializable: "&default_transaction_isolation=serializable",
		Zones:        []string{"&timezone=Asia/Kolkata", "&timezone=America/Los_Angeles"},
	}
}

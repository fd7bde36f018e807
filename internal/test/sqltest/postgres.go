package sqltest

import (
	"database/sql"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
)

// Postgres returns the server of the engines that use PostgreSQL with different drivers.
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
		Failover:     postgresFailover,
		Immediate:    true,
		Serializable: "&default_transaction_isolation=serializable",
		Zones:        []string{"&timezone=Asia/Kolkata", "&timezone=America/Los_Angeles"},
	}
}

// postgresFailover starts a primary and a standby that follows it.
func postgresFailover(t testing.TB, e Engine) *Failover {
	primary := servertest.StartPostgres(t, servertest.SQLOptions{})
	standby := servertest.StartStandby(t, primary)
	db := e.DB(t, primary.DSN(primary.Database))
	return &Failover{
		Old: primary.Addr, New: standby.Addr, Follows: true,
		DSN: func(addr string) string { return primary.DSNVia(addr, primary.Database) },
		Fence: func() {
			Exec(t, db, "ALTER SYSTEM SET default_transaction_read_only = on")
			Exec(t, db, "SELECT pg_reload_conf()")
			for range 1000 { // until the connections see the setting
				var only string
				if err := db.QueryRow("SHOW transaction_read_only").Scan(&only); err != nil {
					t.Fatal(err)
				}
				if only == "on" {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Error("the primary goes on writing")
		},
		Promote: func() { standby.Promote(t) },
	}
}

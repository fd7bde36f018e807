package sqltest

import (
	"database/sql"
	"testing"
	"time"

	"github.com/seed1a8f7c28/session/driver"
	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/sessiontest"
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

// InfiniteTimes has somebody write the times that are none into a row: the user's others are listed and limited as before.
func (e Engine) InfiniteTimes(t *testing.T) {
	dsn := e.Empty(t)
	b, db := e.own(t, dsn, 0), e.DB(t, dsn)
	for _, column := range []string{"created_at", "auth_at", "expires_at", "deadline_at"} {
		for _, infinity := range []string{"infinity", "-infinity"} {
			user := column + infinity
			for _, name := range []string{"a", "b"} {
				rec := &driver.Record{User: user, Created: time.Now(), Expires: time.Now().Add(time.Hour)}
				if err := b.Create(t.Context(), sessiontest.Key(user+name), rec); err != nil {
					t.Fatal(err)
				}
			}
			Exec(t, db, "UPDATE sessions SET "+column+" = '"+infinity+"' WHERE id = (SELECT id FROM sessions WHERE user_id = '"+
				user+"' ORDER BY id LIMIT 1)")
			n := 0
			for _, err := range b.(driver.UserLister).ListUser(t.Context(), user) {
				if n++; err != nil {
					t.Errorf("%s: ListUser: %v", user, err)
				}
			}
			if n == 0 {
				t.Errorf("%s: nothing is listed", user)
			}
			_, err := b.(driver.UserLimiter).Reserve(t.Context(), user, sessiontest.Key(user), time.Now(), 1, true)
			if err != nil {
				t.Errorf("%s: Reserve: %v", user, err)
			}
		}
	}
}

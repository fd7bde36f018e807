package mysql_test

import (
	"database/sql"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/seed1a8f7c28/session/internal/test/servertest"
	"github.com/seed1a8f7c28/session/internal/test/sqltest"
	"github.com/seed1a8f7c28/session/mysql"
	"github.com/seed1a8f7c28/session/sessiontest"
)

func TestMain(m *testing.M) {
	driver.SetLogger(new(driver.NopLogger)) // of the tests' own pools
	if !sqltest.Role(mysql.Open) {
		servertest.Main(m)
	}
}

var (
	mariadb = sqltest.Engine{
		Driver: "mysql", Dialect: mysql.Dialect, Node: mysql.Open, New: mysql.New,
		Server: &sqltest.Server{
			Shared: servertest.MariaDB, Start: servertest.StartMariaDB,
			Disconnect: disconnect, ReadOnly: readOnly, Failover: failover(servertest.StartMariaDB),
			Serializable: "?tx_isolation=%27SERIALIZABLE%27", Zones: zones, Params: params, ShowsUnflushed: true,
		},
	}
	oracle = sqltest.Engine{
		Driver: "mysql", Dialect: mysql.Dialect, Node: mysql.Open, New: mysql.New,
		Server: &sqltest.Server{
			Shared: servertest.MySQL, Start: servertest.StartMySQL,
			Disconnect: disconnect, ReadOnly: readOnly, Failover: failover(servertest.StartMySQL),
			Serializable: "?transaction_isolation=%27SERIALIZABLE%27", Zones: zones, Params: params, ShowsUnflushed: true,
		},
	}
)

var (
	zones = []string{
		"?time_zone=%27%2B05:30%27&loc=Asia%2FKolkata&parseTime=true", "?time_zone=%27-08:00%27&loc=America%2FNew_York",
	}
	params = []string{"?clientFoundRows=true", "?interpolateParams=true", "?sql_mode=%27%27"}
)

func TestMariaDB(t *testing.T) { mariadb.Test(t) }

func TestMySQL(t *testing.T) { oracle.Test(t) }

// both runs a test on both.
func both(t *testing.T, test func(t *testing.T, e sqltest.Engine)) {
	t.Run("MariaDB", func(t *testing.T) { test(t, mariadb) })
	t.Run("MySQL", func(t *testing.T) { test(t, oracle) })
}

func BenchmarkRequests(b *testing.B) { sessiontest.Bench(b, mariadb.Harness()) }

// disconnect kills the connections of others.
func disconnect(t testing.TB, db *sql.DB) {
	rows, err := db.Query("SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()")
	if err != nil {
		t.Error(err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			t.Error(err)
		}
		db.Exec("KILL ?", id) // some have gone
	}
}

// readOnly sets what replicas are set to. It does not hold for the tests' own user, who may do everything.
func readOnly(t testing.TB, s *servertest.SQLServer, database string) (dsn string, readOnly func(on bool)) {
	db, err := sql.Open("mysql", s.DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	sqltest.Exec(t, db, "CREATE USER 'app'@'%' IDENTIFIED BY 'app'")
	sqltest.Exec(t, db, "GRANT ALL ON "+database+".* TO 'app'@'%'")
	return "app:app@tcp(" + s.Addr + ")/" + database, func(on bool) {
		sqltest.Exec(t, db, map[bool]string{true: "SET GLOBAL read_only = 1", false: "SET GLOBAL read_only = 0"}[on])
	}
}

// failover has two servers that know nothing of each other.
func failover(start func(t testing.TB, o servertest.SQLOptions) *servertest.SQLServer) func(t testing.TB, e sqltest.Engine) *sqltest.Failover {
	return func(t testing.TB, _ sqltest.Engine) *sqltest.Failover {
		first, second := start(t, servertest.SQLOptions{}), start(t, servertest.SQLOptions{})
		_, fence := readOnly(t, first, first.Database)
		readOnly(t, second, second.Database)
		return &sqltest.Failover{
			Old: first.Addr, New: second.Addr,
			DSN:   func(addr string) string { return "app:app@tcp(" + addr + ")/" + first.Database },
			Fence: func() { fence(true) }, Promote: func() {},
		}
	}
}

func BenchmarkSize(b *testing.B) {
	mariadb.BenchSize(b, "ANALYZE TABLE sessions",
		"SELECT data_length + index_length FROM information_schema.tables WHERE table_schema = database() AND table_name = 'sessions'")
}

package servertest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// The database servers are tested alike.
var sqlServers = map[string]struct {
	shared  func(testing.TB) *SQLServer
	start   func(testing.TB, SQLOptions) *SQLServer
	setting string // of SQLOptions.Config, and what shows it
	show    string
	sleep   string // a query that takes five seconds
	asleep  string // asks how many such queries there are
	tls     string // shows the connection's TLS version
	verify  string // has the client check the server's certificate, where the DSN does not
}{
	"postgres": {
		shared: Postgres, start: StartPostgres,
		setting: "deadlock_timeout=123ms", show: "SHOW deadlock_timeout",
		sleep: "SELECT pg_sleep(5)", asleep: "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(5)'",
		tls: "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
	},
	"mysql": {
		shared: MySQL, start: StartMySQL,
		setting: "lock-wait-timeout=123", show: "SELECT CONCAT(@@lock_wait_timeout, 'ms')",
		sleep: "DO SLEEP(5)", asleep: "SELECT count(*) FROM information_schema.processlist WHERE info = 'DO SLEEP(5)'",
		tls: "SHOW STATUS LIKE 'Ssl_version'", verify: "--ssl-mode=VERIFY_IDENTITY",
	},
	"mariadb": {
		shared: MariaDB, start: StartMariaDB,
		setting: "lock-wait-timeout=123", show: "SELECT CONCAT(@@lock_wait_timeout, 'ms')",
		sleep: "DO SLEEP(5)", asleep: "SELECT count(*) FROM information_schema.processlist WHERE info = 'DO SLEEP(5)'",
		tls: "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'ssl_version'", verify: "--ssl-verify-server-cert",
	},
}

func query(t testing.TB, s *SQLServer, database, query string) string {
	t.Helper()
	out, err := s.query(database, query)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSQLDatabasesAreApart(t *testing.T) {
	for name, tt := range sqlServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tt.shared(t)
			var one string
			t.Run("one", func(t *testing.T) {
				one = s.NewDatabase(t)
				two := s.NewDatabase(t)
				query(t, s, one, "CREATE TABLE t (a int)")
				query(t, s, two, "CREATE TABLE t (a int)")
				query(t, s, one, "INSERT INTO t VALUES (1), (2)")
				if a, b := query(t, s, one, "SELECT count(*) FROM t"), query(t, s, two, "SELECT count(*) FROM t"); a != "2" || b != "0" {
					t.Errorf("got %s and %s rows", a, b)
				}
			})
			if out, err := s.query(one, "SELECT 1"); err == nil {
				t.Errorf("after the test its database is there: %s", out)
			}
		})
	}
}

func TestSQLKeepsCommitsThroughACrash(t *testing.T) {
	for name, tt := range sqlServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tt.start(t, SQLOptions{Durable: true, Config: []string{tt.setting}})
			if got := query(t, s, s.Database, tt.show); got != "123ms" {
				t.Errorf("the setting is %q", got)
			}
			db := s.NewDatabase(t)
			query(t, s, db, "CREATE TABLE t (a int)")
			query(t, s, db, "INSERT INTO t VALUES (7)")
			s.Kill(t)
			if out, err := s.query(db, "SELECT 1"); err == nil {
				t.Errorf("killed, it answers %s", out)
			}
			s.Start(t)
			if got := query(t, s, db, "SELECT a FROM t"); got != "7" {
				t.Errorf("after kill: %q", got)
			}
			s.Stop(t)
			s.Start(t)
			if got := query(t, s, db, "SELECT a FROM t"); got != "7" {
				t.Errorf("after stop: %q", got)
			}
		})
	}
}

func TestSQLTLS(t *testing.T) {
	for name, tt := range sqlServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			certs := NewCerts(t)
			s := tt.start(t, SQLOptions{TLS: certs})
			client := s.client
			s.client = func(database, query string) (argv, env []string) {
				argv, env = client(database, query)
				if tt.verify != "" {
					argv = append(argv, tt.verify, "--ssl-ca="+certs.CA)
				}
				return argv, env
			}
			if got := query(t, s, s.Database, tt.tls); !strings.Contains(got, "TLSv1") {
				t.Errorf("the connection speaks %q", got)
			}
		})
	}
}

// The client is connected before the pause: a server that only stops accepting would answer it.
func TestSQLPauseHangsARequest(t *testing.T) {
	for name, tt := range sqlServers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tt.start(t, SQLOptions{})
			argv, env := s.client(s.Database, tt.sleep)
			cmd := exec.Command(argv[0], argv[1:]...)
			cmd.Env = append(os.Environ(), env...)
			begin := time.Now()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- cmd.Wait() }()
			eventually(t, "asked", func() bool { return query(t, s, s.Database, tt.asleep) == "1" })
			s.Pause(t)
			select {
			case err := <-done:
				t.Fatalf("paused, it answers after %v: %v", time.Since(begin), err)
			case <-time.After(6 * time.Second):
			}
			s.Resume(t)
			if err := <-done; err != nil {
				t.Errorf("resumed: %v", err)
			}
		})
	}
}

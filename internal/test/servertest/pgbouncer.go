package servertest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// StartPgBouncer starts a pooler for t in front of a PostgreSQL server, for all of its databases. Use [SQLServer.DSNVia]
// with the pooler's address. mode is its pool_mode, and size the number of its connections to each database. The pooler knows
// nothing of prepared statements, as PgBouncer before 1.21.
func StartPgBouncer(t testing.TB, of *SQLServer, mode string, size int) *Server {
	t.Helper()
	program := programs(t, "pgbouncer")["pgbouncer"]
	psql := programs(t, "postgresql")["psql"]
	more := ""
	if strings.HasPrefix(program, fetched("pgbouncer")) { // Debian's own does not know the setting
		more = "max_prepared_statements = 0\n"
	}
	return launch(t, "pgbouncer", func(s *Server) error {
		users, err := writeFile(s.dir, "users.txt", fmt.Sprintf("%q %q\n", of.User, of.Password))
		if err != nil {
			return err
		}
		toHost, toPort := hostPort(of.Addr)
		host, port := hostPort(s.Addr)
		config, err := writeFile(s.dir, "pgbouncer.ini", fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = %s
listen_port = %s
unix_socket_dir =
auth_type = scram-sha-256
auth_file = %s
pool_mode = %s
default_pool_size = %d
max_client_conn = 200
pidfile = %s
%s`, toHost, toPort, host, port, users, mode, size, filepath.Join(s.dir, "pid"), more))
		if err != nil {
			return err
		}
		s.argv = []string{program, config}
		s.answer = func() error {
			out, err := exec.Command(psql, "-X", "-q", "-d", of.DSNVia(s.Addr, of.Database), "-c", "SELECT 1").CombinedOutput()
			if err != nil {
				return fmt.Errorf("psql: %w: %s", err, out)
			}
			return nil
		}
		return nil
	})
}

package servertest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var sharedMariaDB shared[*SQLServer]

// MariaDB returns the MariaDB server that all tests of the binary share.
func MariaDB(t testing.TB) *SQLServer {
	t.Helper()
	return sharedMariaDB.get(t, func(t testing.TB) *SQLServer {
		s := StartMariaDB(t, SQLOptions{})
		s.shared = true
		return s
	})
}

// StartMariaDB starts a MariaDB server of t's own, stopped when t ends.
func StartMariaDB(t testing.TB, o SQLOptions) *SQLServer {
	t.Helper()
	program := programs(t, "mariadb")
	s := &SQLServer{User: "session", Password: "session", Database: "session"}
	s.dsn = func(addr, database string) string {
		return fmt.Sprintf("%s:%s@tcp(%s)/%s", s.User, s.Password, addr, database)
	}
	s.client = func(database, query string) (argv, env []string) {
		host, port := hostPort(s.Addr)
		return []string{
			program["mariadb"], "--no-defaults", "--protocol=tcp", "--connect-timeout=5", "--host=" + host, "--port=" + port,
			"--user=" + s.User, "--skip-column-names", "--batch", "--database=" + database, "--execute=" + query,
		}, []string{"MYSQL_PWD=" + s.Password}
	}
	return launchSQL(t, "mariadb", s, func(server *Server) error {
		data := filepath.Join(server.dir, "data")
		r, err := mariadbRecipe(program["mariadb-install-db"], program["mariadbd"])
		if err != nil {
			return err
		}
		if err := prepare(data, r); err != nil {
			return err
		}
		settings, err := mariadbSettings(server, data, s, o)
		if err != nil {
			return err
		}
		server.argv = []string{program["mariadbd"], "--no-defaults"}
		for _, setting := range settings {
			server.argv = append(server.argv, "--"+setting)
		}
		server.answer = func() error {
			_, err := s.query(s.Database, "SELECT 1")
			return err
		}
		return nil
	})
}

// mariadbLayout are settings that a data folder is made with and needs afterwards. They keep it small.
var mariadbLayout = []string{"innodb-log-file-size=8M", "innodb-undo-tablespaces=0"}

func mariadbSettings(server *Server, data string, s *SQLServer, o SQLOptions) ([]string, error) {
	_, port := hostPort(server.Addr)
	init, err := writeFile(server.dir, "init.sql", strings.Join([]string{
		fmt.Sprintf("CREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY '%s';", s.User, s.Password),
		fmt.Sprintf("GRANT ALL ON *.* TO '%s'@'%%' WITH GRANT OPTION;", s.User),
		fmt.Sprintf("CREATE DATABASE IF NOT EXISTS %s;", s.Database),
	}, "\n")+"\n")
	if err != nil {
		return nil, err
	}
	settings := append([]string{
		"datadir=" + data, "tmpdir=" + server.dir, "init-file=" + init, "bind-address=127.0.0.1", "port=" + port,
		"socket=" + filepath.Join(server.dir, "socket"), "pid-file=" + filepath.Join(server.dir, "pid"),
		"skip-name-resolve", "skip-log-bin", "performance-schema=off", "max-connections=300",
		"innodb-buffer-pool-size=64M",
	}, mariadbLayout...)
	if !o.Durable {
		// 2 and not 0: a commit is with the kernel, so that it survives Kill.
		settings = append(settings, "innodb-flush-log-at-trx-commit=2", "innodb-doublewrite=0")
	}
	if o.TLS != nil {
		files, err := o.TLS.copyTo(server.dir)
		if err != nil {
			return nil, err
		}
		settings = append(settings, "ssl-ca="+files.CA, "ssl-cert="+files.ServerCert, "ssl-key="+files.ServerKey)
	}
	return append(settings, o.Config...), nil
}

// mariadbRecipe makes a data folder of the server's version, which its installer does not tell.
func mariadbRecipe(install, server string) (recipe, error) {
	version, err := exec.Command(server, "--no-defaults", "--version").Output()
	r := recipe{
		argv: []string{
			install, "--no-defaults", "--datadir={work}/data", "--auth-root-authentication-method=normal", "--skip-test-db",
			"--skip-name-resolve", "--tmpdir={work}",
		},
		files: map[string]string{"version": string(version)},
	}
	for _, setting := range mariadbLayout {
		r.argv = append(r.argv, "--"+setting)
	}
	return r, err
}

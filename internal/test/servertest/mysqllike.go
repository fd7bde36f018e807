package servertest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// A mysqlLike is what MariaDB and MySQL do not have in common.
type mysqlLike struct {
	name     string // in programs.txt
	server   string // the program
	client   []string
	layout   []string // settings that a data folder is made with and needs afterwards. They keep it small
	settings []string
	recipe   func(program map[string]string, layout []string) (recipe, error)
}

func (m mysqlLike) start(t testing.TB, o SQLOptions) *SQLServer {
	t.Helper()
	program := programs(t, m.name)
	s := &SQLServer{User: "session", Password: "session", Database: "session"}
	s.dsn = func(addr, database string) string {
		return fmt.Sprintf("%s:%s@tcp(%s)/%s", s.User, s.Password, addr, database)
	}
	s.client = func(database, query string) (argv, env []string) {
		host, port := hostPort(s.Addr)
		return append([]string{
			program[m.client[0]], "--no-defaults", "--protocol=tcp", "--connect-timeout=5", "--host=" + host, "--port=" + port,
			"--user=" + s.User, "--skip-column-names", "--batch", "--database=" + database, "--execute=" + query,
		}, m.client[1:]...), []string{"MYSQL_PWD=" + s.Password}
	}
	return launchSQL(t, m.name, s, func(server *Server) error {
		data := filepath.Join(server.dir, "data")
		r, err := m.recipe(program, m.layout)
		if err != nil {
			return err
		}
		if err := prepare(data, r); err != nil {
			return err
		}
		settings, err := m.config(server, data, s, o)
		if err != nil {
			return err
		}
		server.argv = []string{program[m.server], "--no-defaults"}
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

func (m mysqlLike) config(server *Server, data string, s *SQLServer, o SQLOptions) ([]string, error) {
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
	}, m.layout...)
	settings = append(settings, m.settings...)
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

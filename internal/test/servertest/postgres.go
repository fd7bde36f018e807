package servertest

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

var sharedPostgres shared[*SQLServer]

// Postgres returns the PostgreSQL server that all tests of the binary share.
func Postgres(t testing.TB) *SQLServer {
	t.Helper()
	s := sharedPostgres.get(t, func(t testing.TB) *SQLServer {
		s := StartPostgres(t, SQLOptions{})
		s.shared = true
		return s
	})
	return s
}

// StartPostgres starts a PostgreSQL server for t and stops it when t ends. Stop is a fast shutdown, which ends clients'
// connections, or an immediate one.
func StartPostgres(t testing.TB, o SQLOptions) *SQLServer {
	t.Helper()
	program := programs(t, "postgresql")
	return startPostgres(t, o, program, func(s *SQLServer, data string) error {
		return prepare(data, postgresRecipe(program["initdb"], s.User, s.Password))
	})
}

// StartStandby starts a PostgreSQL server for t that follows primary without delay until it is promoted.
func StartStandby(t testing.TB, primary *SQLServer) *SQLServer {
	t.Helper()
	program := programs(t, "postgresql")
	return startPostgres(t, SQLOptions{}, program, func(s *SQLServer, data string) error {
		return run([]string{
			program["pg_basebackup"], "-D", data, "-d", primary.DSN(primary.Database), "-X", "stream", "-c", "fast", "-R", "--no-sync",
		}, s.dir)
	})
}

// startPostgres starts a server whose data makeData puts into a folder that is not there.
func startPostgres(
	t testing.TB, o SQLOptions, program map[string]string, makeData func(s *SQLServer, data string) error,
) *SQLServer {
	t.Helper()
	s := &SQLServer{User: "session", Password: "session", Database: "postgres", drop: " WITH (FORCE)"}
	s.dsn = func(addr, database string) string {
		query := url.Values{"sslmode": {"disable"}}
		if o.TLS != nil {
			query = url.Values{"sslmode": {"verify-full"}, "sslrootcert": {o.TLS.CA}}
		}
		dsn := url.URL{
			Scheme: "postgres", User: url.UserPassword(s.User, s.Password), Host: addr, Path: "/" + database,
			RawQuery: query.Encode(),
		}
		return dsn.String()
	}
	s.client = func(database, query string) (argv, env []string) {
		return []string{
			program["psql"], "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", s.DSN(database), "-c", query,
		}, []string{"PGCONNECT_TIMEOUT=5"}
	}
	return launchSQL(t, "postgres", s, func(server *Server) error {
		data := filepath.Join(server.dir, "data")
		if err := makeData(s, data); err != nil {
			return err
		}
		settings, err := postgresSettings(server, o)
		if err != nil {
			return err
		}
		server.argv = []string{program["postgres"], "-D", data}
		for _, setting := range settings {
			server.argv = append(server.argv, "-c", setting)
		}
		server.signal = syscall.SIGINT
		if o.Immediate {
			server.signal = syscall.SIGQUIT
		}
		server.tidy = func() error { return removeSegment(data) }
		server.answer = func() error {
			if err := postgresReady(data, server.proc.pid); err != nil {
				return err
			}
			_, err := s.query(s.Database, "SELECT 1")
			return err
		}
		return nil
	})
}

func postgresSettings(s *Server, o SQLOptions) ([]string, error) {
	_, port := hostPort(s.Addr)
	settings := []string{
		"listen_addresses=127.0.0.1", "port=" + port, "unix_socket_directories=", "max_connections=200",
		"shared_buffers=32MB", "dynamic_shared_memory_type=mmap",
	}
	if !o.Durable {
		settings = append(settings, "fsync=off", "full_page_writes=off")
	}
	if o.TLS != nil {
		files, err := o.TLS.copyTo(s.dir)
		if err != nil {
			return nil, err
		}
		settings = append(
			settings, "ssl=on", "ssl_cert_file="+files.ServerCert, "ssl_key_file="+files.ServerKey, "ssl_ca_file="+files.CA,
		)
	}
	return append(settings, o.Config...), nil
}

// postgresRecipe makes a data folder with one superuser.
func postgresRecipe(initdb, user, password string) recipe {
	return recipe{
		argv: []string{
			initdb, "-D", "{work}/data", "-U", user, "-A", "scram-sha-256", "--pwfile={work}/password", "--encoding=UTF8",
			"--locale=C.UTF-8", "--wal-segsize=1", "--no-sync", "--no-instructions",
		},
		env:   []string{"LC_ALL=C.UTF-8"},
		files: map[string]string{"password": password + "\n"},
	}
}

// postmaster reads a line, from 1, of the file that a server keeps in its data folder while it runs: 1 is the id of
// the process, 7 key and id of its segment of shared memory, 8 its state.
func postmaster(data string, line int) (string, error) {
	content, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return "", err
	}
	lines := strings.Split(string(content), "\n")
	if len(lines) < line {
		return "", fmt.Errorf("postmaster.pid has no line %d", line)
	}
	return strings.TrimSpace(lines[line-1]), nil
}

func postgresReady(data string, pid int) error {
	owner, err := postmaster(data, 1)
	if err != nil {
		return err
	}
	state, err := postmaster(data, 8)
	if err == nil && (owner != strconv.Itoa(pid) || state != "ready") {
		err = errors.New("postmaster.pid does not say ready")
	}
	return err
}

// removeSegment removes the segment of shared memory that a killed server leaves in the kernel, which has room for
// some thousands. The sweeper does the same.
func removeSegment(data string) error {
	segment, err := postmaster(data, 7)
	if err != nil {
		return nil // it was stopped, or did not come so far
	}
	_, id, _ := strings.Cut(segment, " ")
	out, err := exec.Command("ipcrm", "-m", strings.TrimSpace(id)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ipcrm: %w: %s", err, out)
	}
	return nil
}

// Demote restarts a PostgreSQL server as a read-only replica without a primary.
func (s *SQLServer) Demote(t testing.TB) {
	t.Helper()
	s.Stop(t)
	if _, err := writeFile(filepath.Join(s.dir, "data"), "standby.signal", ""); err != nil {
		t.Fatal(err)
	}
	s.Start(t)
}

// Promote makes a replica accept writes.
func (s *SQLServer) Promote(t testing.TB) {
	t.Helper()
	if _, err := s.query(s.Database, "SELECT pg_promote()"); err != nil {
		t.Fatal(err)
	}
}
